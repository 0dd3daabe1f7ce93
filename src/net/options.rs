//! What an owner may choose. Values arrive valid: the binding's callers check them before they come here.

use std::{net::IpAddr, sync::Arc};

use super::{
  LocalEnd, Tuning,
  tls::{Acceptor, ClientTls},
};

/// A connection to make.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
  /// A name in ASCII (A-labels) or an IP literal without brackets.
  pub host: String,
  /// 1 to 65535.
  pub port: u16,
  /// TLS from the first byte.
  pub tls: Option<Arc<ClientTls>>,
  /// Where to connect from, over which family, and how to use TCP.
  pub local: LocalEnd,
}

/// A place to listen at. What the system refuses is the error of [`Listener::bind`](super::Listener::bind).
#[derive(Clone, Debug)]
pub struct ListenOptions {
  /// The local address; `::` means both families, unless it is for IPv6 only.
  pub address: IpAddr,
  /// 0 to 65535; 0 lets the system choose.
  pub port: u16,
  /// Connections the kernel holds for us until they are accepted, 1 or more. Linux takes `net.core.somaxconn` for what is more
  /// than that.
  pub backlog: i32,
  /// TLS from the first byte of every connection.
  pub tls: Option<Arc<Acceptor>>,
  /// IPV6_V6ONLY, of an IPv6 address, and set in both cases, so that the system's own choice is never what counts. `true`: not
  /// for IPv4, which matters where the address is `::`. Linux itself turns it on at
  /// every other IPv6 address, except for IPv4-mapped ones. It means nothing where the address is an IPv4 one.
  pub ipv6_only: bool,
  /// SO_REUSEADDR: the port is free although old connections of it linger (TIME_WAIT). On by default. Without it, they are in
  /// the way for a minute (EADDRINUSE). Not set on Windows, where it would mean to steal the port.
  pub reuse_address: bool,
  /// SO_REUSEPORT: others may listen at the same place, and share its connections, if all of them say so. Linux only: an error
  /// elsewhere.
  pub reuse_port: bool,
  /// Accepts nothing unless [`Listener::demand`](super::Listener::demand) asks for it.
  pub on_demand: bool,
  /// How accepted connections use TCP, from before they are connected.
  pub tuning: Tuning,
}

impl ConnectOptions {
  /// To `host`, with nothing chosen that can be left out.
  pub fn to(host: impl Into<String>, port: u16) -> Self {
    Self {
      host: host.into(),
      port,
      tls: None,
      local: LocalEnd::default(),
    }
  }
}

impl ListenOptions {
  /// At `address` and any free port, with nothing chosen that can be left out.
  pub fn at(address: impl Into<IpAddr>) -> Self {
    Self {
      address: address.into(),
      port: 0,
      backlog: 511,
      tls: None,
      ipv6_only: false,
      reuse_address: true,
      reuse_port: false,
      on_demand: false,
      tuning: Tuning::default(),
    }
  }
}
