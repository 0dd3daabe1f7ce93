//! What one socket must have done by when, on the owner's thread. It only decides; [`Socket`](super::Socket) acts on it.

use std::{rc::Rc, time::Instant};

use super::{
  Context, ErrorName, SocketError, SocketId,
  progress::Progress,
  socket::Peer,
  timers::{Timed, Timer},
};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
  timer: Timer,
  /// The owner closed, and the peer has to take the rest.
  closing: Option<Progress>,
}

/// A deadline that has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missed {
  /// The peer did not take what a close waits for.
  Close {
    /// Bytes that it did not take.
    left: usize,
  },
}

impl Missed {
  /// What becomes of the socket.
  pub(super) fn error(&self, peer: &Peer) -> SocketError {
    match self {
      Self::Close { left } => not_taken(peer, *left),
    }
  }
}

impl Deadlines {
  /// The owner closes, and `owed` bytes are still to be written.
  pub(super) fn close(&mut self, owed: usize) {
    self
      .closing
      .get_or_insert_with(|| Progress::new(owed, Instant::now()));
  }

  /// Which of the deadlines has passed by `now`, when `owed` bytes are what a close still waits for.
  pub(super) fn missed(&mut self, owed: Option<usize>, now: Instant) -> Option<Missed> {
    let Some(left) = owed else {
      // The close is complete.
      self.closing = None;
      return None;
    };
    let closing = self.closing.as_mut()?;
    (!closing.goes_on(left, now)).then_some(Missed::Close { left })
  }

  /// Has `socket` called when the next of them is due.
  pub(super) fn set_timer<T: Timed + 'static>(&self, context: &Context, id: SocketId, socket: &Rc<T>) {
    let next = self.closing.map(|progress| progress.due());
    self.timer.set(context, id, socket, next);
  }
}

/// The peer did not take the last `left` bytes.
pub(super) fn not_taken(Peer { host, port }: &Peer, left: usize) -> SocketError {
  let detail =
    format!("close the connection to {host} port {port}: the peer does not take the last {left} bytes");
  SocketError::new(ErrorName::NetworkTimeoutError, detail)
}
