//! Options as the facade passes them: converted and checked, complete, and of the right type.

use std::net::IpAddr;

use napi::{Error, Result, bindgen_prelude::Buffer};
use napi_derive::napi;

use crate::net;

/// A connection to make.
#[napi(object, object_to_js = false)]
pub struct ConnectOptions {
  /// An ASCII name or an IP literal without brackets.
  pub host: String,
  /// 1 to 65535.
  pub port: u16,
  /// TLS from the first byte.
  pub secure: bool,
  /// Deliver strings rather than ArrayBuffers.
  pub as_strings: bool,
  /// Further trust anchors, in PEM.
  pub ca: Vec<Buffer>,
}

impl From<ConnectOptions> for net::ConnectOptions {
  fn from(options: ConnectOptions) -> Self {
    let ca = options.ca.iter().map(|pem| pem.to_vec()).collect();
    Self {
      host: options.host,
      port: options.port,
      secure: options.secure,
      tls: net::TlsOptions { ca },
    }
  }
}

/// A place to listen at.
#[napi(object, object_to_js = false)]
pub struct ListenOptions {
  /// An IP literal.
  pub address: String,
  /// 0 lets the system choose.
  pub port: u16,
  /// Greater than 0.
  pub backlog: i32,
  /// Accepted sockets deliver strings rather than ArrayBuffers.
  pub as_strings: bool,
}

impl ListenOptions {
  pub(super) fn to_net(&self) -> Result<net::ListenOptions> {
    let address: IpAddr = self
      .address
      .parse()
      .map_err(|_| Error::from_reason("address: not an IP literal"))?;
    Ok(net::ListenOptions {
      address,
      port: self.port,
      backlog: self.backlog,
    })
  }
}

/// Throws, with the reason, unless `ca` holds at least one certificate in PEM.
#[napi(catch_unwind)]
pub fn check_ca(ca: &[u8]) -> Result<()> {
  crate::fault::point("checkCa");
  net::tls::check_ca(ca).map_err(Error::from_reason)
}
