//! A connection as one state machine, from an attempt to its last event. It runs on its owner's thread and never waits.
//! Readiness, its owner's orders and what tasks report move it on.

use std::{io::ErrorKind, sync::Arc, time::Instant};

use super::{establish::Attempt, link::Link};
use crate::net::{
  Context, Ends, Event, SocketError, SocketId,
  peer::Peer,
  policy::{activity::Activity, deadlines::Standing, send_queue::SendQueue},
  readiness::{Interest, Ready, WatchedStream},
  tls::{SavedSession, TlsInfo},
};

/// See the module.
pub(super) struct Connection {
  pub(super) context: Context,
  pub(super) peer: Arc<Peer>,
  pub(super) id: SocketId,
  pub(super) life: Life,
  /// The addresses of both ends; `None` until it is established.
  pub(super) ends: Option<Ends>,
  /// What TLS was, once the connection is over.
  last_tls: Option<Box<(TlsInfo, Option<SavedSession>)>>,
  pub(super) activity: Activity,
  pub(super) send: SendQueue,
  /// A `Readable` is on its way to the owner.
  pub(super) announced: bool,
  /// The kernel has the peer's end, perhaps behind bytes. Until it is read, a read always finds something.
  pub(super) end_is_near: bool,
  /// The owner was told of the peer's end ahead of the bytes before it, which it has not taken.
  pub(super) is_end_told: bool,
  pub(super) suspended: bool,
  /// The peer has ended its stream.
  pub(super) has_peer_ended: bool,
  pub(super) closing: Closing,
  pub(super) outgoing: Outgoing,
  /// One direction goes on when the other has failed, and the owner is told of each.
  pub(super) is_apart: bool,
  /// Input is read and dropped.
  pub(super) is_discarding: bool,
  /// Writing failed with this. What the peer said before is still delivered.
  pub(super) failure: Option<Box<SocketError>>,
  /// The owner wants to hear when all is written, and has not heard yet.
  pub(super) owes_drained: bool,
}

/// How far a connection has come.
pub(super) enum Life {
  /// A task of the runtime makes it.
  Establishing { attempt: Attempt },
  /// The kernel connects.
  Connecting(WatchedStream),
  /// It carries bytes.
  Open(Link),
  /// A task of the runtime makes TLS of it (STARTTLS).
  Securing { _attempt: Attempt },
  /// The last event was told, or nobody is there to be told.
  Over,
}

/// What its owner has asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
  /// Nothing.
  No,
  /// To send everything, then FIN, then to tell `Closed`.
  AfterSending,
  /// The same at once: what is not written yet is dropped, and nothing is waited for.
  Now,
}

/// Our side of the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outgoing {
  Open,
  /// FIN follows what is queued.
  Ending,
  /// Nothing is sent any more: FIN was, or writing failed.
  Ended,
}

impl Connection {
  pub(super) fn new(context: &Context, peer: &Arc<Peer>, id: SocketId, life: Life) -> Self {
    Self {
      context: context.clone(),
      peer: Arc::clone(peer),
      id,
      life,
      ends: None,
      last_tls: None,
      activity: Activity::default(),
      send: SendQueue::default(),
      announced: false,
      end_is_near: false,
      is_end_told: false,
      suspended: false,
      has_peer_ended: false,
      closing: Closing::No,
      outgoing: Outgoing::Open,
      is_apart: false,
      is_discarding: false,
      failure: None,
      owes_drained: false,
    }
  }

  pub(super) fn tell(&self, event: Event) {
    self.context.tell(self.id, event);
  }

  /// Tells the last event, and closes the descriptor.
  pub(super) fn end(&mut self, last: Event) {
    if !self.is_over() {
      self.set_over();
      self.tell(last);
    }
  }

  /// Closes the descriptor. Keeps what TLS was.
  pub(super) fn set_over(&mut self) {
    self.keep_tls();
    self.life = Life::Over;
    self.send.clear();
  }

  pub(super) fn keep_tls(&mut self) {
    if let Life::Open(link) = &self.life
      && let Some(session) = link.session()
    {
      self.last_tls = Some(Box::new((session.info(), session.saved_session())));
    }
  }

  pub(super) fn is_over(&self) -> bool {
    matches!(self.life, Life::Over)
  }

  pub(super) fn fail(&mut self, error: SocketError) {
    self.end(Event::Failed(error));
  }

  /// A bug of ours. The socket must not just fall silent.
  pub(super) fn panicked(&mut self) {
    self.fail(SocketError::panicked());
  }

