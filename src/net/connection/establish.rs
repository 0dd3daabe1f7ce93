//! What tasks of the runtime do before a connection carries bytes, and for STARTTLS: look up the name, connect, make the
//! handshake. They leave the connection to its owner's thread. None of this can hold up that thread.

use std::{
  net::TcpStream as StdStream,
  sync::{Arc, OnceLock, atomic::Ordering},
};

use tokio::{net::TcpStream, time};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::net::{
  Context, Ends, ErrorName, EventSink, LocalEnd, SocketError, SocketId,
  event::{Established, Notice},
  exhaustion::{ROOM_DELAY, exhausted},
  names::connect::{Connected, connect as connect_tcp},
  peer::Peer,
  room::Room,
  sync::AtomicBool,
  tls::{ClientTls, Security, client},
};

/// A task that makes a connection, or secures one. Dropping this ends it, and its descriptors are closed.
pub(super) struct Attempt {
  _cancel: DropGuard,
  so_far: Arc<SoFar>,
}

/// What the owner's thread can know of an attempt before it is told the outcome.
#[derive(Default)]
struct SoFar {
  /// The connection is made, though perhaps not secure.
  ends: OnceLock<Ends>,
  is_done: AtomicBool,
}

impl Attempt {
  /// Its outcome is on the way to the owner's thread.
  pub(super) fn is_done(&self) -> bool {
    self.so_far.is_done.load(Ordering::Acquire)
  }

  /// The ends of the connection, from when it is made.
  pub(super) fn ends(&self) -> Option<Ends> {
    self.so_far.ends.get().copied()
  }
}

/// Connects to `peer`, with TLS or without.
pub(super) fn connect(
  context: &Context,
  id: SocketId,
  peer: &Arc<Peer>,
  local: LocalEnd,
  tls: Option<Arc<ClientTls>>,
) -> Attempt {
  let (peer, room) = (Arc::clone(peer), Arc::clone(context.room()));
  let so_far = Arc::<SoFar>::default();
  attempt(context, id, &so_far.clone(), async move {
    let (stream, address) = connect_making_room(&peer, &local, &room).await?;
    if let Some(ends) = Ends::of(&stream, Some(address)) {
      // It is made once.
      let _ = so_far.ends.set(ends);
    }
    let session = match tls {
      None => None,
      Some(tls) => {
        let handshake = client::handshake(&peer.host, peer.port, &tls).await?;
        Some(Box::new(handshake.over(&stream).await?))
      }
    };
    Ok((stream, session))
  })
}

/// Makes TLS of `stream`.
pub(super) fn secure(
  context: &Context,
  id: SocketId,
  peer: &Arc<Peer>,
  stream: StdStream,
  security: Security,
) -> Attempt {
  let peer = Arc::clone(peer);
  attempt(context, id, &Arc::default(), async move {
    let stream = TcpStream::from_std(stream).map_err(|error| peer.failed("begin TLS with", &error))?;
    let handshake = security.handshake(&peer.host, peer.port).await?;
    let session = handshake.over(&stream).await?;
    Ok((stream, Some(Box::new(session))))
  })
}

type Made = (TcpStream, Option<Box<crate::net::tls::Session>>);

fn attempt(
  context: &Context,
  id: SocketId,
  so_far: &Arc<SoFar>,
  make: impl Future<Output = Result<Made, SocketError>> + Send + 'static,
) -> Attempt {
  let cancel = CancellationToken::new();
  let guard = cancel.clone().drop_guard();
  let shut_down = context.child_token();
  let mut outcome = Outcome {
    sink: Arc::clone(context.sink()),
    id,
    is_told: false,
    so_far: Arc::clone(so_far),
  };
  context.spawn(async move {
    let made = tokio::select! {
      biased;
      () = cancel.cancelled() => None,
      () = shut_down.cancelled() => None,
      made = make => Some(made),
    };
    match made {
      Some(made) => outcome.tell(made.and_then(detach)),
      None => outcome.forget(),
    }
  });
  Attempt {
    _cancel: guard,
    so_far: Arc::clone(so_far),
  }
}

/// Takes the stream out of the runtime, for the owner's thread.
fn detach((stream, session): Made) -> Result<Established, SocketError> {
  let stream = stream.into_std();
  let stream = stream.map_err(|error| SocketError::from_io("hand over the connection", &error))?;
  Ok(Established { stream, session })
}

