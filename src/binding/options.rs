//! Options as the facade passes them: converted and checked, complete, and of the right type.

use std::{net::IpAddr, sync::Arc};

use napi::{Error, Result};
use napi_derive::napi;

use crate::net::{
  self,
  tls::{Acceptor, ClientTls},
};

/// A connection to make.
#[napi(object, object_to_js = false)]
pub struct ConnectOptions {
  /// An ASCII name or an IP literal without brackets.
  pub host: String,
  /// 1 to 65535.
  pub port: u16,
  /// Deliver strings rather than ArrayBuffers.
  pub as_strings: bool,
}

impl ConnectOptions {
  pub(super) fn into_net(self, tls: Option<Arc<ClientTls>>) -> net::ConnectOptions {
    net::ConnectOptions {
      host: self.host,
      port: self.port,
      tls,
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
  pub(super) fn to_net(&self, tls: Option<Arc<Acceptor>>) -> Result<net::ListenOptions> {
    let address: IpAddr = self
      .address
      .parse()
      .map_err(|_| Error::from_reason("address: not an IP literal"))?;
    Ok(net::ListenOptions {
      address,
      port: self.port,
      backlog: self.backlog,
      tls,
    })
  }
}
