//! The way in: from the kernel to the owner, who takes bytes when it is told that there are some. Nothing waits in between:
//! what is not taken stays in the kernel, and TCP pushes back on the peer.

use super::{
  link::Received,
  state::{Closing, Connection, Life, Outgoing},
};
use crate::net::{
  Event, SocketError,
  input::{End, Input},
  lingering::with_nowhere,
};

impl Connection {
  /// Input is read as soon as there is some, whether it is delivered then or dropped.
  pub(super) fn wants_input(&self) -> bool {
    let Life::Open(link) = &self.life else {
      return false;
    };
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

  /// See [`Socket::has_unread`](super::socket::Socket::has_unread).
  pub(super) fn has_unread(&self) -> bool {
    matches!(&self.life, Life::Open(link) if link.has_bytes())
  }

  /// See [`Socket::take_input`](super::socket::Socket::take_input).
  pub(super) fn take_input(&mut self, memory: &mut [u8]) -> Input {
    self.announced = false;
    if !self.wants_input() || self.drops_input() {
      return Input::None;
    }
    match self.receive(memory) {
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
      // What the peer did to its own direction says nothing about ours.
      Received::Truncated if self.is_apart => {
        self.has_peer_ended = true;
        self.watch();
        Input::End(End::Failed(self.truncated()))
      }
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
    if self.outgoing == Outgoing::Ended || self.failure.is_some() {
      // Nobody gets it.
      link.drop_output();
    } else if self.may_write() && !matches!(received, Received::Failed(_)) {
      self.write();
    }
    received
  }

  /// Nothing can be said before the rest of a message of TLS itself, such as a long ticket, is here, whether its owner reads or not.
  pub(super) fn must_hear(&self) -> bool {
    let Life::Open(link) = &self.life else {
      return false;
    };
    let has_something_to_say = !self.send.is_empty() || self.has_to_end();
    has_something_to_say && !link.can_write() && !link.has_input() && !link.is_congested()
  }

  /// Receives some of what it must hear. There is no plaintext before that, and what is behind it stays.
  pub(super) fn hear(&mut self) {
    let Life::Open(link) = &mut self.life else { return };
    match link.hear(&self.peer) {
      Received::Failed(error) => self.write_failed(error),
      Received::Truncated => self.write_failed(self.truncated()),
      received => {
        if matches!(received, Received::Bytes { .. }) {
          self.activity.note();
        }
        self.write();
      }
    }
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

  /// Nobody wants what comes. It is read all the same: the peer may write before it reads, and ends behind what it writes.
  pub(super) fn drops_input(&self) -> bool {
    self.closing != Closing::No || self.is_discarding
  }

  /// Reads and drops once. What is left is found ready again.
  pub(super) fn drop_input(&mut self) {
    if !self.wants_input() {
      return;
    }
    match with_nowhere(|memory| self.receive(memory)) {
      Received::Bytes { .. } | Received::Nothing => self.watch(),
      Received::End => {
        self.has_peer_ended = true;
        if self.is_apart && self.closing == Closing::No && !std::mem::replace(&mut self.is_end_told, true) {
          self.tell(Event::PeerEnded);
        }
        self.watch();
      }
      // Nobody is owed what is missing, and we have ended as well.
      Received::Truncated if matches!(&self.life, Life::Open(link) if link.is_ended()) => {
        self.has_peer_ended = true;
        self.watch();
      }
      Received::Truncated => self.fail(self.truncated()),
      Received::Failed(error) => self.fail(error),
    }
  }

  /// Nobody reads, but whoever keeps the directions apart wants to know that the peer has ended, or is gone.
  pub(super) fn look_for_end(&mut self) {
    let Life::Open(link) = &self.life else { return };
    if !self.is_apart || self.has_peer_ended || self.is_end_told {
      return;
    }
    let gone = link.stream.socket().take_error().ok().flatten();
    if let Some(error) = gone {
      let error = self.peer.failed("read from", &error);
      if !link.has_bytes() {
        return self.fail(error);
      }
      self.is_end_told = true;
      self.failure = Some(Box::new(error.clone()));
      self.outgoing = Outgoing::Ended;
      self.owes_drained = false;
      self.send.clear();
      self.tell(Event::WriteFailed(error));
    } else if link.stream.has_peer_ended(self.end_is_near) {
      self.is_end_told = true;
      self.tell(Event::PeerEnded);
    }
  }

  /// See [`Socket::discard_input`](super::socket::Socket::discard_input).
  pub(super) fn discard_input(&mut self) {
    self.is_discarding = true;
    self.suspended = false;
    self.drop_input();
  }

  /// Only the peer's close_notify says that nothing is missing (RFC 8446 section 6.1).
  fn truncated(&self) -> SocketError {
    let reason = "the peer ended the connection without ending TLS (no close_notify); data may be missing";
    let error = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, reason);
    self.peer.failed("read from", &error)
  }

  pub(super) fn suspend(&mut self) {
    // The descriptor is watched on until input comes, since most suspensions are over before that. What is closed reads on, to find
    // the peer's end.
    self.suspended = self.closing == Closing::No;
    self.fail_if_unheard();
  }

  pub(super) fn resume(&mut self) {
    self.suspended = false;
    self.watch();
    if self.failure.is_some() || matches!(&self.life, Life::Open(link) if link.has_input()) {
      self.announce();
    }
  }
}
