//! The native side of a `TCPServerSocket`.

use std::rc::Rc;

use napi::Result;
use napi_derive::napi;

use super::{
  channel::EventChannel, entry::Target, error::bind_error, lease::Lease, options::ListenOptions,
  tls::TlsConfig,
};
use crate::net;

/// A listening socket. The facade wraps it.
#[napi(js_name = "TCPServerSocket")]
pub struct TcpServerSocket {
  listener: Rc<net::Listener>,
  lease: Lease,
}

#[napi]
impl TcpServerSocket {
  /// Binds and listens before it returns, with TLS from the first byte if there is `tls`. Throws `"ERRNO:text"` when the
  /// system refuses.
  #[napi(constructor, catch_unwind)]
  pub fn listen(channel: &EventChannel, options: ListenOptions, tls: Option<&TlsConfig>) -> Result<Self> {
    crate::fault::point("TCPServerSocket");
    let EventChannel { hub, realm } = channel;
    let tls = tls.map(TlsConfig::as_server).transpose()?;
    let as_strings = options.as_strings;
    let listener =
      net::Listener::bind(&hub.context, options.into_net(tls)?).map_err(|error| bind_error(&error))?;
    let target = Target::Listener { as_strings };
    Ok(Self {
      lease: Lease::take(hub, realm, listener.id(), target)?,
      listener,
    })
  }

  /// The id that its events carry.
  #[napi(getter, catch_unwind)]
  pub fn id(&self) -> u32 {
    self.listener.id()
  }

  /// The port it listens on.
  #[napi(getter, catch_unwind)]
  pub fn local_port(&self) -> u16 {
    self.listener.local_addr().port()
  }

  /// The IP address it listens at.
  #[napi(getter, catch_unwind)]
  pub fn local_address(&self) -> String {
    self.listener.local_addr().ip().to_string()
  }

  /// Connections that were dropped because of their TLS handshake.
  #[napi(getter, catch_unwind)]
  pub fn failed_handshakes(&self) -> u32 {
    self.listener.failed_handshakes()
  }

  /// Accepts one connection more, where it accepts `on_demand`. `Accepted` follows when there is one; one whose handshake fails is
  /// none.
  #[napi(catch_unwind)]
  pub fn demand(&self) {
    crate::fault::point("server.demand");
    self.listener.demand(1);
  }

  /// Stops listening. When it returns the port is free, and no event follows.
  #[napi(catch_unwind)]
  pub fn close(&self) -> Result<()> {
    crate::fault::point("server.close");
    self.listener.close();
    self.lease.give_up()
  }

  /// Whether the process stays alive for this listener.
  #[napi(catch_unwind)]
  pub fn keep_alive(&self, keep: bool) -> Result<()> {
    crate::fault::point("server.keepAlive");
    self.lease.keep_alive(keep)
  }
}
