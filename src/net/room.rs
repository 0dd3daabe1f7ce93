//! A task's wish that the owner's thread close connections that only linger, because descriptors have run out: what that thread
//! watches, tasks cannot reach.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Context, Event, EventSink};

/// See the module. Belongs to a [`Context`].
#[derive(Debug, Default)]
pub(super) struct Room {
  is_wanted: AtomicBool,
  /// How many connections the owner's thread watches after FIN.
  lingering: AtomicUsize,
}

impl Room {
  /// Has the owner look, who is told that timers are due. `false` where there is nothing that it could close.
  pub(super) fn ask(&self, sink: &dyn EventSink) -> bool {
    if self.lingering.load(Ordering::Relaxed) == 0 {
      return false;
    }
    self.is_wanted.store(true, Ordering::Relaxed);
    sink.push(Context::OWN_ID, Event::Overdue);
    true
  }

  /// Whether somebody has asked since the last call.
  pub(super) fn is_wanted(&self) -> bool {
    self.is_wanted.swap(false, Ordering::Relaxed)
  }

  /// So many linger now.
  pub(super) fn note(&self, lingering: usize) {
    self.lingering.store(lingering, Ordering::Relaxed);
  }
}
