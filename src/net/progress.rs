//! Whether a peer that is still owed bytes takes them, with no I/O and no clock. A peer that takes a byte now and then
//! would otherwise keep a connection that its owner has closed, and all that is queued for it, for ever.

use std::time::{Duration, Instant};

/// How long a peer has to take [`LEAST_BYTES`], or the rest.
pub const STALL: Duration = Duration::from_secs(30);

/// Fewer bytes within [`STALL`] are no progress: about 1 KiB each second, which the slowest of mobile networks carries.
pub const LEAST_BYTES: usize = 32 * 1024;

/// When it ends at the latest, whatever the progress.
pub const LATEST: Duration = Duration::from_secs(60 * 60);

/// What a peer has still to take, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
  /// Nothing goes on after that.
  latest: Instant,
  /// When the peer must have taken enough of `left`.
  due: Instant,
  /// What was left when that was last looked at.
  left: usize,
}

impl Progress {
  /// A peer that has to take `left` bytes from `now` on, and then end.
  pub fn new(left: usize, now: Instant) -> Self {
    Self {
      latest: now + LATEST,
      due: now + STALL,
      left,
    }
  }

  /// When [`Progress::goes_on`] has to be asked next.
  pub fn due(&self) -> Instant {
    self.due.min(self.latest)
  }

  /// Whether to wait on, with `left` bytes still to be taken. Before [`Progress::due`] it always is.
  pub fn goes_on(&mut self, left: usize, now: Instant) -> bool {
    if now < self.due() {
      return true;
    }
    let took = self.left.saturating_sub(left);
    // Nothing but the end is left to wait for, and that gets a time of its own.
    let is_done = left == 0 && took > 0;
    self.left = left;
    self.due = now + STALL;
    now < self.latest && (took >= LEAST_BYTES || is_done)
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  const MIB: usize = 1024 * 1024;

  #[test]
  fn a_peer_that_takes_nothing_has_thirty_seconds() {
    let start = Instant::now();
    let mut progress = Progress::new(MIB, start);
    assert_eq!(progress.due(), start + STALL);
    assert!(progress.goes_on(MIB, start + STALL - Duration::from_millis(1)));
    assert!(!progress.goes_on(MIB, start + STALL));
  }

  #[test]
  fn a_byte_now_and_then_is_no_progress() {
    let start = Instant::now();
    let mut progress = Progress::new(MIB, start);
    assert!(!progress.goes_on(MIB - LEAST_BYTES + 1, start + STALL));
  }

  #[test]
  fn a_slow_peer_is_waited_for_as_long_as_it_takes_enough() {
    let start = Instant::now();
    let mut progress = Progress::new(MIB, start);
    for time in 1..=10 {
      let left = MIB - usize::try_from(time).unwrap() * LEAST_BYTES;
      assert!(progress.goes_on(left, start + time * STALL), "{time}");
    }
    assert!(!progress.goes_on(MIB - 10 * LEAST_BYTES, start + 11 * STALL));
  }

  #[test]
  fn whoever_has_taken_everything_has_thirty_seconds_more_to_end() {
    let start = Instant::now();
    let mut progress = Progress::new(10, start);
    assert!(progress.goes_on(0, start + STALL));
    assert!(!progress.goes_on(0, start + 2 * STALL));
  }

  #[test]
  fn it_ends_at_the_latest_after_an_hour() {
    let start = Instant::now();
    let mut progress = Progress::new(usize::MAX, start);
    let mut now = start;
    let mut left = usize::MAX;
    while progress.due() < start + LATEST {
      now = progress.due();
      left -= MIB;
      assert!(progress.goes_on(left, now));
    }
    assert!(now < start + LATEST);
    assert!(!progress.goes_on(left - MIB, start + LATEST));
  }
}