/// Tells the owner's thread what came of an attempt, exactly once, also when its task panics.
struct Outcome {
  sink: Arc<dyn EventSink>,
  id: SocketId,
  is_told: bool,
  so_far: Arc<SoFar>,
}

impl Outcome {
  fn tell(&mut self, outcome: Result<Established, SocketError>) {
    if !std::mem::replace(&mut self.is_told, true) {
      self.so_far.is_done.store(outcome.is_ok(), Ordering::Release);
      let notice = outcome.map_or_else(Notice::Failed, Notice::Established);
      self.sink.push(self.id, notice.into());
    }
  }
}

impl Outcome {
  /// Nobody wants to know.
  fn forget(mut self) {
    self.is_told = true;
  }
}

impl Drop for Outcome {
  fn drop(&mut self) {
    self.tell(Err(SocketError::panicked()));
  }
}

/// Connects. What only waits for a peer to end makes room for what is wanted now.
async fn connect_making_room(peer: &Peer, local: &LocalEnd, room: &Room) -> Result<Connected, SocketError> {
  match connect_or_tell(peer, local).await {
    Err(error) if error.is_exhaustion() && room.ask() => {
      time::sleep(ROOM_DELAY).await;
      connect_or_tell(peer, local).await
    }
    connected => connected,
  }
}

/// Connects, or tells that there was no descriptor, where a lookup says of that only that it found no name.
async fn connect_or_tell(peer: &Peer, local: &LocalEnd) -> Result<Connected, SocketError> {
  let connected = connect_tcp(&peer.host, peer.port, local).await;
  connected.map_err(|error| match exhausted() {
    Some(reason) if error.name == ErrorName::DomainNotFoundError => {
      SocketError::from_io(&format!("look up {}", peer.host), &reason)
    }
    _ => error,
  })
}

/// Every order in which an attempt ends and its owner looks at it; see [`crate::net::sync`].
#[cfg(all(test, loom_model))]
mod loom_model {
  use std::net::{Ipv4Addr, TcpListener};

  use loom::{sync::mpsc, thread};

  use super::*;
  use crate::net::{
    Report,
    event::Kind,
    sync::{Mutex, lock},
  };

  struct Sink(Mutex<mpsc::Sender<Report>>);

  impl EventSink for Sink {
    fn push(&self, _id: SocketId, report: Report) {
      lock(&self.0).send(report).unwrap();
    }
  }

  fn outcome() -> (Outcome, Arc<SoFar>, mpsc::Receiver<Report>) {
    let (sender, reports) = mpsc::channel();
    let so_far = Arc::<SoFar>::default();
    let outcome = Outcome {
      sink: Arc::new(Sink(Mutex::new(sender))),
      id: 1,
      is_told: false,
      so_far: Arc::clone(&so_far),
    };
    (outcome, so_far, reports)
  }

  /// An owner whose deadline is due asks whether the attempt is done, and then waits for the report. There is one, and it is
  /// not that of a failure.
  #[test]
  fn what_is_done_is_reported_as_made_and_what_is_reported_as_made_is_done() {
    // No system call belongs into a model.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let stream = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    loom::model(move || {
      let (mut outcome, so_far, reports) = outcome();
      let stream = stream.try_clone().unwrap();
      let task = thread::spawn(move || {
        outcome.tell(Ok(Established {
          stream,
          session: None,
        }))
      });
      let was_done = so_far.is_done.load(Ordering::Acquire);
      let report = reports.recv().unwrap();
      assert!(matches!(report.0, Kind::Notice(Notice::Established(_))));
      assert!(
        so_far.is_done.load(Ordering::Acquire),
        "and was {was_done} before"
      );
      task.join().unwrap();
    });
  }

  #[test]
  fn what_failed_is_never_done_and_is_reported_once() {
    loom::model(|| {
      let (outcome, so_far, reports) = outcome();
      // As a panic does.
      let task = thread::spawn(move || drop(outcome));
      assert!(!so_far.is_done.load(Ordering::Acquire));
      assert!(matches!(
        reports.recv().unwrap().0,
        Kind::Notice(Notice::Failed(_))
      ));
      task.join().unwrap();
      assert!(!so_far.is_done.load(Ordering::Acquire));
    });
  }
}
