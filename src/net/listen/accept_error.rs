//! What accept(2) may answer instead of a connection, and what helps. A listener that spins when descriptors run out takes
//! a whole core; one that ends at the first error takes the service down.

use std::{io, time::Duration};

use crate::net::exhaustion::is_exhaustion;

/// How long to wait when the system has no descriptor or memory for another connection.
pub(super) const BACK_OFF: Duration = Duration::from_millis(100);

/// How many failures in a row are taken for passing ones, before there is a wait as well.
const MOST_QUICK_RETRIES: u32 = 16;

/// What to do about a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remedy {
  /// It concerned one connection.
  Retry,
  /// Accepting again before [`BACK_OFF`] has passed would only spin.
  Wait,
  /// The listening descriptor is not one any more.
  GiveUp,
}

/// How often accepting has failed in a row.
#[derive(Debug, Default)]
pub(super) struct Failures(u32);

impl Failures {
  pub(super) fn none(&mut self) {
    self.0 = 0;
  }

  pub(super) fn another(&mut self, error: &io::Error) -> Remedy {
    self.0 += 1;
    if is_fatal(error) {
      Remedy::GiveUp
    } else if is_exhaustion(error) || self.0 > MOST_QUICK_RETRIES {
      Remedy::Wait
    } else {
      Remedy::Retry
    }
  }
}

fn is_fatal(error: &io::Error) -> bool {
  error.kind() == io::ErrorKind::InvalidInput || error.raw_os_error() == Some(bad_descriptor())
}

#[cfg(unix)]
fn bad_descriptor() -> i32 {
  9 // EBADF
}

#[cfg(windows)]
fn bad_descriptor() -> i32 {
  10038 // WSAENOTSOCK
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
  use super::*;

  fn remedy(code: i32) -> Remedy {
    Failures::default().another(&io::Error::from_raw_os_error(code))
  }

  #[test]
  fn errors_are_sorted_by_what_helps() {
    for (name, code) in [("ENOMEM", 12), ("ENFILE", 23), ("EMFILE", 24), ("ENOBUFS", 105)] {
      assert_eq!(remedy(code), Remedy::Wait, "{name} passes, but not soon");
    }
    for (name, code) in [
      ("EPERM", 1),
      ("EINTR", 4),
      ("ECONNABORTED", 103),
      ("EPROTO", 71),
      ("EOPNOTSUPP", 95),
      ("ETIMEDOUT", 110),
    ] {
      assert_eq!(remedy(code), Remedy::Retry, "{name} concerns one connection");
    }
    for (name, code) in [("EBADF", 9), ("EINVAL", 22)] {
      assert_eq!(remedy(code), Remedy::GiveUp, "{name} ends the listener");
    }
  }

  #[test]
  fn what_does_not_pass_is_waited_for_until_it_does() {
    let aborted = || io::Error::from_raw_os_error(103);
    let mut failures = Failures::default();
    for _ in 0..MOST_QUICK_RETRIES {
      assert_eq!(failures.another(&aborted()), Remedy::Retry);
    }
    assert_eq!(failures.another(&aborted()), Remedy::Wait);
    failures.none();
    assert_eq!(failures.another(&aborted()), Remedy::Retry);
  }
}
