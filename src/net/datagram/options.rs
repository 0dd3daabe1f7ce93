//! What an owner of a datagram socket may choose.

use std::{
  net::{IpAddr, Ipv4Addr, Ipv6Addr},
  num::NonZeroU32,
};

use crate::net::{Family, peer::Peer};

/// A place to receive at. What the system refuses is the error of [`DatagramSocket::bind`](super::socket::DatagramSocket::bind).
#[derive(Clone, Debug)]
pub struct DatagramOptions {
  /// The local address; `::` means both families, unless it is for IPv6 only. `None` is every address, of IPv4, or where there is a peer of
  /// the peer's family.
  pub address: Option<IpAddr>,
  /// 0 to 65535; 0 lets the system choose.
  pub port: u16,
  /// Others may bind to the same place, if all of them say so, and each of them hears what is sent to a group: SO_REUSEADDR, and on BSD
  /// and Apple's systems SO_REUSEPORT. For a port that the system chooses it means nothing and is not set, because Linux may then choose
  /// one that is in use.
  pub reuse_address: bool,
  /// IPV6_V6ONLY, of an IPv6 address, and set in both cases.
  pub ipv6_only: bool,
  /// SO_BROADCAST: datagrams may go to broadcast addresses.
  pub broadcast: bool,
  /// IP_MULTICAST_LOOP and IPV6_MULTICAST_LOOP: what this socket sends to a group comes to the sockets of this host that belong to it.
  pub multicast_loop: bool,
  /// IP_MULTICAST_TTL and IPV6_MULTICAST_HOPS, 0 to 255: how many networks a datagram to a group may pass through. `None` is the system's
  /// choice, which is 1.
  pub multicast_hops: Option<u8>,
  /// SO_SNDBUF, in bytes, as for [`Tuning`](crate::net::Tuning).
  pub send_buffer_size: Option<NonZeroU32>,
  /// SO_RCVBUF, in bytes. What comes while it is full is lost.
  pub receive_buffer_size: Option<NonZeroU32>,
}

impl DatagramOptions {
  /// The local address of a socket of `family`.
  pub(super) fn address_of(&self, family: Family) -> IpAddr {
    self.address.unwrap_or_else(|| match family {
      Family::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
      Family::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
    })
  }
}

impl Default for DatagramOptions {
  fn default() -> Self {
    Self {
      address: None,
      port: 0,
      reuse_address: false,
      ipv6_only: false,
      broadcast: false,
      multicast_loop: true,
      multicast_hops: None,
      send_buffer_size: None,
      receive_buffer_size: None,
    }
  }
}

/// Where datagrams go.
#[derive(Clone, Debug)]
pub struct Destination {
  /// An IP literal or an ASCII name.
  pub host: String,
  /// 0 to 65535.
  pub port: u16,
  /// Only addresses of this family will do. `None` allows both.
  pub family: Option<Family>,
}

impl Destination {
  /// For messages of errors.
  pub(super) fn peer(&self) -> Peer {
    Peer {
      host: self.host.clone(),
      port: self.port,
    }
  }
}
