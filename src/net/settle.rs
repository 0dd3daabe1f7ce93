//! What a connection still owes its peer after our FIN, and for how long. What still comes has to be read and dropped:
//! closing the descriptor on unread bytes, or bytes that come to a closed one, make the kernel send RST, which can
//! destroy what the peer has received and not read (RFC 1122 section 4.2.2.13).

use std::{
  net::TcpStream as StdStream,
  pin::Pin,
  sync::Arc,
  task::{Context as TaskContext, Poll, ready},
  time::{Duration, Instant},
};

use tokio::{
  io::{AsyncRead, ReadBuf},
  net::TcpStream,
  time,
};

use super::{
  Context, Event, EventSink, SocketId,
  connection::SCRATCH,
  debts::Debt,
  places::Place,
  progress::Progress,
  transport::{InKernel, Tcp, Transport},
};

/// How long what the peer sends is read and dropped, after it has acknowledged everything.
const LINGER: Duration = Duration::from_secs(5);

/// How many connections of a context tasks watch after FIN, and how many its owner's thread does. More would let peers
/// that never end hold any number of descriptors; so the one that has been watched longest is closed for another.
pub(super) const MOST_SETTLING: usize = 512;

/// How long to wait before what the peer has acknowledged is looked at again: not long at first.
const PROBE: Duration = Duration::from_millis(5);
const LONGEST_PROBE: Duration = Duration::from_millis(500);

/// How long a peer that has acknowledged everything must be silent before it is owed nothing. One that still answers has not read
/// everything: it would learn of a reset when it writes, and might not read on.
const QUIET: Duration = Duration::from_millis(80);

/// Decides how long one connection is watched, with no I/O.
#[derive(Debug, Default)]
pub(super) enum Settling {
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
  pub(super) fn goes_on(&mut self, unacknowledged: Option<usize>, now: Instant) -> bool {
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

  pub(super) fn is_paid(&self) -> bool {
    matches!(self, Self::Paid { .. })
  }
}

/// Makes a task for what remains to be done after FIN, see [`settle`].
pub(super) fn spawn(context: &Context, id: SocketId, stream: StdStream) {
  let (cancel, sink) = (context.child_token(), Arc::clone(context.sink()));
  let (place, debt) = (context.settlers().enter(), context.debts().incur());
  context.spawn(async move {
    let settled = Settled { sink: &*sink, id };
    if let Ok(stream) = TcpStream::from_std(stream) {
      let mut transport = Transport::Plain(Tcp::new(stream));
      let settle = settle(settled, &mut transport, place, Some(debt));
      cancel.run_until_cancelled(settle).await;
    }
  });
}

/// Reports `Settled` when it is dropped.
pub(super) struct Settled<'a> {
  pub(super) sink: &'a dyn EventSink,
  pub(super) id: SocketId,
}

impl Drop for Settled<'_> {
  fn drop(&mut self) {
    self.sink.push(self.id, Event::Settled);
  }
}

/// After FIN: drops what still comes, until the peer ends as well or there is no more use in it. The `debt` is paid when
/// the peer has acknowledged everything and is silent.
pub(super) async fn settle(
  _settled: Settled<'_>,
  transport: &mut Transport,
  place: Place,
  debt: Option<Debt>,
) {
  place.lost().run_until_cancelled(watch(transport, debt)).await;
}

async fn watch(transport: &mut Transport, mut debt: Option<Debt>) {
  let mut settling = Settling::default();
  let mut probe = PROBE;
  while settling.goes_on(transport.unacknowledged().ok(), Instant::now()) {
    let mut dropped = 0;
    let ended = std::future::poll_fn(|cx| poll_drop_input(transport, cx, &mut dropped));
    if time::timeout(probe, ended).await.is_ok() {
      break;
    }
    if settling.is_paid() && dropped == 0 && probe >= QUIET {
      debt = None;
    }
    probe = (probe * 2).min(LONGEST_PROBE);
  }
  drop(debt);
}

/// Drops what comes, until the end of it, and counts the bytes.
pub(super) fn poll_drop_input(
  transport: &mut Transport,
  cx: &mut TaskContext<'_>,
  dropped: &mut usize,
) -> Poll<()> {
  SCRATCH.with_borrow_mut(|scratch| {
    loop {
      let mut buf = ReadBuf::new(scratch);
      let read = ready!(Pin::new(&mut *transport).poll_read(cx, &mut buf));
      if read.is_err() || buf.filled().is_empty() {
        return Poll::Ready(());
      }
      *dropped += buf.filled().len();
    }
  })
}

#[cfg(test)]
mod tests {
  use super::*;
  use crate::net::progress::{LEAST_BYTES, STALL};

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
