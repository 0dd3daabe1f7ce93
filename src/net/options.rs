//! What an owner may choose. Values arrive valid: the binding's callers check them before they come here.

use std::net::IpAddr;

/// Which certificates a TLS connection trusts. Equal options share one connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
  /// Trust anchors besides the system's, each one or several certificates in PEM.
  pub ca: Vec<Vec<u8>>,
}

/// A connection to make.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
  /// A name in ASCII (A-labels) or an IP literal without brackets.
  pub host: String,
  /// 1 to 65535.
  pub port: u16,
  /// TLS from the first byte.
  pub secure: bool,
  /// Used when `secure`, and by a later upgrade.
  pub tls: TlsOptions,
}

/// A place to listen at.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
  /// The local address; `::` means both families.
  pub address: IpAddr,
  /// 0 lets the system choose.
  pub port: u16,
  /// Connections the kernel holds for us until they are accepted.
  pub backlog: i32,
}
