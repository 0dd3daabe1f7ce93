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
  /// Where to connect from, and how to use TCP.
  pub local: LocalEnd,
}

/// A place to listen at.
#[derive(Clone, Debug)]
pub struct ListenOptions {
  /// The local address; `::` means both families, unless it is for IPv6 only.
  pub address: IpAddr,
  /// 0 lets the system choose.
  pub port: u16,
  /// Connections the kernel holds for us until they are accepted.
  pub backlog: i32,
  /// TLS from the first byte of every connection.
  pub tls: Option<Arc<Acceptor>>,
  /// Not for IPv4, where the address is `::`.
  pub ipv6_only: bool,
  /// Others may listen at the same place, and share its connections, if all of them say so.
  pub reuse_port: bool,
  /// Accepts nothing unless [`Listener::demand`](super::Listener::demand) asks for it.
  pub on_demand: bool,
  /// How accepted connections use TCP.
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
      backlog: 128,
      tls: None,
      ipv6_only: false,
      reuse_port: false,
      on_demand: false,
      tuning: Tuning::default(),
    }
  }
}
