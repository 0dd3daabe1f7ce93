//! One TLS connection as a state machine without I/O: ciphertext in, plaintext out, and the other way round. It knows no
//! socket and wakes nobody, so it works the same on every thread, and a test can feed it any bytes in any pieces.
//!
//! What goes out is one ordered stream, [`Session::output`]: records of the application, and what TLS says by itself, such
//! as the answer to a KeyUpdate or an alert. Its owner seals nothing more while some of it waits to be sent.

use std::{collections::VecDeque, io};

use super::{Failure, SavedSession, TlsInfo, backend::Stream, outcome::Read};

/// The most plaintext of a record (RFC 8446 section 5.1).
pub const RECORD: usize = 16 * 1024;

/// What [`Session::open`] found.
#[derive(Debug)]
pub struct Opened {
  /// Plaintext that was written to the caller's memory.
  pub bytes: usize,
  /// What comes behind it.
  pub then: Then,
}

/// What follows the plaintext that was opened.
#[derive(Debug)]
pub enum Then {
  /// The caller's memory is full; there may be more.
  MayHaveMore,
  /// More ciphertext has to be received first.
  NeedsInput,
  /// The peer's close_notify: it sends no more.
  Ended,
  /// The connection is broken.
  Failed(Failure),
}

/// See the module. After a handshake, which [`Handshake`](super::Handshake) makes.
#[derive(Debug)]
pub struct Session {
  stream: Stream,
  /// The records of the application that wait to be sent.
  unsent: VecDeque<Record>,
  /// Nothing follows what was opened.
  end: Option<Result<(), Failure>>,
  /// We have said close_notify.
  has_ended: bool,
  /// See [`TlsInfo::is_peer_proven`].
  is_peer_proven: bool,
}

/// Bytes of one record that wait to be sent.
#[derive(Debug)]
struct Record {
  /// Those included that TLS itself had to say before it.
  ciphertext: usize,
  plaintext: usize,
}

impl Session {
  pub(super) fn new(stream: Stream, is_peer_proven: bool) -> Self {
    Self {
      stream,
      unsent: VecDeque::new(),
      end: None,
      has_ended: false,
      is_peer_proven,
    }
  }

  /// What the handshake led to.
  pub fn info(&self) -> TlsInfo {
    TlsInfo {
      is_peer_proven: self.is_peer_proven,
      ..self.stream.info()
    }
  }

  /// What other connections to the same server may take up. Servers may replace it at any time.
  pub fn saved_session(&self) -> Option<SavedSession> {
    self.stream.saved_session()
  }

  /// Calls `receive` with memory for ciphertext, if there is none that was received before. Returns how much there is.
  ///
  /// # Errors
  /// What `receive` says.
  pub fn receive(&mut self, receive: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
    self.stream.with_wire(|wire| wire.receive(receive))
  }

  /// Whether [`Session::open`] can find something without further input.
  pub fn has_input(&self) -> bool {
    self.end.is_some() || self.stream.has_input()
  }

  /// Opens what was received, into `plain`, as far as there is room. What the peer is to be answered is in the output then.
  pub fn open(&mut self, plain: &mut [u8]) -> Opened {
    let mut bytes = 0;
    while self.end.is_none() {
      if bytes == plain.len() {
        let then = Then::MayHaveMore;
        return Opened { bytes, then };
      }
      match self.stream.read(&mut plain[bytes..]) {
        Read::Bytes(more) => bytes += more,
        Read::NeedsInput => {
          let then = Then::NeedsInput;
          return Opened { bytes, then };
        }
        Read::Ended => self.end = Some(Ok(())),
        Read::Failed(failure) => self.end = Some(Err(failure)),
      }
    }
    // What is behind the end is nobody's.
    self.stream.with_wire(|wire| wire.drop_input());
    let then = match &self.end {
      Some(Err(failure)) => Then::Failed(failure.clone()),
      _ => Then::Ended,
    };
    Opened { bytes, then }
  }

  /// Goes on with a message of TLS itself that has come in part, so that [`Session::seal`] can be called again, and takes no
  /// plaintext. What was received behind it is kept.
  pub fn hear(&mut self) {
    if self.end.is_none() {
      match self.stream.peek() {
        Read::Bytes(_) | Read::NeedsInput => {}
        Read::Ended => self.end = Some(Ok(())),
        Read::Failed(failure) => self.end = Some(Err(failure)),
      }
    }
    self.stream.with_wire(|wire| wire.keep_input());
  }

  /// Whether [`Session::seal`] may be called. Not so while a message of TLS itself, such as a long ticket, has come in part: the
  /// rest has to be received first.
  pub fn can_seal(&self) -> bool {
    // A session that is broken does not wait: sealing fails, and says why.
    self.end.is_some() || self.stream.can_write()
  }

  /// Seals `plain` in records, which are in the output then.
  ///
  /// # Errors
  /// The connection is broken or ended; what was sealed makes no sense without the rest.
  pub fn seal(&mut self, plain: &[u8]) -> Result<(), Failure> {
    for piece in plain.chunks(RECORD) {
      self.stream.write(piece)?;
      let before: usize = self.unsent.iter().map(|record| record.ciphertext).sum();
      let ciphertext = self.output_bytes() - before;
      self.unsent.push_back(Record {
        ciphertext,
        plaintext: piece.len(),
      });
    }
    Ok(())
  }

  /// Says close_notify, once: our side sends nothing after it. Where it [cannot seal](Session::can_seal) it cannot say that
  /// either, and says it never: the peer takes what it was sent for incomplete.
  pub fn end(&mut self) {
    if !std::mem::replace(&mut self.has_ended, true) {
      self.stream.close_notify();
    }
  }

  /// Whether [`Session::end`] was called.
  pub fn has_ended(&self) -> bool {
    self.has_ended
  }

  /// Whether something is to be sent.
  pub fn has_output(&self) -> bool {
    self.output_bytes() > 0
  }

  /// How many bytes are to be sent.
  pub fn output_bytes(&self) -> usize {
    self.stream.output_bytes()
  }

  /// Calls `send` with what is to be sent, and takes out what it says it has sent. Returns how much plaintext was in the
  /// records that have gone as a whole by that.
  ///
  /// # Errors
  /// What `send` says.
  pub fn send(&mut self, send: impl FnOnce(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
    let mut sent = self.stream.with_wire(|wire| {
      let sent = send(wire.output())?;
      wire.sent(sent);
      io::Result::Ok(sent)
    })?;
    let mut plaintext = 0;
    while let Some(record) = self.unsent.front_mut() {
      let now = sent.min(record.ciphertext);
      record.ciphertext -= now;
      sent -= now;
      if record.ciphertext > 0 {
        break;
      }
      plaintext += record.plaintext;
      self.unsent.pop_front();
    }
    Ok(plaintext)
  }

  /// Drops what was not sent: nothing can follow it.
  pub fn drop_output(&mut self) {
    self.stream.with_wire(|wire| wire.drop_output());
    self.unsent.clear();
    self.has_ended = true;
  }
}
