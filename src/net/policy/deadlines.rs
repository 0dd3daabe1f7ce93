//! What one socket must have done by when, on the owner's thread. It only decides; [`Socket`](crate::net::Socket) acts on it.

use std::time::{Duration, Instant};

use super::progress::Progress;
use crate::net::{ErrorName, SocketError, peer::Peer};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::net) struct Deadlines {
  /// The connection has to be established.
  connecting: Option<Term>,
  /// Bytes have to move.
  idle: Option<Term>,
  /// The owner closed, and the peer has to take the rest.
  closing: Option<Progress>,
}

/// A time that something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Term {
  since: Instant,
  most: Duration,
}

impl Term {
  /// `None` where that is later than any moment.
  fn due(&self) -> Option<Instant> {
    self.since.checked_add(self.most)
  }

  fn is_over(&self, now: Instant) -> bool {
    self.due().is_some_and(|due| due <= now)
  }
}

/// What a socket is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Standing {
  /// Not established yet, TLS included where that comes from the first byte.
  Connecting,
  /// Established. Bytes last moved, or arrived to be taken, at this moment, if that was watched.
  Active(Option<Instant>),
}

/// A deadline that has passed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::net) enum Missed {
  /// It was not established within this time.
  Connect(Duration),
  /// No byte moved for this time.
  Idle(Duration),
  /// The peer did not take what a close waits for.
  Close {
    /// Bytes that it did not take.
    left: usize,
  },
}

impl Missed {
  /// What becomes of the socket.
  pub(in crate::net) fn error(&self, peer: &Peer) -> SocketError {
    let Peer { host, port } = peer;
    let detail = match self {
      Self::Connect(most) => format!(
        "connect to {host} port {port}: not open within {} ms",
        most.as_millis()
      ),
      Self::Idle(most) => format!(
        "the connection to {host} port {port}: idle for {} ms",
        most.as_millis()
      ),
      Self::Close { left } => return not_taken(peer, *left),
    };
    SocketError::new(ErrorName::NetworkTimeoutError, detail)
  }
}

impl Deadlines {
  /// The connection has to be established within `most` from `now` on; `None` takes that back.
  pub(in crate::net) fn connect_within(&mut self, most: Option<Duration>, now: Instant) {
    self.connecting = most.map(|most| Term { since: now, most });
  }

  /// Bytes have to move at least every `most`, from `now` on, or from when it is established; `None` takes that back.
  pub(in crate::net) fn idle_at_most(&mut self, most: Option<Duration>, now: Instant) {
    self.idle = most.map(|most| Term { since: now, most });
  }

  /// The owner closes, and `owed` bytes are still to be written.
  pub(in crate::net) fn close(&mut self, owed: usize) {
    self
      .closing
      .get_or_insert_with(|| Progress::new(owed, Instant::now()));
  }

  /// Which of the deadlines has passed by `now`, when `owed` bytes are what a close still waits for.
  pub(in crate::net) fn missed(
    &mut self,
    standing: Standing,
    owed: Option<usize>,
    now: Instant,
  ) -> Option<Missed> {
    self
      .missed_connect(standing, now)
      .or_else(|| self.missed_idle(standing, now))
      .or_else(|| self.missed_close(owed, now))
  }

  fn missed_connect(&mut self, standing: Standing, now: Instant) -> Option<Missed> {
    self.connecting = self.connecting.filter(|_| standing == Standing::Connecting);
    let term = self.connecting.filter(|term| term.is_over(now))?;
    Some(Missed::Connect(term.most))
  }

  fn missed_idle(&mut self, standing: Standing, now: Instant) -> Option<Missed> {
    let term = self.idle.as_mut()?;
    let active = match standing {
      Standing::Connecting => Some(now),
      Standing::Active(last) => last,
    };
    term.since = active.map_or(term.since, |active| active.max(term.since));
    term.is_over(now).then_some(Missed::Idle(term.most))
  }

  fn missed_close(&mut self, owed: Option<usize>, now: Instant) -> Option<Missed> {
    let Some(left) = owed else {
      // The close is complete.
      self.closing = None;
      return None;
    };
    let closing = self.closing.as_mut()?;
    (!closing.goes_on(left, now)).then_some(Missed::Close { left })
  }

