//! What belongs to a session besides its secrets: whose it is.

use std::{any::Any, sync::Arc};

use super::profile::Key;

/// What is kept for as long as a connection lives.
pub(super) type Keeps = Arc<dyn Any + Send + Sync>;

/// What a server is verified against, which two connections must have in common where one takes up the session of the
/// other: nothing is verified then.
#[derive(Clone, Debug)]
pub(super) struct Origin {
  /// Of the profile: whom it trusts, and what it presents.
  pub(super) profile: Key,
  /// Verified, and asked for.
  pub(super) name: String,
  /// The digest of the only certificate that is accepted.
  pub(super) pin: Option<[u8; 32]>,
}
