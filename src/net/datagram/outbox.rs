//! What waits to be sent, of a socket that tells of each datagram and of one that does not.

use super::{lookup::Lookup, told::Told, unsent::Unsent};

/// See the module. An [`Unsent`] has its lookup beside it, of the first name.
#[derive(Debug)]
pub(super) enum Outbox {
  Unsent(Unsent, Option<Lookup>),
  Told(Told),
}

impl Default for Outbox {
  fn default() -> Self {
    Self::Unsent(Unsent::default(), None)
  }
}

impl Outbox {
  /// One whose datagrams are told of.
  pub(super) fn telling() -> Self {
    Self::Told(Told::default())
  }

  pub(super) fn is_telling(&self) -> bool {
    matches!(self, Self::Told(_))
  }

  /// Whether what is next waits for the kernel, and not for a name.
  pub(super) fn waits_for_kernel(&self) -> bool {
    match self {
      Self::Unsent(unsent, _) => unsent.waits_for_kernel(),
      Self::Told(told) => told.waits_for_kernel(),
    }
  }

  /// Nothing waits any more.
  pub(super) fn clear(&mut self) {
    *self = if self.is_telling() {
      Self::telling()
    } else {
      Self::default()
    };
  }
}
