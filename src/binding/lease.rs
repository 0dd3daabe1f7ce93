//! The hold that a socket or listener has on its environment while it is live: its events are delivered, and it may
//! keep the process alive.

use std::{cell::Cell, rc::Rc};

use napi::Result;

use super::{
  channel::Channel,
  hub::{Entry, Target},
};
use crate::net::SocketId;

/// Taken when a socket or listener is made, given up when it is closed.
pub(super) struct Lease {
  channel: Rc<Channel>,
  id: SocketId,
  keeps_alive: Cell<bool>,
}

impl Lease {
  /// Makes `id` live: its events go to `channel`, and the process stays alive for it.
  pub(super) fn take(channel: &Rc<Channel>, id: SocketId, target: Target) -> Result<Self> {
    channel.hub.register(
      id,
      Entry {
        channel: Rc::clone(channel),
        target,
      },
    )?;
    Ok(Self {
      channel: Rc::clone(channel),
      id,
      keeps_alive: Cell::new(true),
    })
  }

  /// Whether the process stays alive for it. Without effect once it was given up.
  pub(super) fn keep_alive(&self, keep: bool) -> Result<()> {
    let hub = &self.channel.hub;
    if !hub.is_live(self.id) || self.keeps_alive.replace(keep) == keep {
      return Ok(());
    }
    hub.keep_alive(keep)
  }

  /// No event is delivered any more, and nothing stays alive for it.
  pub(super) fn give_up(&self) -> Result<()> {
    self.channel.hub.release(self.id, self.keeps_alive.get())
  }
}
