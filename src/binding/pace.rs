//! When a row of deliveries has to let the event loop run timers and other I/O. Node works off a thousand rings of a doorbell
//! before it does, so that deliveries are timed here.

use std::{
  cell::Cell,
  time::{Duration, Instant},
};

/// How long events are delivered before the loop gets to run timers and other I/O.
pub(super) const TURN: Duration = Duration::from_millis(2);

/// A pause between two deliveries that probably means that the loop has been round in between.
const LOOP_GAP: Duration = Duration::from_micros(50);

/// How the next event gets delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
  /// There is none.
  Nothing,
  /// At once.
  Now,
  /// When the loop has come round.
  AfterLoop,
}

/// The deliveries of the doorbell.
#[derive(Default)]
pub(super) struct Pace {
  /// The deliveries between which, as far as one can tell, the loop has not come round.
  row: Cell<Option<Row>>,
}

#[derive(Clone, Copy)]
struct Row {
  since: Instant,
  /// When the last of them ended.
  last: Instant,
  /// The last asked for the next to come at once.
  goes_on: bool,
}

impl Pace {
  /// A delivery begins. Returns when its row did.
  pub(super) fn begin(&self, now: Instant) -> Instant {
    match self.row.get() {
      Some(row) if row.goes_on || now.duration_since(row.last) < LOOP_GAP => row.since,
      _ => now,
    }
  }

  /// A delivery of the row that began at `since` ends. `more` events wait or not.
  pub(super) fn end(&self, since: Instant, now: Instant, more: bool) -> Next {
    if more && now.duration_since(since) >= TURN {
      self.row.set(None);
      return Next::AfterLoop;
    }
    self.row.set(Some(Row {
      since,
      last: now,
      goes_on: more,
    }));
    if more { Next::Now } else { Next::Nothing }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  const MOMENT: Duration = Duration::from_micros(10);

  #[test]
  fn the_loop_comes_round_after_a_turn_of_deliveries() {
    let (pace, start) = (Pace::default(), Instant::now());
    let mut now = start;
    loop {
      let since = pace.begin(now);
      assert_eq!(since, start);
      now += Duration::from_millis(1);
      match pace.end(since, now, true) {
        Next::AfterLoop => break,
        next => assert_eq!(next, Next::Now),
      }
    }
    assert_eq!(now - start, TURN);
    assert_eq!(pace.begin(now), now, "the row went on after the loop");
  }

  #[test]
  fn a_delivery_right_behind_one_that_left_nothing_belongs_to_its_row() {
    let (pace, start) = (Pace::default(), Instant::now());
    assert_eq!(pace.end(pace.begin(start), start + MOMENT, false), Next::Nothing);
    assert_eq!(pace.begin(start + MOMENT * 2), start);
  }

  #[test]
  fn a_pause_ends_a_row_unless_its_next_delivery_is_on_its_way() {
    let (pace, start) = (Pace::default(), Instant::now());
    assert_eq!(pace.end(pace.begin(start), start, false), Next::Nothing);
    assert_eq!(pace.begin(start + LOOP_GAP), start + LOOP_GAP);
    assert_eq!(pace.end(start, start, true), Next::Now);
    assert_eq!(pace.begin(start + LOOP_GAP), start);
  }
}
