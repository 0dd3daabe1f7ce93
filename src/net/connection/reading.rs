//! The way in: from the kernel to the owner, who takes bytes when it is told that there are some. Nothing waits in between:
//! what is not taken stays in the kernel, and TCP pushes back on the peer.

use super::{
  link::Received,
  state::{Closing, Connection, Life},
};
use crate::net::{
  Event, SocketError,
  input::{End, Input},
};

impl Connection {
  /// Input is delivered at this moment, or at least looked at.
  pub(super) fn wants_input(&self) -> bool {
    let Life::Open(link) = &self.life else { return false };
    !self.suspended && !self.has_peer_ended && link.upgrade.is_none() && !link.is_congested()
  }

  /// Something can be read, or might.
  pub(super) fn announce(&mut self) {
    if !self.announced {
      self.announced = true;
      self.tell(Event::Readable);
    }
  }

  /// How many bytes of a plain connection the kernel has. 0 where that is not known.
  pub(super) fn input_waiting(&self) -> usize {
    match &self.life {
      Life::Open(link) if link.session().is_none() && self.wants_input() && self.closing == Closing::No => {
        link.stream.waiting()
      }
      _ => 0,
    }
  }

  /// See [`Socket::take_input`](super::socket::Socket::take_input).
  pub(super) fn take_input(&mut self, memory: &mut [u8]) -> Input {
    self.announced = false;
    if !self.wants_input() {
      return Input::None;
    }
    let received = self.receive(memory);
    if self.closing != Closing::No {
      self.drop_input(received);
      return Input::None;
    }
    match received {
      Received::Bytes { count, more } => {
        if more || self.end_is_near || self.failure.is_some() {
          self.announce();
        } else {
          self.watch();
        }
        if count > 0 {
          Input::Filled(count)
        } else {
          Input::None
        }
      }
      Received::Nothing if self.failure.is_none() => {
        self.watch();
        Input::None
      }
      Received::Nothing | Received::End => self.input_ended(),
      Received::Truncated if self.failure.is_some() => self.input_ended(),
      Received::Truncated => self.broken(self.truncated()),
      // The peer's last word, such as an alert, explains more than "broken pipe" does.
      Received::Failed(error) => self.broken(error),
    }
  }

  /// Reads into `memory`, and sends what TLS answers.
  fn receive(&mut self, memory: &mut [u8]) -> Received {
    let Life::Open(link) = &mut self.life else {
      return Received::Nothing;
    };
    let received = link.receive(memory, &self.peer);
    match received {
      Received::Bytes { .. } => self.activity.note(),
      // An alert says why. Nobody waits for it to be taken.
      Received::Failed(_) => drop(link.send_output(&self.peer)),
      _ => {}
    }
    if self.may_write() && !matches!(received, Received::Failed(_)) {
      self.write();
    }
    received
  }

  /// The end of the input, or what writing failed with before.
  fn input_ended(&mut self) -> Input {
    if let Some(error) = self.failure.take() {
      return self.broken(*error);
    }
    self.has_peer_ended = true;
    self.watch();
    Input::End(End::Eof)
  }

  /// The connection is over, which its owner learns in place of input.
  fn broken(&mut self, error: SocketError) -> Input {
    self.set_over();
    Input::End(End::Failed(error))
  }

  /// While the owner waits for its last bytes to go, input is read and dropped: the peer may write before it reads.
  fn drop_input(&mut self, received: Received) {
    match received {
      Received::Bytes { more: true, .. } => self.announce(),
      Received::Bytes { .. } | Received::Nothing => self.watch(),
      Received::End => {
        self.has_peer_ended = true;
        self.watch();
      }
      Received::Truncated => self.fail(self.truncated()),
      Received::Failed(error) => self.fail(error),
    }
  }

  /// Only the peer's close_notify says that nothing is missing (RFC 8446 section 6.1).
  fn truncated(&self) -> SocketError {
    let reason = "the peer ended the connection without ending TLS (no close_notify); data may be missing";
    let error = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, reason);
    self.peer.failed("read from", &error)
  }

  pub(super) fn suspend(&mut self) {
    // Whoever watches learns of it when input comes: most suspensions are short. What is closed reads on, to find the end.
    self.suspended = self.closing == Closing::No;
  }

  pub(super) fn resume(&mut self) {
    self.suspended = false;
    self.watch();
    if self.failure.is_some() || matches!(&self.life, Life::Open(link) if link.has_input()) {
      self.announce();
    }
  }
}
