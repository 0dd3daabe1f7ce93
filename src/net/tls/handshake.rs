//! A handshake: as a state machine without I/O, and what a task of the runtime does to carry it over a connection. The
//! owner's thread takes no part in it: one step can take milliseconds.

use std::{io, time::Duration};

use tokio::{net::TcpStream, time};

use super::{Failure, Session, TlsInfo, backend::Stream, outcome::Step, pin::check_pin};
use crate::net::{ErrorName, SocketError};

/// How long a server may take for a handshake. TLS libraries wait for ever.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug)]
pub struct Handshake {
  stream: Stream,
  /// What is attempted, for errors.
  what: String,
  deadline: Duration,
  /// The digest of the only certificate that is accepted.
  pin: Option<[u8; 32]>,
  /// A peer with which this succeeds is who it was to be, by chain and name or by the pin.
  proves_peer: bool,
}

impl Handshake {
  pub(super) fn new(
    stream: Stream,
    what: String,
    deadline: Duration,
    pin: Option<[u8; 32]>,
    proves_peer: bool,
  ) -> Self {
    Self {
      stream,
      what,
      deadline,
      pin,
      proves_peer,
    }
  }

  /// Goes on as far as what was received allows. `true` when peer and name are verified, as far as the owner asked for that,
  /// and nothing more has to be received. What there is to send is sent then, also where this fails.
  ///
  /// # Errors
  /// What is wrong with the peer, or with us in its eyes. Mostly an alert is to be sent that says so.
  pub fn step(&mut self) -> Result<bool, SocketError> {
    let done = match self.stream.handshake() {
      Step::NeedsInput => false,
      Step::Done => {
        let TlsInfo { peer_certificate, .. } = self.pin.map_or_else(TlsInfo::default, |_| self.stream.info());
        let checked = self.pin.map(|pin| check_pin(&pin, peer_certificate.as_deref()));
        checked.transpose().map_err(|failure| failure.of(&self.what))?;
        true
      }
      Step::Failed(failure) => return Err(failure.of(&self.what)),
    };
    Ok(done)
  }

  /// Calls `receive` with memory for what comes from the peer.
  ///
  /// # Errors
  /// What `receive` says.
  pub fn receive(&mut self, receive: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
    self.stream.with_wire(|wire| wire.receive(receive))
  }

  /// Calls `send` with what is to be sent, and takes out what it says it has sent.
  ///
  /// # Errors
  /// What `send` says.
  pub fn send(&mut self, send: impl FnOnce(&[u8]) -> io::Result<usize>) -> io::Result<()> {
    self.stream.with_wire(|wire| {
      let sent = send(wire.output())?;
      wire.sent(sent);
      Ok(())
    })
  }

  /// What came of it, after a step that was the last. What was received behind it is kept.
  pub fn into_session(mut self) -> Session {
    self.stream.with_wire(|wire| wire.keep_input());
    Session::new(self.stream, self.proves_peer)
  }

  /// Carries it over `stream`.
  ///
  /// # Errors
  /// As [`Handshake::step`]; `NetworkInterruptError` when the peer hung up, `NetworkTimeoutError` after the deadline.
  pub async fn over(mut self, stream: &TcpStream) -> Result<Session, SocketError> {
    match time::timeout(self.deadline, self.carry(stream)).await {
      Ok(outcome) => outcome.map(|()| self.into_session()),
      Err(_) => {
        let detail = format!(
          "{}: no answer within {} s",
          self.what,
          self.deadline.as_secs_f64()
        );
        Err(SocketError::new(ErrorName::NetworkTimeoutError, detail))
      }
    }
  }

  async fn carry(&mut self, stream: &TcpStream) -> Result<(), SocketError> {
    loop {
      let step = self.step();
      if step.is_err() {
        // What it says is for the peer's sake. Nobody waits for it to be taken.
        let _ = self.send(|output| stream.try_write(output));
      }
      let done = step?;
      while self.stream.output_bytes() > 0 {
        let sent = self.send(|output| stream.try_write(output));
        wait_if(&self.what, sent, stream.writable()).await?;
      }
      if done {
        return Ok(());
      }
      let mut has_ended = false;
      let received = self
        .receive(|memory| stream.try_read(memory))
        .map(|bytes| has_ended = bytes == 0);
      if has_ended {
        let reason = "the peer ended the connection during the handshake";
        return Err(Failure::new(ErrorName::NetworkInterruptError, reason).of(&self.what));
      }
      wait_if(&self.what, received, stream.readable()).await?;
    }
  }
}

/// Waits for `ready` where `outcome`, of an attempt at `what`, says that nothing can be done before.
async fn wait_if(
  what: &str,
  outcome: io::Result<()>,
  ready: impl Future<Output = io::Result<()>>,
) -> Result<(), SocketError> {
  let outcome = match outcome {
    Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.await,
    Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
    outcome => outcome,
  };
  outcome.map_err(|error| Failure::from_io(&error).of(what))
}
