//! What a backend's connection answers to each call.

use super::Failure;

/// What a step of a handshake led to.
pub(super) enum Step {
  /// More has to be received.
  NeedsInput,
  Done,
  Failed(Failure),
}

/// What was read.
pub(super) enum Read {
  Bytes(usize),
  /// More has to be received.
  NeedsInput,
  /// close_notify.
  Ended,
  Failed(Failure),
}