  /// When the next of them is due.
  pub(in crate::net) fn next(&self) -> Option<Instant> {
    let terms = [self.connecting, self.idle].map(|term| term.and_then(|term| term.due()));
    let closing = self.closing.map(|progress| progress.due());
    terms.into_iter().chain([closing]).flatten().min()
  }
}

/// The peer did not take the last `left` bytes.
fn not_taken(Peer { host, port }: &Peer, left: usize) -> SocketError {
  let detail =
    format!("close the connection to {host} port {port}: the peer does not take the last {left} bytes");
  SocketError::new(ErrorName::NetworkTimeoutError, detail)
}

#[cfg(test)]
mod tests {
  use super::*;

  const MS: Duration = Duration::from_millis(1);

  fn active(at: Instant) -> Standing {
    Standing::Active(Some(at))
  }

  #[test]
  fn what_is_established_in_time_is_not_looked_at_again() {
    let (start, mut deadlines) = (Instant::now(), Deadlines::default());
    deadlines.connect_within(Some(5 * MS), start);
    assert_eq!(deadlines.missed(Standing::Connecting, None, start + 4 * MS), None);
    assert_eq!(deadlines.missed(active(start), None, start + 5 * MS), None);
    assert_eq!(deadlines.connecting, None);
  }

  #[test]
  fn what_is_not_established_in_time_has_missed_it() {
    let (start, mut deadlines) = (Instant::now(), Deadlines::default());
    deadlines.connect_within(Some(5 * MS), start);
    let missed = deadlines.missed(Standing::Connecting, None, start + 5 * MS);
    assert_eq!(missed, Some(Missed::Connect(5 * MS)));
  }

  #[test]
  fn the_time_of_silence_begins_anew_with_each_byte() {
    let (start, mut deadlines) = (Instant::now(), Deadlines::default());
    deadlines.idle_at_most(Some(10 * MS), start);
    assert_eq!(
      deadlines.missed(active(start + 8 * MS), None, start + 10 * MS),
      None
    );
    assert_eq!(deadlines.idle.and_then(|term| term.due()), Some(start + 18 * MS));
    let missed = deadlines.missed(active(start + 8 * MS), None, start + 18 * MS);
    assert_eq!(missed, Some(Missed::Idle(10 * MS)));
  }

  #[test]
  fn nobody_is_idle_while_connecting() {
    let (start, mut deadlines) = (Instant::now(), Deadlines::default());
    deadlines.idle_at_most(Some(10 * MS), start);
    assert_eq!(
      deadlines.missed(Standing::Connecting, None, start + 99 * MS),
      None
    );
    assert_eq!(deadlines.idle.and_then(|term| term.due()), Some(start + 109 * MS));
  }

  #[test]
  fn a_time_that_is_set_later_counts_from_then_on() {
    let (start, mut deadlines) = (Instant::now(), Deadlines::default());
    deadlines.idle_at_most(Some(10 * MS), start + 50 * MS);
    assert_eq!(deadlines.missed(active(start), None, start + 59 * MS), None);
    assert_ne!(deadlines.missed(active(start), None, start + 60 * MS), None);
  }

  #[test]
  fn a_time_that_never_ends_is_no_deadline() {
    let (start, mut deadlines) = (Instant::now(), Deadlines::default());
    deadlines.connect_within(Some(Duration::MAX), start);
    deadlines.idle_at_most(Some(Duration::MAX), start);
    for standing in [Standing::Connecting, active(start)] {
      assert_eq!(deadlines.missed(standing, None, start + 99 * MS), None);
      assert_eq!(deadlines.next(), None);
    }
  }

  #[test]
  fn what_is_taken_back_is_never_missed() {
    let (start, mut deadlines) = (Instant::now(), Deadlines::default());
    deadlines.connect_within(Some(MS), start);
    deadlines.idle_at_most(Some(MS), start);
    deadlines.connect_within(None, start);
    deadlines.idle_at_most(None, start);
    for standing in [Standing::Connecting, active(start)] {
      assert_eq!(deadlines.missed(standing, None, start + 99 * MS), None);
    }
  }
}
