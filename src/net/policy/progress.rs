//! Whether a peer that is still owed bytes takes them, with no I/O and no clock. A peer that takes a byte now and then
//! would otherwise keep a connection that its owner has closed, and all that is queued for it, for ever.

use std::time::{Duration, Instant};

/// How long a peer has to take [`LEAST_BYTES`], or the rest.
pub const STALL: Duration = Duration::from_secs(30);

/// Fewer bytes within [`STALL`] are no progress. What a peer reads is seen when its kernel opens the window: Linux does that in
/// steps of a 16th of the receive buffer, 384 KiB where that has grown to 6 MiB. So the slowest reader that is waited for takes
/// 1 KiB each second where the buffer is small, and 13 KiB where it is that large.
pub const LEAST_BYTES: usize = 32 * 1024;

/// When it ends at the latest, whatever the progress.
pub const LATEST: Duration = Duration::from_secs(60 * 60);

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What a peer has still to take, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
  /// Nothing goes on after that.
  latest: Instant,
  /// When it is looked at next.
  look: Instant,
  /// When there was progress last, and what was left then.
  since: Instant,
  left: usize,
}

impl Progress {
  /// A peer that has to take `left` bytes from `now` on, and then end.
  pub fn new(left: usize, now: Instant) -> Self {
    Self {
      latest: now + LATEST,
      look: now + LOOK,
      since: now,
      left,
    }
  }

  /// When [`Progress::goes_on`] has to be asked next.
  pub fn due(&self) -> Instant {
    self.look.min(self.latest)
  }

  /// Whether to wait on, with `left` bytes still to be taken. Before [`Progress::due`] it always is.
  pub fn goes_on(&mut self, left: usize, now: Instant) -> bool {
    if now < self.due() {
      return true;
    }
    self.look = now + LOOK;
    let took = self.left.saturating_sub(left);
    // Nothing but the end is left to wait for, and that gets a time of its own.
    let is_done = left == 0 && took > 0;
    if took >= LEAST_BYTES || is_done {
      self.since = now;
      self.left = left;
    }
    now < self.latest && now < self.since + STALL
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  const MIB: usize = 1024 * 1024;

  /// Asks whenever it is due, from `start` on, with what `left` says is left then. Returns after how many seconds the
  /// peer is given up.
  fn given_up_after(start: Instant, left: impl Fn(u64) -> usize) -> u64 {
    let mut progress = Progress::new(left(0), start);
    loop {
      let now = progress.due();
      let seconds = (now - start).as_secs();
      if !progress.goes_on(left(seconds), now) {
        return seconds;
      }
    }
  }

  #[test]
  fn a_peer_that_takes_nothing_has_thirty_seconds() {
    let start = Instant::now();
    assert_eq!(given_up_after(start, |_| MIB), 30);
    assert_eq!(given_up_after(start, |_| 0), 30);
    // What the kernel took at first.
    assert_eq!(
      given_up_after(start, |seconds| if seconds == 0 { 2 * MIB } else { MIB }),
      35
    );
  }

  #[test]
  fn a_byte_now_and_then_is_no_progress() {
    let start = Instant::now();
    assert_eq!(given_up_after(start, |seconds| MIB - seconds as usize), 30);
    let nearly = |seconds: u64| MIB - seconds as usize * (LEAST_BYTES / 31);
    assert_eq!(given_up_after(start, nearly), 30);
  }

  #[test]
  fn a_slow_peer_is_waited_for_as_long_as_it_takes_enough() {
    let start = Instant::now();
    let slow = |seconds: u64| (10 * MIB).saturating_sub(seconds.min(600) as usize * (LEAST_BYTES / 30 + 1));
    assert_eq!(given_up_after(start, slow), 600 + 30);
  }

  #[test]
  fn whoever_has_taken_everything_has_thirty_seconds_more_to_end() {
    let start = Instant::now();
    assert_eq!(
      given_up_after(start, |seconds| if seconds < 20 { 10 } else { 0 }),
      20 + 30
    );
  }

  #[test]
  fn it_ends_at_the_latest_after_an_hour() {
    let start = Instant::now();
    assert_eq!(
      given_up_after(start, |seconds| usize::MAX - seconds as usize * MIB),
      LATEST.as_secs()
    );
  }
}
