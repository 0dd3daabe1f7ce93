//! The hold that a socket or listener has on its environment while it is live: its events are delivered, and it may
//! keep the process alive.

use std::rc::Rc;

use napi::Result;

use super::{
  entry::{Entry, Target},
  hub::Hub,
  realm::Realm,
};
use crate::net::{Event, SocketId};

/// Taken when a socket or listener is made, given up when it is closed.
pub(super) struct Lease {
  hub: Rc<Hub>,
  id: SocketId,
}

impl Lease {
  /// Makes `id` live: its events go to `realm`, and the process stays alive for it.
  pub(super) fn take(hub: &Rc<Hub>, realm: &Rc<Realm>, id: SocketId, target: Target) -> Result<Self> {
    let lease = Self {
      hub: Rc::clone(hub),
      id,
    };
    hub.register(id, Entry::new(realm, target))?;
    Ok(lease)
  }

  /// Whether the process stays alive for it. Without effect once it was given up.
  pub(super) fn keep_alive(&self, keep: bool) -> Result<()> {
    self.hub.keep_alive(self.id, keep)
  }

  /// From now on it is read on demand. Without effect once it was given up.
  pub(super) fn read_on_demand(&self) {
    if let Some(entry) = self.hub.entry(self.id) {
      entry.demand.begin();
    }
  }

  /// Nothing is to be read into the memory that was given for it.
  pub(super) fn wants_nothing(&self) {
    if let Some(entry) = self.hub.entry(self.id) {
      entry.demand.met();
    }
  }

  /// Queues an event of it, as the engine would.
  pub(super) fn report(&self, event: Event) {
    self.hub.report(self.id, event);
  }

  /// No event is delivered any more, and nothing stays alive for it.
  pub(super) fn give_up(&self) -> Result<()> {
    self.hub.release(self.id)
  }
}

/// A socket whose JavaScript object could not be made is known to nobody who could close it. It must not keep the process
/// alive for ever.
impl Drop for Lease {
  fn drop(&mut self) {
    // Fails only where the environment ends, and with it every reason to stay alive.
    drop(self.give_up());
  }
}
