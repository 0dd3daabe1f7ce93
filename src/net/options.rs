//! What an owner may choose. Values arrive valid: the binding's callers check them before they come here.

use std::{net::IpAddr, sync::Arc};

use super::tls::{Acceptor, ClientTls};

/// A connection to make.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
  /// A name in ASCII (A-labels) or an IP literal without brackets.
  pub host: String,
  /// 1 to 65535.
  pub port: u16,
  /// TLS from the first byte.
  pub tls: Option<Arc<ClientTls>>,
}

/// A place to listen at.
#[derive(Clone, Debug)]
pub struct ListenOptions {
  /// The local address; `::` means both families.
  pub address: IpAddr,
  /// 0 lets the system choose.
  pub port: u16,
  /// Connections the kernel holds for us until they are accepted.
  pub backlog: i32,
  /// TLS from the first byte of every connection.
  pub tls: Option<Arc<Acceptor>>,
}
