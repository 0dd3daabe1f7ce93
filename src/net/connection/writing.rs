//! The way out: from the owner to the kernel, at once as long as the kernel takes it, and by way of the queue when it does
//! not.

use std::{collections::TryReserveError, net::Shutdown};

use super::{
  link::Unwritten,
  state::{Closing, Connection, Life, Outgoing},
};
use crate::net::{
  ErrorName, Event, SocketError,
  policy::send_queue::{MOST_BYTES, copy},
};

impl Connection {
  /// See [`Socket::stage`](super::socket::Socket::stage).
  pub(super) fn stage(&mut self, data: &[u8]) -> Result<(), TryReserveError> {
    if !self.is_over() && self.outgoing == Outgoing::Open {
      self.send.stage(copy(data)?);
    }
    Ok(())
  }

  /// See [`Socket::flush`](super::socket::Socket::flush).
  pub(super) fn flush(&mut self, mut data: &[u8], report_drained: bool) -> usize {
    self.owes_drained |= report_drained;
    // Straight from the owner's memory, as long as nothing has to leave before it.
    if self.send.is_empty()
      && !data.is_empty()
      && self.failure.is_none()
      && self.outgoing == Outgoing::Open
      && let Life::Open(link) = &mut self.life
      && !link.has_output()
    {
      match link.write_directly(data, &mut self.send, &self.peer) {
        Ok(done) => {
          data = &data[done..];
          self.send.sent_past();
          self.activity.note();
        }
        Err(Unwritten::Blocked | Unwritten::Idle) => {}
        Err(Unwritten::Failed(error)) => {
          self.write_failed(error);
          return 0;
        }
      }
    }
    if self.stage(data).is_err() {
      self.fail(no_memory(data.len()));
      return 0;
    }
    self.send.commit();
    if self.may_write() {
      self.write();
    } else if self.must_hear() {
      self.watch();
    }
    if report_drained && self.send.want_drain() {
      self.drained();
    }
    self.fail_if_unheard();
    self.send.unwritten()
  }

  fn drained(&mut self) {
    self.owes_drained = false;
    self.tell(Event::Drained);
  }

  /// See [`Socket::accepts_output`](super::socket::Socket::accepts_output).
  pub(super) fn accepts_output(&self) -> bool {
    !self.is_over() && self.outgoing == Outgoing::Open && self.failure.is_none()
  }

  /// Something waits to be written for which the kernel has room, as far as is known.
  pub(super) fn may_write(&self) -> bool {
    self.has_to_write() && matches!(&self.life, Life::Open(link) if !link.stream.interest().write)
  }

  /// Something waits to be written, and nothing has to be received before it.
  pub(super) fn has_to_write(&self) -> bool {
    let Life::Open(link) = &self.life else {
      return false;
    };
    link.has_output() || (link.can_write() && (!self.send.is_empty() || self.has_to_end()))
  }

  /// A close_notify is to be said behind everything else.
  pub(super) fn has_to_end(&self) -> bool {
    let is_last = self.closing == Closing::AfterSending || self.outgoing == Outgoing::Ending;
    is_last && matches!(&self.life, Life::Open(link) if !link.is_ended())
  }

  /// Sealing a byte takes several times as long as writing it.
  fn most_at_once(&self) -> usize {
    match &self.life {
      Life::Open(link) if link.session().is_some() => MOST_BYTES / 4,
      _ => MOST_BYTES,
    }
  }

  /// Writes as much as the kernel takes, but not more than others can wait for: the rest follows when it is found ready again.
  pub(super) fn write(&mut self) {
    let mut left = self.most_at_once();
    let was_congested = matches!(&self.life, Life::Open(link) if link.is_congested());
    while let Life::Open(link) = &mut self.life {
      match link.write(&mut self.send, &self.peer) {
        Ok(written) => {
          self.activity.note();
          if self.send.written(written) {
            self.drained();
          }
          left = left.saturating_sub(written);
          if left == 0 {
            break;
          }
        }
        Err(Unwritten::Idle | Unwritten::Blocked) => break,
        Err(Unwritten::Failed(error)) => return self.write_failed(error),
      }
    }
    if was_congested && self.wants_input() && matches!(&self.life, Life::Open(link) if link.has_input()) {
      // The rest of what was received by then.
      self.announce();
    }
    self.written();
  }

