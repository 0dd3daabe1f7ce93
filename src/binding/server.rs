//! The native side of a `TCPServerSocket`.

use std::{cell::Cell, rc::Rc};

use napi::Result;
use napi_derive::napi;

use super::{
  channel::{Channel, EventChannel},
  error::bind_error,
  hub::{Entry, Target},
  options::ListenOptions,
};
use crate::net;

/// A listening socket. The facade wraps it.
#[napi(js_name = "TCPServerSocket")]
pub struct TcpServerSocket {
  channel: Rc<Channel>,
  listener: net::Listener,
  /// It keeps the process alive while it is live.
  keeps_alive: Cell<bool>,
}

#[napi]
impl TcpServerSocket {
  /// Binds and listens before it returns. Throws `"ERRNO:text"` when the system refuses.
  #[napi(constructor, catch_unwind)]
  pub fn listen(channel: &EventChannel, options: ListenOptions) -> Result<Self> {
    crate::fault::point("TCPServerSocket");
    let channel = &channel.inner;
    let listener =
      net::Listener::bind(&channel.hub.context, options.to_net()?).map_err(|error| bind_error(&error))?;
    let target = Target::Listener {
      as_strings: options.as_strings,
    };
    channel.hub.register(
      listener.id(),
      Entry {
        channel: Rc::clone(channel),
        target,
      },
    )?;
    Ok(Self {
      channel: Rc::clone(channel),
      listener,
      keeps_alive: Cell::new(true),
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

  /// Stops listening. When it returns the port is free, and no event follows.
  #[napi(catch_unwind)]
  pub fn close(&self) -> Result<()> {
    crate::fault::point("server.close");
    self.listener.close();
    self
      .channel
      .hub
      .release(self.listener.id(), self.keeps_alive.get())
  }

  /// Whether the process stays alive for this listener.
  #[napi(catch_unwind)]
  pub fn keep_alive(&self, keep: bool) -> Result<()> {
    crate::fault::point("server.keepAlive");
    let hub = &self.channel.hub;
    if !hub.is_live(self.listener.id()) || self.keeps_alive.replace(keep) == keep {
      return Ok(());
    }
    hub.keep_alive(keep)
  }
}
