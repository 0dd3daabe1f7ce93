//! A task's wish that the owner's thread close connections that only linger, because descriptors have run out: what that
//! thread watches, tasks cannot reach.

use std::sync::{
  Arc,
  atomic::{AtomicUsize, Ordering},
};

use super::{
  EventSink,
  event::{NOBODY, Notice},
};

/// See the module. One for each owner.
pub(super) struct Room {
  sink: Arc<dyn EventSink>,
  /// How many connections the owner's thread watches after FIN.
  lingering: AtomicUsize,
}

impl Room {
  pub(super) fn new(sink: Arc<dyn EventSink>) -> Self {
    let lingering = AtomicUsize::new(0);
    Self { sink, lingering }
  }

  /// Asks the owner's thread. `false` where there is nothing that it could close.
  pub(super) fn ask(&self) -> bool {
    let can_be_made = self.lingering.load(Ordering::Relaxed) > 0;
    if can_be_made {
      self.sink.push(NOBODY, Notice::MakeRoom.into());
    }
    can_be_made
  }

  /// So many linger now.
  pub(super) fn note(&self, lingering: usize) {
    self.lingering.store(lingering, Ordering::Relaxed);
  }
}
