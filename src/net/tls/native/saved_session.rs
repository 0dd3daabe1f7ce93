//! A session that another connection may take up. These libraries keep theirs to themselves.

use crate::net::tls::origin::Origin;

/// So there is none.
#[derive(Clone, Debug)]
pub enum SavedSession {}

impl SavedSession {
  pub(in crate::net::tls) fn origin(&self) -> &Origin {
    match *self {}
  }
}
