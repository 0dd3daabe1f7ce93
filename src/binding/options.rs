//! Options as the facade passes them: converted and checked, complete, and of the right type.

use std::{
  net::{IpAddr, SocketAddr},
  num::NonZeroU32,
  sync::Arc,
  time::Duration,
};

use napi::{Error, Result};
use napi_derive::napi;

use crate::net::{
  self, Family, KeepAlive, LocalEnd, Tuning,
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
  /// Where to connect from, and how to use TCP. Most sockets are made without.
  pub local: Option<LocalOptions>,
  /// Given up already: `Closed` follows, and nobody is connected to.
  pub given_up: Option<bool>,
}

impl ConnectOptions {
  pub(super) fn into_net(self, tls: Option<Arc<ClientTls>>) -> Result<net::ConnectOptions> {
    let local = self.local.map(LocalOptions::into_net).transpose()?;
    Ok(net::ConnectOptions {
      tls,
      local: local.unwrap_or_default(),
      ..net::ConnectOptions::to(self.host, self.port)
    })
  }
}

/// Our end of a connection that is to be made.
#[napi(object, object_to_js = false)]
pub struct LocalOptions {
  /// An IP literal.
  pub address: Option<String>,
  /// 0 lets the system choose.
  pub port: u16,
  /// Connect to addresses of this version of IP only: 4 or 6.
  pub family: Option<u8>,
  /// Connections of the port that have ended, or lead elsewhere, are not in the way. Without it `true`.
  pub reuse_address: Option<bool>,
  /// Options of TCP.
  pub tuning: TuningOptions,
}

impl LocalOptions {
  fn into_net(self) -> Result<LocalEnd> {
    Ok(LocalEnd {
      address: self.address.as_deref().map(ip).transpose()?,
      port: self.port,
      family: self.family.map(family),
      reuse_address: self.reuse_address != Some(false),
      tuning: self.tuning.into(),
    })
  }
}

/// Of the number of a version of IP.
pub(super) fn family(version: u8) -> Family {
  if version == 6 { Family::Ipv6 } else { Family::Ipv4 }
}

/// How a connection uses TCP.
#[napi(object, object_to_js = false)]
pub struct TuningOptions {
  /// Nagle's algorithm is off.
  pub no_delay: bool,
  /// A silent peer is probed.
  pub keep_alive: bool,
  /// Seconds of silence before the first probe; 0 leaves that to the system.
  pub keep_alive_delay: u16,
  /// Seconds from one unanswered probe to the next; without it 1, or the system's choice where that chooses the delay.
  pub keep_alive_interval: Option<u16>,
  /// Bytes that the kernel holds for a peer that does not take them; without it the system's choice.
  pub send_buffer_size: Option<u32>,
  /// Bytes that the kernel holds that nobody has read; without it the system's choice.
  pub receive_buffer_size: Option<u32>,
}

impl From<TuningOptions> for Tuning {
  fn from(options: TuningOptions) -> Self {
    let delay = Duration::from_secs(options.keep_alive_delay.into());
    let interval = options.keep_alive_interval.map(u64::from);
    Self {
      no_delay: options.no_delay,
      keep_alive: options.keep_alive.then_some(KeepAlive {
        idle: (!delay.is_zero()).then_some(delay),
        interval: interval.map(Duration::from_secs),
      }),
      send_buffer_size: options.send_buffer_size.and_then(NonZeroU32::new),
      receive_buffer_size: options.receive_buffer_size.and_then(NonZeroU32::new),
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
  /// Not for IPv4, where the address is `::`.
  pub ipv6_only: bool,
  /// Share connections with others that listen at the same place.
  pub reuse_port: bool,
  /// Old connections of the port (TIME_WAIT) are not in the way. Without it `true`.
  pub reuse_address: Option<bool>,
  /// Accept only what `demand` asks for.
  pub on_demand: Option<bool>,
  /// Of accepted sockets.
  pub tuning: Option<TuningOptions>,
}

impl ListenOptions {
  pub(super) fn into_net(self, tls: Option<Arc<Acceptor>>) -> Result<net::ListenOptions> {
    let address = ip(&self.address)?;
    Ok(net::ListenOptions {
      port: self.port,
      backlog: self.backlog,
      tls,
      ipv6_only: self.ipv6_only,
      reuse_port: self.reuse_port,
      reuse_address: self.reuse_address != Some(false),
      on_demand: self.on_demand == Some(true),
      tuning: self.tuning.map(Tuning::from).unwrap_or_default(),
      ..net::ListenOptions::at(address)
    })
  }
}

pub(super) fn ip(literal: &str) -> Result<IpAddr> {
  literal
    .parse()
    .map_err(|_| Error::from_reason("address: not an IP literal"))
}

/// An IP address as JavaScript reads it. One that means another host on each link has the number of its link behind it (RFC 4007).
pub(super) fn host_of(address: SocketAddr) -> String {
  match address {
    SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
    _ => address.ip().to_string(),
  }
}

/// Where a connection begins and ends.
#[napi(object, object_from_js = false)]
pub struct SocketEnds {
  /// Our IP address.
  pub local_address: String,
  /// Our port.
  pub local_port: u16,
  /// The peer's IP address.
  pub remote_address: String,
  /// The peer's port.
  pub remote_port: u16,
}

impl From<net::Ends> for SocketEnds {
  fn from(net::Ends { local, remote }: net::Ends) -> Self {
    Self {
      local_address: host_of(local),
      local_port: local.port(),
      remote_address: host_of(remote),
      remote_port: remote.port(),
    }
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