  /// What follows when nothing more can be written now.
  fn written(&mut self) {
    let Life::Open(link) = &mut self.life else { return };
    if link.upgrade.is_some() && self.send.is_at_barrier() {
      return self.secure();
    }
    let is_idle = self.send.is_empty() && !link.has_output();
    match self.closing {
      // That we end cannot be said in the middle of a message of TLS itself.
      Closing::AfterSending | Closing::No if is_idle && !link.is_ended() && !link.can_write() => self.watch(),
      Closing::AfterSending | Closing::Now if is_idle && link.is_ended() => self.finish(),
      Closing::AfterSending | Closing::Now if is_idle => {
        link.end();
        self.write();
      }
      // The kernel does not even take the close_notify, and nobody waits until it does.
      Closing::Now => self.finish(),
      Closing::No if is_idle && self.outgoing == Outgoing::Ending => {
        if link.is_ended() {
          // Fails when the peer is gone, which reading finds out.
          let _ = link.stream.socket().shutdown(Shutdown::Write);
          self.outgoing = Outgoing::Ended;
          self.tell(Event::ShutDown);
          self.watch();
        } else {
          link.end();
          self.write();
        }
      }
      Closing::AfterSending | Closing::No => self.watch(),
    }
  }

  /// See [`Socket::shutdown`](super::socket::Socket::shutdown).
  pub(super) fn shutdown(&mut self) {
    if self.outgoing == Outgoing::Open {
      self.outgoing = Outgoing::Ending;
      self.send.commit();
      self.write();
    }
  }

  /// See [`Socket::shutdown_immediately`](super::socket::Socket::shutdown_immediately).
  pub(super) fn shutdown_immediately(&mut self) {
    if let Life::Open(link) = &mut self.life {
      if link.upgrade.is_some() {
        let detail = "what was to be sent before TLS begins was dropped";
        return self.fail(SocketError::new(ErrorName::SecurityError, detail));
      }
      link.drop_unsent();
    }
    self.send.clear();
    if self.outgoing == Outgoing::Ending {
      // Nothing is left to wait for: FIN needs no room in the kernel.
      self.write();
    }
    self.shutdown();
  }

  /// What the peer said before it went away is still worth delivering, though perhaps not before `resume`; but see
  /// [`Connection::fail_if_unheard`].
  pub(super) fn write_failed(&mut self, error: SocketError) {
    let Life::Open(link) = &mut self.life else { return };
    if self.is_apart && self.closing == Closing::No && !self.has_peer_ended && link.upgrade.is_none() {
      if error.is_reset() {
        // The system tells that once, and would then call what was cut off the peer's end. A peer that had ended before is another error.
        if !link.has_bytes() {
          return self.fail(error);
        }
        self.failure = Some(Box::new(error.clone()));
      }
      link.drop_output();
      self.send.clear();
      self.outgoing = Outgoing::Ended;
      self.owes_drained = false;
      self.tell(Event::WriteFailed(error));
      return self.watch();
    }
    let is_deaf = self.has_peer_ended || self.closing != Closing::No || link.upgrade.is_some();
    if is_deaf || (self.suspended && !link.has_bytes()) {
      return self.fail(error);
    }
    link.drop_output();
    self.send.clear();
    self.failure = Some(Box::new(error));
    self.fail_if_unheard();
    self.watch();
    if self.wants_input() {
      self.announce();
    }
  }

  /// An owner who suspends until all is written takes no input before that, and a write has failed: it has to be told now, though
  /// input may be lost, or it would wait for ever.
  pub(super) fn fail_if_unheard(&mut self) {
    if self.suspended
      && self.owes_drained
      && let Some(error) = self.failure.take()
    {
      self.fail(*error);
    }
  }
}

/// What the owner sent cannot be kept, so that nothing that follows would make sense.
fn no_memory(bytes: usize) -> SocketError {
  let detail = format!("no memory for {bytes} bytes to send");
  SocketError::new(ErrorName::NetworkError, detail)
}
