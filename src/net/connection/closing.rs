//! How a connection ends: by its owner's wish, in one way or another. See also
//! [`lingering`](crate::net::lingering).

use std::{net::Shutdown, time::Duration};

use super::state::{Closing, Connection, Life};
use crate::net::{Event, lingering::with_nowhere, readiness::WatchedStream};

/// What is read and dropped at most, before a descriptor is closed at once.
const MOST_READS: usize = 16;

impl Connection {
  /// See [`Socket::close`](super::socket::Socket::close).
  pub(super) fn close(&mut self) {
    if self.closing == Closing::No {
      self.closing = Closing::AfterSending;
    }
    self.suspended = false;
    self.go_on_closing();
  }

  /// See [`Socket::close_immediately`](super::socket::Socket::close_immediately).
  pub(super) fn close_immediately(&mut self) {
    self.closing = Closing::Now;
    self.suspended = false;
    self.send.clear();
    match &mut self.life {
      Life::Open(link) => {
        link.drop_unsent();
        self.go_on_closing();
      }
      _ => self.end(Event::Closed { settling: false }),
    }
  }

  pub(super) fn go_on_closing(&mut self) {
    if !matches!(self.life, Life::Open(_)) {
      return;
    }
    if let Some(error) = self.failure.take() {
      return self.fail(*error);
    }
    self.send.commit();
    self.write();
  }

  /// Everything is written, and the owner closed.
  pub(super) fn finish(&mut self) {
    self.keep_tls();
    let Life::Open(link) = std::mem::replace(&mut self.life, Life::Over) else {
      return;
    };
    // Fails when the peer is gone, which is no longer of interest: all was handed over. Then there is nothing to wait for, and closing
    // the descriptor says whatever can still be said.
    let has_ended = link.stream.socket().shutdown(Shutdown::Write).is_ok();
    // A peer that was sent nothing has nothing to lose by a reset. With TLS, something always was.
    let has_sent = self.send.has_sent() || link.session().is_some();
    let settling = has_ended && !self.has_peer_ended && self.closing == Closing::AfterSending && has_sent;
    self.tell(Event::Closed { settling });
    if settling {
      self.context.linger(self.id, link.stream);
    } else {
      drop_waiting(&link.stream);
    }
  }

  /// The handle is gone. What it closed goes on; see [`Context::keep`].
  pub(super) fn release(&mut self) {
    if self.closing == Closing::No {
      self.set_over();
    }
  }

  /// See [`Socket::reset`](super::socket::Socket::reset).
  pub(super) fn reset(&mut self) {
    if let Life::Open(link) = &self.life {
      // It fails on a connection that is gone.
      let _ = link.stream.socket().set_linger(Some(Duration::ZERO));
    }
    self.abort();
  }

  /// See [`Socket::abort`](super::socket::Socket::abort).
  pub(super) fn abort(&mut self) {
    self.end(Event::Closed { settling: false });
  }
}

/// Reads and drops what has come: on unread bytes, closing a descriptor makes the kernel send RST at once.
fn drop_waiting(stream: &WatchedStream) {
  with_nowhere(|memory| {
    for _ in 0..MOST_READS {
      if !matches!(stream.receive(memory), Ok(1..)) {
        break;
      }
    }
  });
}
