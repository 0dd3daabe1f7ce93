//! How many closed connections have bytes that their peers have not acknowledged, for an owner that is about to end with
//! its process: these bytes would be lost with it.

use std::{
  sync::{Arc, Condvar, Mutex, PoisonError},
  time::Duration,
};

/// See the module. Belongs to a [`Context`](super::Context).
#[derive(Debug, Default)]
pub(super) struct Debts {
  count: Mutex<usize>,
  paid: Condvar,
}

impl Debts {
  /// One more connection owes something, until what this returns is dropped.
  pub(super) fn incur(self: &Arc<Self>) -> Debt {
    self.change(|count| count + 1);
    Debt(Arc::clone(self))
  }

  /// Waits until no connection owes anything, but not longer than `most`.
  pub(super) fn wait(&self, most: Duration) {
    let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
    // Either way the wait is over.
    drop(self.paid.wait_timeout_while(count, most, |count| *count > 0));
  }

  fn change(&self, change: impl FnOnce(usize) -> usize) {
    let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
    *count = change(*count);
    if *count == 0 {
      self.paid.notify_all();
    }
  }
}

/// What one connection owes. See [`Debts::incur`].
#[derive(Debug)]
pub(super) struct Debt(Arc<Debts>);

impl Drop for Debt {
  fn drop(&mut self) {
    self.0.change(|count| count.saturating_sub(1));
  }
}
