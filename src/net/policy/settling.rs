//! What a connection still owes its peer after our FIN, and for how long. What still comes has to be read and dropped:
//! closing the descriptor on unread bytes, or bytes that come to a closed one, make the kernel send RST, which can
//! destroy what the peer has received and not read (RFC 1122 section 4.2.2.13).

use std::time::{Duration, Instant};

use super::progress::Progress;

/// How long what the peer sends is read and dropped, after it has acknowledged everything.
const LINGER: Duration = Duration::from_secs(5);

/// How long a peer that has acknowledged everything must be silent before it is owed nothing. One that still answers has not read
/// everything: it would learn of a reset when it writes, and might not read on.
pub(in crate::net) const QUIET: Duration = Duration::from_millis(80);

/// Decides how long one connection is watched, with no I/O.
#[derive(Debug, Default)]
pub(in crate::net) enum Settling {
  /// Nobody has looked yet.
  #[default]
  New,
  /// The peer has not acknowledged everything.
  Owing(Progress),
  /// It has. The connection is watched until this moment.
  Paid { until: Instant },
}

impl Settling {
  /// Whether to watch on, with so many bytes that are not acknowledged. `None` where the system does not tell.
  pub(in crate::net) fn goes_on(&mut self, unacknowledged: Option<usize>, now: Instant) -> bool {
    match (&mut *self, unacknowledged) {
      (Self::Paid { until }, _) => now < *until,
      (_, None | Some(0)) => {
        *self = Self::Paid { until: now + LINGER };
        true
      }
      (Self::Owing(progress), Some(left)) => progress.goes_on(left, now),
      (Self::New, Some(left)) => {
        *self = Self::Owing(Progress::new(left, now));
        true
      }
    }
  }

  #[cfg(test)]
  fn is_paid(&self) -> bool {
    matches!(self, Self::Paid { .. })
  }
}

#[cfg(test)]
mod tests {
  use super::*;
  use crate::net::policy::progress::{LEAST_BYTES, STALL};

  #[test]
  fn who_has_everything_gets_five_seconds_to_end() {
    let start = Instant::now();
    let mut settling = Settling::default();
    assert!(settling.goes_on(Some(0), start));
    assert!(settling.goes_on(Some(0), start + LINGER - Duration::from_millis(1)));
    assert!(!settling.goes_on(Some(0), start + LINGER));
  }

  #[test]
  fn who_takes_too_little_is_given_up() {
    let start = Instant::now();
    let mut settling = Settling::default();
    assert!(settling.goes_on(Some(1_000_000), start));
    assert!(settling.goes_on(Some(1_000_000 - LEAST_BYTES), start + STALL / 2));
    assert!(settling.goes_on(Some(1_000_000 - LEAST_BYTES - 1), start + STALL));
    assert!(!settling.is_paid());
    assert!(!settling.goes_on(Some(1_000_000 - LEAST_BYTES - 1), start + 2 * STALL));
  }
}
