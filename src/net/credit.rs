//! Leave for so many accepted connections to wait for their owner. Who has found none is told when there is some again.

use std::sync::{
  Arc,
  atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Of one listener.
pub(super) struct Credits {
  left: AtomicUsize,
  /// Somebody has found none.
  is_wanted: AtomicBool,
  tell: Box<dyn Fn() + Send + Sync>,
}

impl Credits {
  /// Leave for `most`. `tell` is called when there is some again that somebody missed; from any thread.
  pub(super) fn new(most: usize, tell: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
    Arc::new(Self {
      left: AtomicUsize::new(most),
      is_wanted: AtomicBool::new(false),
      tell: Box::new(tell),
    })
  }

  /// Leave for so many more.
  pub(super) fn add(&self, more: usize) {
    self.left.fetch_add(more, Ordering::SeqCst);
    if self.is_wanted.swap(false, Ordering::SeqCst) {
      (self.tell)();
    }
  }

  /// Leave for one, which is given back when it is dropped. Where there is none, the listener is told as soon as there is.
  pub(super) fn take(self: &Arc<Self>) -> Option<Credit> {
    self.is_wanted.store(true, Ordering::SeqCst);
    let less = |left: usize| left.checked_sub(1);
    let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
    taken.ok()?;
    self.is_wanted.store(false, Ordering::SeqCst);
    let credits = Arc::clone(self);
    Some(Credit {
      credits,
      is_spent: false,
    })
  }
}

impl std::fmt::Debug for Credits {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct("Credits")
      .field("left", &self.left)
      .finish_non_exhaustive()
  }
}

/// See [`Credits::take`].
#[derive(Debug)]
pub(super) struct Credit {
  credits: Arc<Credits>,
  is_spent: bool,
}

impl Credit {
  /// It is not given back.
  pub(super) fn spend(mut self) {
    self.is_spent = true;
  }
}

impl Drop for Credit {
  fn drop(&mut self) {
    if !self.is_spent {
      self.credits.add(1);
    }
  }
}
