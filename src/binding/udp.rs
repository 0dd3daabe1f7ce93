//! The native side of a `UDPSocket`.

use std::{
  net::{IpAddr, SocketAddr},
  num::NonZeroU32,
  rc::Rc,
};

use napi::Result;
use napi_derive::napi;

use super::{
  channel::EventChannel,
  entry::Target,
  error::bind_error,
  lease::Lease,
  options::{SocketEnds, family, host_of, ip},
};
use crate::net::{self, Destination, Membership};

/// A place to receive datagrams at.
#[napi(object, object_to_js = false)]
pub struct DatagramOptions {
  /// An IP literal; without it every address, of IPv4, or with `peer` of the peer's family.
  pub address: Option<String>,
  /// 0 lets the system choose.
  pub port: u16,
  /// Others may bind to the same place, if all of them say so.
  pub reuse_address: bool,
  /// Not for IPv4, where the address is `::`.
  pub ipv6_only: bool,
  /// Datagrams may go to broadcast addresses; without it they may.
  pub broadcast: Option<bool>,
  /// What is sent to a group comes to the sockets of this host that belong to it.
  pub multicast_loop: bool,
  /// How many networks a datagram to a group may pass through; without it the system's choice.
  pub multicast_hops: Option<u8>,
  /// Bytes; without it the system's choice.
  pub send_buffer_size: Option<u32>,
  /// Bytes; without it the system's choice.
  pub receive_buffer_size: Option<u32>,
  /// The one to talk to, and to hear.
  pub peer: Option<DatagramPeer>,
}

/// Who a datagram socket is connected to.
#[napi(object, object_to_js = false)]
pub struct DatagramPeer {
  /// An IP literal or an ASCII name.
  pub host: String,
  /// 1 to 65535.
  pub port: u16,
  /// 4 or 6: only addresses of that version. Without it both will do.
  pub family: Option<u8>,
}

impl From<DatagramPeer> for Destination {
  fn from(
    DatagramPeer {
      host,
      port,
      family: version,
    }: DatagramPeer,
  ) -> Self {
    let family = version.map(family);
    Self { host, port, family }
  }
}

impl DatagramOptions {
  fn into_net(self) -> Result<net::DatagramOptions> {
    Ok(net::DatagramOptions {
      address: self.address.as_deref().map(ip).transpose()?,
      port: self.port,
      reuse_address: self.reuse_address,
      ipv6_only: self.ipv6_only,
      broadcast: self.broadcast.unwrap_or(true),
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
  /// Binds before it returns, and throws `"ERRNO:text"` when the system refuses. With a peer it is looked up, bound and connected in tasks:
  /// `Opened` or `Failed` follows. From then on `Datagram` for each that arrives, and `Failed` should it end by itself.
  #[napi(constructor, catch_unwind)]
  pub fn bind(channel: &EventChannel, mut options: DatagramOptions) -> Result<Self> {
    crate::fault::point("UDPSocket");
    let EventChannel { hub, realm } = channel;
    let peer = options.peer.take().map(Destination::from);
    let options = options.into_net()?;
    let socket = match peer {
      None => net::DatagramSocket::bind(&hub.context, &options).map_err(|error| bind_error(&error))?,
      Some(peer) => net::DatagramSocket::connect(&hub.context, options, peer),
    };
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

  /// The port it receives at; `null` before it is open.
  #[napi(getter, catch_unwind)]
  pub fn local_port(&self) -> Option<u16> {
    self.socket.local_addr().map(|local| local.port())
  }

  /// The IP address it receives at; `null` before it is open.
  #[napi(getter, catch_unwind)]
  pub fn local_address(&self) -> Option<String> {
    self.socket.local_addr().map(host_of)
  }

  /// Where it receives and where its peer does; `null` before it is connected, and where it has no peer.
  #[napi(catch_unwind)]
  pub fn ends(&self) -> Option<SocketEnds> {
    crate::fault::point("udp.ends");
    self.socket.ends().map(SocketEnds::from)
  }

  /// From now on nothing is received but what `want` asks for, and the end of each `write` is told. Those that come together are told
  /// together (`Datagrams`), unless each is to have a task of its own, as an event has. To be called before any event.
  #[napi(catch_unwind)]
  pub fn as_stream(&self, with_tasks: Option<bool>) {
    crate::fault::point("udp.asStream");
    if with_tasks != Some(true) {
      self.lease.read_on_demand();
    }
    self.socket.tell_of_each();
  }

  /// So many datagrams are wanted from now on, and each `Datagram` is one of them; 0 suspends. What comes waits in the kernel, as far as there
  /// is room. With a peer, `ReadFailed` tells what it answered, and receiving goes on.
  #[napi(catch_unwind)]
  pub fn want(&self, count: u32) {
    crate::fault::point("udp.want");
    self.socket.want(count);
  }

  /// So many more are wanted than before, for owners who cannot know how many are on their way to them.
  #[napi(catch_unwind)]
  pub fn want_more(&self, count: u32) {
    crate::fault::point("udp.wantMore");
    self.socket.want_more(count);
  }

  /// Sends a copy of `data` to an IP literal or an ASCII name, of which `family`, 4 or 6, allows only addresses of that version; without them
  /// to the peer. True: the system has it. False: `Drained` or `WriteFailed` follows, one for each of these calls, in their order. Only after
  /// `asStream`.
  #[napi(catch_unwind)]
  pub fn write(&self, data: &[u8], host: Option<String>, port: Option<u16>, family: Option<u8>) -> bool {
    crate::fault::point("udp.write");
    let port = port.unwrap_or_default();
    let to = host.map(|host| DatagramPeer { host, port, family }.into());
    self.socket.write(data, to)
  }

  /// Datagrams that were not sent, as far as the system said so, or because too many waited.
  #[napi(getter, catch_unwind)]
  pub fn dropped(&self) -> u32 {
    self.socket.dropped()
  }

  /// Sends a copy of `data` to an IP literal or an ASCII name, or drops it. `stageDatagram` of `EventChannel.outbound` costs less.
  #[napi(catch_unwind)]
  pub fn send(&self, data: &[u8], host: String, port: u16) {
    crate::fault::point("udp.send");
    match host.parse::<IpAddr>() {
      Ok(ip) => self.socket.send(data, SocketAddr::new(ip, port)),
      Err(_) => self.socket.send_to_name(data, host, port),
    }
  }

  /// Joins the multicast group of an IP literal; with `source`, a literal of the same version, for what comes from there. Throws `"ERRNO:text"`.
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
  Ok(Membership {
    group: ip(group)?,
    source: source.map(ip).transpose()?,
  })
}