  pub(super) fn ends(&self) -> Option<Ends> {
    match &self.life {
      Life::Establishing { attempt } => attempt.ends(),
      _ => self.ends,
    }
  }

  /// The stream, where it is at hand: a task has it while it looks up a name, and while it makes a TLS handshake.
  pub(super) fn stream(&self) -> Option<&WatchedStream> {
    match &self.life {
      Life::Connecting(stream) => Some(stream),
      Life::Open(link) => Some(&link.stream),
      Life::Establishing { .. } | Life::Securing { .. } | Life::Over => None,
    }
  }

  pub(super) fn tls_info(&self) -> Option<TlsInfo> {
    match &self.life {
      Life::Open(link) => link.session().map(|session| session.info()),
      _ => self.last_tls.as_deref().map(|(info, _)| info.clone()),
    }
  }

  pub(super) fn saved_session(&self) -> Option<SavedSession> {
    match &self.life {
      Life::Open(link) => link.session()?.saved_session(),
      _ => self.last_tls.as_deref()?.1.clone(),
    }
  }

  /// The connection, as something that deadlines are about. Tells `Failed` where looking finds it broken.
  pub(super) fn standing(&mut self) -> Standing {
    // Perhaps nobody has noticed so far.
    let is_established = match &self.life {
      Life::Establishing { attempt } => attempt.is_done(),
      Life::Connecting(stream) => stream.socket().peer_addr().is_ok(),
      Life::Open(_) | Life::Securing { .. } | Life::Over => {
        let last = self.activity.last();
        let moves = last.is_some() && self.has_arrived();
        return Standing::Active(if moves { Some(Instant::now()) } else { last });
      }
    };
    if is_established {
      Standing::Active(Some(Instant::now()))
    } else {
      Standing::Connecting
    }
  }

  /// Something has arrived and only waits to be taken, which is no silence: bytes, or the end of the connection.
  fn has_arrived(&mut self) -> bool {
    let Life::Open(link) = &self.life else {
      return false;
    };
    if !self.wants_input() {
      return false;
    }
    if link.has_input() {
      return true;
    }
    match link.stream.peek() {
      Ok(_) => true,
      Err(error) if error.kind() == ErrorKind::WouldBlock => false,
      // Linux says it once: reading would find an orderly end. There is nothing that could still be read before.
      Err(error) => {
        self.fail(self.peer.failed("read from", &error));
        true
      }
    }
  }

  /// Bytes that a close waits for.
  pub(super) fn owed_at_close(&self) -> Option<usize> {
    if self.closing == Closing::No || self.is_over() {
      return None;
    }
    // What the kernel has counts until the peer acknowledges it: the kernel takes more in large steps only.
    let in_kernel = match &self.life {
      Life::Open(link) => link.stream.unacknowledged().unwrap_or(0),
      _ => 0,
    };
    Some(self.send.unwritten() + in_kernel)
  }

  /// Its descriptor was found ready. `true` when it is to write.
  pub(super) fn ready(&mut self, ready: Ready) -> bool {
    match &mut self.life {
      Life::Connecting(stream) => {
        stream.told(ready);
        self.connected();
        false
      }
      Life::Open(link) => {
        link.stream.told(ready);
        self.end_is_near |= ready.end;
        if ready.read && self.drops_input() {
          self.drop_input();
        } else if ready.read && self.wants_input() {
          self.announce();
        } else if ready.read && self.must_hear() {
          self.hear();
        } else if ready.read || ready.end {
          self.look_for_end();
          self.watch();
        }
        ready.write
      }
      Life::Establishing { .. } | Life::Securing { .. } | Life::Over => false,
    }
  }

  /// Watches the descriptor for what is wanted now.
  pub(super) fn watch(&mut self) {
    let wants_input = self.wants_input() || self.must_hear();
    let has_to_write = self.has_to_write();
    let (stream, interest) = match &mut self.life {
      Life::Connecting(stream) => {
        let interest = Interest {
          write: true,
          ..Interest::default()
        };
        (stream, interest)
      }
      Life::Open(link) => {
        let interest = Interest {
          read: wants_input,
          end: self.is_apart && !self.has_peer_ended && !self.is_end_told,
          write: has_to_write,
        };
        (&mut link.stream, interest)
      }
      Life::Establishing { .. } | Life::Securing { .. } | Life::Over => return,
    };
    if let Err(error) = stream.watch(interest) {
      self.fail(self.peer.failed("watch the connection to", &error));
    }
  }
}
