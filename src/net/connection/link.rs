//! An established stream, and what is between it and its owner: nothing, or TLS. Its calls move bytes once, as far as the
//! kernel goes along, and decide nothing.

use std::{
  cell::RefCell,
  io::{self, ErrorKind, IoSlice},
};

use bytes::Bytes;

use crate::net::{
  SocketError,
  input::MOST_TAKEN,
  peer::Peer,
  policy::send_queue::{MOST_SLICES, Next, SendQueue},
  readiness::WatchedStream,
  tls::{Opened, Security, Session, Then, session::RECORD, wire::MOST_RECEIVED},
};

/// Plaintext that is sealed before any of it is sent: so much ciphertext, and a little more, can wait for the kernel.
const MOST_SEALED: usize = 4 * RECORD;

/// When more than this waits for the kernel, TLS has answered a peer that asks again and again and does not read. Nothing more is
/// received before it does: each answer takes memory.
const MOST_WAITING: usize = MOST_SEALED + RECORD;

thread_local! {
  /// Where small pieces are put together to a record. Empty between calls.
  static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// See the module.
#[derive(Debug)]
pub(super) struct Link {
  pub(super) stream: WatchedStream,
  pub(super) layer: Layer,
  /// TLS is to begin as soon as what was sent before is out. Nothing is read until then.
  pub(super) upgrade: Option<Security>,
}

#[derive(Debug)]
pub(super) enum Layer {
  Plain,
  Tls(Box<Session>),
}

/// What was read.
pub(super) enum Received {
  Bytes {
    count: usize,
    /// There is probably more.
    more: bool,
  },
  Nothing,
  /// FIN, or close_notify.
  End,
  /// The connection is broken: so says the kernel, or TLS.
  Failed(SocketError),
  /// The peer ended TCP, and not TLS.
  Truncated,
}

/// Why nothing was written.
pub(super) enum Unwritten {
  /// There is nothing to write, or nothing that may be written before something was received.
  Idle,
  /// The kernel takes nothing now.
  Blocked,
  Failed(SocketError),
}

impl Link {
  pub(super) fn new(stream: WatchedStream, session: Option<Box<Session>>) -> Self {
    Self {
      stream,
      layer: session.map_or(Layer::Plain, Layer::Tls),
      upgrade: None,
    }
  }

  pub(super) fn session(&self) -> Option<&Session> {
    match &self.layer {
      Layer::Plain => None,
      Layer::Tls(session) => Some(session),
    }
  }

  pub(super) fn session_mut(&mut self) -> Option<&mut Session> {
    match &mut self.layer {
      Layer::Plain => None,
      Layer::Tls(session) => Some(session),
    }
  }

  /// Says close_notify, where there is TLS.
  pub(super) fn end(&mut self) {
    if let Some(session) = self.session_mut() {
      session.end();
    }
  }

  /// Whether nothing is to be said before FIN.
  pub(super) fn is_ended(&self) -> bool {
    self.session().is_none_or(Session::has_ended)
  }

  /// Nothing of TLS is to be sent any more.
  pub(super) fn drop_output(&mut self) {
    if let Some(session) = self.session_mut() {
      session.drop_output();
    }
  }

  /// What TLS has sealed is not sent. Half a record is no place for a close_notify: there is none then, and the peer learns that
  /// something is missing.
  pub(super) fn drop_unsent(&mut self) {
    if self.has_output() {
      self.drop_output();
    }
  }

  /// Something of TLS waits to be sent.
  pub(super) fn has_output(&self) -> bool {
    self.session().is_some_and(Session::has_output)
  }

  /// TLS has said so much that the kernel does not take, that nothing more may be received.
  pub(super) fn is_congested(&self) -> bool {
    self
      .session()
      .is_some_and(|session| session.output_bytes() > MOST_WAITING)
  }

  /// Whether bytes of the owner's can be written; if not, something has to be received first.
  pub(super) fn can_write(&self) -> bool {
    self.session().is_none_or(Session::can_seal)
  }

  /// Something was received and not opened, or opened and not taken.
  pub(super) fn has_input(&self) -> bool {
    self.session().is_some_and(Session::has_input)
  }

  /// Bytes wait, here or in the kernel, which have not been taken.
  pub(super) fn has_bytes(&self) -> bool {
    self.has_input() || matches!(self.stream.peek(), Ok(1..))
  }

  /// Reads into `memory`. With TLS, what the peer is to be answered is in the output then.
  pub(super) fn receive(&mut self, memory: &mut [u8], peer: &Peer) -> Received {
    crate::fault::point("read");
    let stream = &self.stream;
    let received = match &mut self.layer {
      Layer::Plain => stream.receive(memory),
      Layer::Tls(session) if session.has_input() => Ok(1),
      Layer::Tls(session) => session.receive(|ciphertext| stream.receive(ciphertext)),
    };
    let received = match received {
      Ok(received) => received,
      Err(error) if error.kind() == ErrorKind::WouldBlock => return Received::Nothing,
      Err(error) => return Received::Failed(peer.failed("read from", &error)),
    };
    match &mut self.layer {
      Layer::Plain if received == 0 => Received::End,
      Layer::Plain => Received::Bytes {
        count: received,
        more: received >= MOST_TAKEN,
      },
      Layer::Tls(_) if received == 0 => Received::Truncated,
      Layer::Tls(session) => {
        let Opened { bytes, then } = session.open(memory);
        match then {
          Then::Ended if bytes == 0 => Received::End,
          Then::Failed(failure) if bytes == 0 => Received::Failed(peer.tls_failed("read from", failure)),
          Then::NeedsInput if bytes == 0 && received < MOST_RECEIVED => Received::Nothing,
          then => Received::Bytes {
            count: bytes,
            more: received == MOST_RECEIVED || !matches!(then, Then::NeedsInput),
          },
        }
      }
    }
  }

  /// Receives what TLS itself has to hear before it can write, and takes no plaintext. How much that was is not told.
  pub(super) fn hear(&mut self, peer: &Peer) -> Received {
    crate::fault::point("read");
    let Layer::Tls(session) = &mut self.layer else {
      return Received::Nothing;
    };
    match session.receive(|ciphertext| self.stream.receive(ciphertext)) {
      Ok(0) => Received::Truncated,
      Ok(_) => {
        session.hear();
        Received::Bytes {
          count: 0,
          more: false,
        }
      }
      Err(error) if error.kind() == ErrorKind::WouldBlock => Received::Nothing,
      Err(error) => Received::Failed(peer.failed("read from", &error)),
    }
  }

  /// Writes some of what is in `queue`, or of what was sealed before. Returns how many bytes of the owner's have left.
  pub(super) fn write(&mut self, queue: &mut SendQueue, peer: &Peer) -> Result<usize, Unwritten> {
    let mut slices = Vec::new();
    if !self.has_output() {
      match queue.next(&mut slices, MOST_SLICES) {
        Next::Write if self.can_write() => {}
        Next::Write | Next::Idle | Next::Handshake => return Err(Unwritten::Idle),
      }
    }
    crate::fault::point("write");
    let Layer::Tls(session) = &mut self.layer else {
      let mut vector = [IoSlice::new(&[]); MOST_SLICES];
      for (io, slice) in vector.iter_mut().zip(&slices) {
        *io = IoSlice::new(slice);
      }
      let written = self.stream.send_vectored(&vector[..slices.len()]);
      let written = written.map_err(|error| unwritten(peer, &error))?;
      queue.take(written);
      return Ok(written);
    };
    if !session.has_output() {
      let sealed = seal(session, &slices);
      queue.take(sealed.map_err(|failure| Unwritten::Failed(peer.tls_failed("write to", failure)))?);
    }
    self.send_output(peer)
  }

  /// Writes what it can of `data`, with nothing before it. Returns how many bytes of it need not be queued: they have left, or
  /// are sealed.
  pub(super) fn write_directly(
    &mut self,
    data: &[u8],
    queue: &mut SendQueue,
    peer: &Peer,
  ) -> Result<usize, Unwritten> {
    crate::fault::point("write");
    if matches!(self.layer, Layer::Plain) {
      let written = self.stream.send(data);
      return written.map_err(|error| unwritten(peer, &error));
    }
    let mut done = 0;
    for piece in data.chunks(MOST_SEALED) {
      let Some(session) = self
        .session_mut()
        .filter(|session| !session.has_output() && session.can_seal())
      else {
        break;
      };
      let sealed = session.seal(piece);
      sealed.map_err(|failure| Unwritten::Failed(peer.tls_failed("write to", failure)))?;
      queue.sealed_past(piece.len());
      done += piece.len();
      match self.send_output(peer) {
        Ok(written) => drop(queue.written(written)),
        Err(Unwritten::Failed(error)) => return Err(Unwritten::Failed(error)),
        Err(_) => {}
      }
    }
    Ok(done)
  }

  /// Sends what TLS has written. Returns how many bytes of the owner's have left by that.
  pub(super) fn send_output(&mut self, peer: &Peer) -> Result<usize, Unwritten> {
    let stream = &self.stream;
    match &mut self.layer {
      Layer::Tls(session) if session.has_output() => session
        .send(|output| stream.send(output))
        .map_err(|error| unwritten(peer, &error)),
      _ => Err(Unwritten::Idle),
    }
  }
}

fn unwritten(peer: &Peer, error: &io::Error) -> Unwritten {
  match error.kind() {
    ErrorKind::WouldBlock => Unwritten::Blocked,
    _ => Unwritten::Failed(peer.failed("write to", error)),
  }
}

/// Seals some of `slices`; returns how many bytes. Small ones share a record.
fn seal(session: &mut Session, slices: &[Bytes]) -> Result<usize, crate::net::tls::Failure> {
  GATHERED.with_borrow_mut(|gathered| {
    gathered.clear();
    let mut room = MOST_SEALED;
    for slice in slices {
      let mut rest = &slice[..slice.len().min(room)];
      room -= rest.len();
      while !rest.is_empty() {
        // What fills a record need not be copied.
        let (now, later) = rest.split_at(rest.len().min(RECORD - gathered.len()));
        rest = later;
        if now.len() == RECORD {
          session.seal(now)?;
          continue;
        }
        gathered.extend_from_slice(now);
        if gathered.len() == RECORD {
          session.seal(gathered)?;
          gathered.clear();
        }
      }
    }
    session.seal(gathered)?;
    gathered.clear();
    Ok(MOST_SEALED - room)
  })
}
