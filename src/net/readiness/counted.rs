//! How many streams, listeners and datagram sockets an owner has.

use std::{cell::Cell, rc::Rc};

/// Counts one of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Rc<Cell<usize>>);

impl Counted {
  pub(super) fn one_of(count: &Rc<Cell<usize>>) -> Self {
    count.set(count.get() + 1);
    Self(Rc::clone(count))
  }
}

impl Drop for Counted {
  fn drop(&mut self) {
    self.0.set(self.0.get().saturating_sub(1));
  }
}
