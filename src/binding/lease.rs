//! The hold that a socket or listener has on its environment while it is live: its events are delivered, and it may
//! keep the process alive.

use std::rc::Rc;

use napi::Result;

use super::{
  channel::Channel,
  hub::{Entry, Target},
};
use crate::net::{Event, SocketId};

/// Taken when a socket or listener is made, given up when it is closed.
pub(super) struct Lease {
  channel: Rc<Channel>,
  id: SocketId,
}

impl Lease {
  /// Makes `id` live: its events go to `channel`, and the process stays alive for it.
  pub(super) fn take(channel: &Rc<Channel>, id: SocketId, target: Target) -> Result<Self> {
    channel.hub.register(id, Entry::new(channel, target))?;
    Ok(Self {
      channel: Rc::clone(channel),
      id,
    })
  }

  /// Whether the process stays alive for it. Without effect once it was given up.
  pub(super) fn keep_alive(&self, keep: bool) -> Result<()> {
    self.channel.hub.keep_alive(self.id, keep)
  }

  /// Queues an event of it, as the engine would.
  pub(super) fn report(&self, event: Event) {
    self.channel.hub.report(self.id, event);
  }

  /// No event is delivered any more, and nothing stays alive for it.
  pub(super) fn give_up(&self) -> Result<()> {
    self.channel.hub.release(self.id)
  }
}
