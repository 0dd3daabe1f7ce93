//! A task's wish that the owner's thread close connections that only linger, because descriptors have run out: what that thread
//! watches, tasks cannot reach.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Context, Event, EventSink};

/// See the module. Belongs to a [`Context`].
#[derive(Debug, Default)]
pub(super) struct Room(AtomicBool);

impl Room {
  /// Has the owner look, who is told that timers are due.
  pub(super) fn ask(&self, sink: &dyn EventSink) {
    self.0.store(true, Ordering::Relaxed);
    sink.push(Context::OWN_ID, Event::Overdue);
  }

  /// Whether somebody has asked since the last call.
  pub(super) fn is_wanted(&self) -> bool {
    self.0.swap(false, Ordering::Relaxed)
  }
}
