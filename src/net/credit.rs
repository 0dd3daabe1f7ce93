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

  /// Leave for one, which is given back when it is dropped. Where there is none, the listener is told as soon as there is.
  pub(super) fn take(self: &Arc<Self>) -> Option<Credit> {
    self.is_wanted.store(true, Ordering::SeqCst);
    let less = |left: usize| left.checked_sub(1);
    let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
    taken.ok()?;
    self.is_wanted.store(false, Ordering::SeqCst);
    Some(Credit(Arc::clone(self)))
  }
}

impl std::fmt::Debug for Credits {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct("Credits").field("left", &self.left).finish_non_exhaustive()
  }
}

/// See [`Credits::take`].
#[derive(Debug)]
pub(super) struct Credit(Arc<Credits>);

impl Drop for Credit {
  fn drop(&mut self) {
    self.0.left.fetch_add(1, Ordering::SeqCst);
    if self.0.is_wanted.swap(false, Ordering::SeqCst) {
      (self.0.tell)();
    }
  }
}
