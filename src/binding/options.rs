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

/// 4 or 6 for an IP literal of that version, which may have a zone if it is one of version 6; 0 for anything else. (Node's
/// own `isIP` is part of `node:net`, which takes longer to load than all of this package.)
#[napi(catch_unwind)]
pub fn ip_version(text: String) -> u32 {
  let (address, zone) = match text.split_once('%') {
    Some((address, zone)) => (address, Some(zone)),
    None => (text.as_str(), None),
  };
  match (address.parse(), zone) {
    (Ok(IpAddr::V4(_)), None) => 4,
    (Ok(IpAddr::V6(_)), None) => 6,
    (Ok(IpAddr::V6(_)), Some(zone)) if is_zone(zone) => 6,
    _ => 0,
  }
}

fn is_zone(zone: &str) -> bool {
  let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
  !zone.is_empty() && zone.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn addresses_are_told_from_names() {
    for (text, version) in [
      ("127.0.0.1", 4),
      ("::1", 6),
      ("fe80::1%eth0", 6),
      ("::ffff:1.2.3.4", 6),
      ("127.0.0.1%lo", 0),
      ("fe80::1%", 0),
      ("fe80::1%a b", 0),
      ("127.1", 0),
      ("01.2.3.4", 0),
      ("localhost", 0),
      ("", 0),
    ] {
      assert_eq!(ip_version(text.into()), version, "{text}");
    }
  }
}
