//! The native side of a `UDPSocket`.

use std::{
  net::{IpAddr, Ipv4Addr, SocketAddr},
  num::NonZeroU32,
  rc::Rc,
};

use napi::{Error, Result};
use napi_derive::napi;

use super::{
  channel::EventChannel,
  entry::Target,
  error::bind_error,
  lease::Lease,
  options::{host_of, ip},
};
use crate::net::{self, Membership};

/// A place to receive datagrams at.
#[napi(object, object_to_js = false)]
pub struct DatagramOptions {
  /// An IP literal.
  pub address: String,
  /// 0 lets the system choose.
  pub port: u16,
  /// Others may bind to the same place, if all of them say so.
  pub reuse_address: bool,
  /// Not for IPv4, where the address is `::`.
  pub ipv6_only: bool,
  /// What is sent to a group comes to the sockets of this host that belong to it.
  pub multicast_loop: bool,
  /// How many networks a datagram to a group may pass through; without it the system's choice.
  pub multicast_hops: Option<u8>,
  /// Bytes; without it the system's choice.
  pub send_buffer_size: Option<u32>,
  /// Bytes; without it the system's choice.
  pub receive_buffer_size: Option<u32>,
}

impl DatagramOptions {
  fn into_net(self) -> Result<net::DatagramOptions> {
    Ok(net::DatagramOptions {
      address: ip(&self.address)?,
      port: self.port,
      reuse_address: self.reuse_address,
      ipv6_only: self.ipv6_only,
      broadcast: true,
      multicast_loop: self.multicast_loop,
      multicast_hops: self.multicast_hops,
      send_buffer_size: self.send_buffer_size.and_then(NonZeroU32::new),
      receive_buffer_size: self.receive_buffer_size.and_then(NonZeroU32::new),
    })
  }
}

/// A datagram socket. Facades wrap it.
#[napi(js_name = "UDPSocket")]
pub struct UdpSocket {
  socket: Rc<net::DatagramSocket>,
  lease: Lease,
}

#[napi]
impl UdpSocket {
  /// Binds before it returns. Throws `"ERRNO:text"` when the system refuses. `Datagram` follows for each that arrives, and `Failed`
  /// should it end by itself.
  #[napi(constructor, catch_unwind)]
  pub fn bind(channel: &EventChannel, options: DatagramOptions) -> Result<Self> {
    crate::fault::point("UDPSocket");
    let EventChannel { hub, realm } = channel;
    let socket =
      net::DatagramSocket::bind(&hub.context, &options.into_net()?).map_err(|error| bind_error(&error))?;
    let target = Target::Datagrams(Rc::clone(&socket));
    Ok(Self {
      lease: Lease::take(hub, realm, socket.id(), target)?,
      socket,
    })
  }

  /// The id that its events carry.
  #[napi(getter, catch_unwind)]
  pub fn id(&self) -> u32 {
    self.socket.id()
  }

  /// The port it receives at.
  #[napi(getter, catch_unwind)]
  pub fn local_port(&self) -> u16 {
    self.socket.local_addr().port()
  }

  /// The IP address it receives at.
  #[napi(getter, catch_unwind)]
  pub fn local_address(&self) -> String {
    host_of(self.socket.local_addr())
  }

  /// Datagrams that were not sent, as far as the system said so, or because too many waited.
  #[napi(getter, catch_unwind)]
  pub fn dropped(&self) -> u32 {
    self.socket.dropped()
  }

  /// Sends a copy of `data` to an IP literal or an ASCII name, or drops it.
  #[napi(catch_unwind)]
  pub fn send(&self, data: &[u8], host: String, port: u16) {
    crate::fault::point("udp.send");
    match host.parse::<IpAddr>() {
      Ok(ip) => self.socket.send(data, SocketAddr::new(ip, port)),
      Err(_) => self.socket.send_to_name(data, host, port),
    }
  }

  /// Joins the multicast group of an IP literal; with `source`, an IPv4 literal, for what comes from there. Throws `"ERRNO:text"`.
  #[napi(catch_unwind)]
  pub fn join(&self, group: String, source: Option<String>) -> Result<()> {
    crate::fault::point("udp.join");
    let membership = membership(&group, source.as_deref())?;
    self.socket.join(membership).map_err(|error| bind_error(&error))
  }

  /// Leaves the group again. Throws `"ERRNO:text"`.
  #[napi(catch_unwind)]
  pub fn leave(&self, group: String, source: Option<String>) -> Result<()> {
    crate::fault::point("udp.leave");
    let membership = membership(&group, source.as_deref())?;
    self.socket.leave(membership).map_err(|error| bind_error(&error))
  }

  /// Receives nothing until `resume`. What comes waits in the kernel, as far as there is room.
  #[napi(catch_unwind)]
  pub fn suspend(&self) {
    crate::fault::point("udp.suspend");
    self.socket.suspend();
  }

  /// Receives again.
  #[napi(catch_unwind)]
  pub fn resume(&self) {
    crate::fault::point("udp.resume");
    self.socket.resume();
  }

  /// Stops receiving. When it returns the port is free, and no event follows.
  #[napi(catch_unwind)]
  pub fn close(&self) -> Result<()> {
    crate::fault::point("udp.close");
    self.socket.close();
    self.lease.give_up()
  }

  /// Whether the process stays alive for this socket.
  #[napi(catch_unwind)]
  pub fn keep_alive(&self, keep: bool) -> Result<()> {
    crate::fault::point("udp.keepAlive");
    self.lease.keep_alive(keep)
  }
}

fn membership(group: &str, source: Option<&str>) -> Result<Membership> {
  let parse = |text: &str| {
    text
      .parse::<Ipv4Addr>()
      .map_err(|error| Error::from_reason(format!("{text}: {error}")))
  };
  Ok(Membership {
    group: ip(group)?,
    source: source.map(parse).transpose()?,
  })
}
