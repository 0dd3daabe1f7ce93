//! Why a handshake, or a connection, failed, in the words of a backend, and why there was not even a beginning. It becomes an error
//! where it is known what was attempted.

use std::io;

use crate::net::{ErrorName, SocketError};

/// See the module.
#[derive(Clone, Debug)]
pub struct Failure {
  name: ErrorName,
  /// The backend's own words.
  reason: String,
  /// The operating system's number, where it was not TLS that failed.
  os: Option<i32>,
}

impl Failure {
  pub(super) fn new(name: ErrorName, reason: impl Into<String>) -> Self {
    Self {
      name,
      reason: reason.into(),
      os: None,
    }
  }

  pub(super) fn from_io(error: &io::Error) -> Self {
    let SocketError { name, os, .. } = SocketError::from_io("", error);
    let reason = error.to_string();
    Self { name, reason, os }
  }

  /// The error to report, of an attempt at `what`.
  pub fn of(self, what: &str) -> SocketError {
    SocketError {
      name: self.name,
      detail: format!("{what}: {}", self.reason),
      os: self.os,
      reason: self.os.is_none().then_some(self.reason),
    }
  }
}

/// Why there is no connector.
#[derive(Debug)]
pub(super) enum Unbuilt {
  /// The TLS library does not take the profile.
  Refused(String),
  /// The system has no descriptor, memory or thread left. What trusts less than it should for want of that must not be kept.
  Exhausted(io::Error),
}

impl From<String> for Unbuilt {
  fn from(reason: String) -> Self {
    Self::Refused(reason)
  }
}

impl From<io::Error> for Unbuilt {
  fn from(error: io::Error) -> Self {
    Self::Exhausted(error)
  }
}
