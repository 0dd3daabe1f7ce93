//! What an owner of a datagram socket may choose.

use std::{
  net::{IpAddr, Ipv4Addr},
  num::NonZeroU32,
};

/// A place to receive at. What the system refuses is the error of [`DatagramSocket::bind`](super::socket::DatagramSocket::bind).
#[derive(Clone, Debug)]
pub struct DatagramOptions {
  /// The local address; `::` means both families, unless it is for IPv6 only.
  pub address: IpAddr,
  /// 0 to 65535; 0 lets the system choose.
  pub port: u16,
  /// SO_REUSEADDR, where a port was chosen: others may bind to the same place, if all of them say so. For a port that the system
  /// chooses it means nothing and is not set, because Linux may then choose one that is in use.
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

impl Default for DatagramOptions {
  fn default() -> Self {
    Self {
      address: Ipv4Addr::UNSPECIFIED.into(),
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
