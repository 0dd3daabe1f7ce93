//! The first driver: a task on the runtime moves the bytes. Here is what that task and the owner's handle share, and
//! what the handle may ask for; [`connection`](super::connection) is the task.

use std::{
  collections::TryReserveError,
  io,
  sync::Arc,
  task::{Context as TaskContext, Waker},
  time::Instant,
};

use tokio_util::sync::CancellationToken;

use super::{
  Context, Ends, ErrorName, Event, EventSink, Input, SocketError, SocketId,
  activity::Activity,
  deadlines::Standing,
  debts::{Debt, Debts},
  event::Readiness,
  listener::MOST_MADE_ROOM,
  places::Places,
  recv_buffer::{End, RecvBuffer},
  room::Room,
  secured::Secured,
  send_queue::{SendQueue, copy},
  socket::{Driver, Peer},
  sync::{Mutex, lock},
  tls::{Security, TlsInfo},
  transport::Transport,
};

/// What handle and task share. Locks are held for moments only, never across I/O or an await.
pub(super) struct Shared {
  pub(super) id: SocketId,
  pub(super) sink: Arc<dyn EventSink>,
  /// Ends the task at once: the context is shutting down, or the owner aborted. See [`Shared::last_word`].
  pub(super) cancel: CancellationToken,
  /// Where closed connections are kept that owe their peers something.
  pub(super) settlers: Arc<Places>,
  debts: Arc<Debts>,
  room: Arc<Room>,
  state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
  /// It is yet to be established.
  pub(super) connecting: bool,
  /// It is established, and on its way to its owner.
  pub(super) handed_over: bool,
  /// `None` until it is established.
  pub(super) ends: Option<Ends>,
  pub(super) activity: Activity,
  pub(super) send: SendQueue,
  pub(super) recv: RecvBuffer,
  /// The owner closed: flush, send FIN, report `Closed`.
  pub(super) closing: bool,
  /// The owner does not care what becomes of what it sent.
  pub(super) abandoned: bool,
  /// From `upgrade` until the handshake is done: nothing may be read as plaintext any more.
  pub(super) upgrading: Option<Security>,
  /// Somebody has made sure that no plaintext waited to be read when TLS was to begin.
  pub(super) looked: bool,
  /// The connection, while it is a TLS one.
  pub(super) secured: Option<Secured>,
  /// What its handshake led to.
  pub(super) tls_info: Option<TlsInfo>,
  /// The task must end with this as soon as it looks.
  pub(super) failure: Option<SocketError>,
  /// The task has ended: nothing that the owner does makes a difference any more.
  pub(super) ended: bool,
  /// The owner closed, and the peer is owed what was sent.
  pub(super) debt: Option<Debt>,
  /// Wakes the task. `None` while the task is not waiting for its owner.
  pub(super) waker: Option<Waker>,
}

impl State {
  /// See [`Shared::wait_for_owner`].
  pub(super) fn wait_for_owner(&mut self, cx: &TaskContext<'_>) {
    if !self
      .waker
      .as_ref()
      .is_some_and(|waker| waker.will_wake(cx.waker()))
    {
      self.waker = Some(cx.waker().clone());
    }
  }

  /// Nothing is left to wait for but bytes.
  pub(super) fn established(&mut self) {
    self.connecting = false;
    self.activity.note();
  }

  /// The connection is established, and may be a TLS one.
  pub(super) fn note(&mut self, transport: &Transport) {
    self.established();
    self.secured = transport.secured().cloned();
    self.tls_info = self.secured.as_ref().map(Secured::info);
  }

  /// The connection, if what the owner sends now may be the next that it carries.
  fn free_to_write(&self) -> Option<Secured> {
    let free = self.send.is_empty() && self.failure.is_none() && !self.closing;
    self.secured.clone().filter(|_| free)
  }

  fn close(&mut self) {
    self.send.commit();
    self.recv.discard();
    self.closing = true;
  }

  /// The owner closed: what it sent, or still has to send, is owed to the peer.
  pub(super) fn owe(&mut self, debts: &Arc<Debts>) {
    if !self.abandoned && !self.ended && (self.send.has_sent() || !self.send.is_empty()) {
      self.debt.get_or_insert_with(|| debts.incur());
    }
  }
}

impl Shared {
  pub(super) fn new(context: &Context, id: SocketId, state: State) -> Arc<Self> {
    Arc::new(Self {
      id,
      sink: Arc::clone(context.sink()),
      cancel: context.child_token(),
      settlers: Arc::clone(context.settlers()),
      debts: Arc::clone(context.debts()),
      room: Arc::clone(context.room()),
      state: Mutex::new(state),
    })
  }

  /// Descriptors have run out: connections that linger are closed, a moment later. `false` where there is none.
  pub(super) fn make_room(&self) -> bool {
    let dropped = (0..MOST_MADE_ROOM)
      .filter(|_| self.settlers.drop_oldest())
      .count();
    self.room.ask(&*self.sink) || dropped > 0
  }

  /// What the task reports when it is cancelled.
  pub(super) fn last_word(&self) -> Event {
    let failure = self.with(|state| state.failure.take());
    failure.map_or(Event::Closed { settling: false }, Event::Failed)
  }

  /// The task waits for its owner to call: `cx` wakes it.
  pub(super) fn wait_for_owner(&self, cx: &TaskContext<'_>) {
    self.with(|state| state.wait_for_owner(cx));
  }

  pub(super) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
    f(&mut lock(&self.state))
  }

  pub(super) fn push(&self, event: Event) {
    self.sink.push(self.id, event);
  }

  fn wake(&self) {
    // Taken first: waking may run arbitrary code, which must not happen under our lock.
    let waker = self.with(|state| state.waker.take());
    if let Some(waker) = waker {
      waker.wake();
    }
  }
}

impl Shared {
  /// STARTTLS: what was staged so far goes out as it is, then comes the handshake.
  pub(super) fn upgrade(&self, security: Security) {
    self.with(|state| {
      state.send.barrier();
      state.upgrading = Some(security);
      let leftover = state.recv.leave_plaintext().map(|leftover| match leftover {
        Input::End(End::Failed(error)) => error,
        Input::End(End::Eof) => ended_before_tls(),
        _ => plaintext_after_upgrade(),
      });
      state.failure = state.failure.take().or(leftover);
    });
    self.wake();
  }
}

impl Driver for Arc<Shared> {
  fn ends(&self) -> Option<Ends> {
    self.with(|state| state.ends)
  }

  fn watch_activity(&mut self) {
    self.with(|state| state.activity.watch());
  }

  fn standing(&self) -> Standing {
    self.with(|state| match state.connecting {
      true => Standing::Connecting,
      // What only waits for the owner is no silence: the connection itself, or bytes that have arrived.
      false if state.handed_over || (!state.recv.is_empty() && !state.recv.is_suspended()) => {
        Standing::Active(Some(Instant::now()))
      }
      false => Standing::Active(state.activity.last()),
    })
  }

  /// The task has a reactor of its own.
  fn ready(&mut self, _readiness: Readiness) {}

  fn stage(&mut self, data: &[u8]) -> Result<(), TryReserveError> {
    let data = copy(data)?;
    self.with(|state| state.send.stage(data));
    Ok(())
  }

  fn flush(&mut self, mut data: &[u8], report_drained: bool) -> usize {
    // Straight from the owner's memory.
    if !data.is_empty()
      && let Some(secured) = self.with(|state| state.free_to_write())
    {
      let written = secured.try_write(data);
      data = &data[written..];
      if written > 0 {
        self.with(|state| {
          state.send.sent_past();
          state.activity.note();
        });
      }
    }
    let copied = copy(data);
    let (drained, unwritten, waiting) = self.with(|state| {
      match copied {
        Ok(data) => state.send.stage(data),
        Err(_) => state.failure = Some(no_memory(data.len())),
      }
      state.send.commit();
      let drained = report_drained && state.send.want_drain();
      let waiting = !state.send.is_empty() || state.failure.is_some();
      (drained, state.send.unwritten(), waiting)
    });
    if drained {
      self.push(Event::Drained);
    }
    if waiting {
      self.wake();
    }
    unwritten
  }

  fn unwritten(&self) -> usize {
    self.with(|state| state.send.unwritten())
  }

  fn input_waiting(&self) -> usize {
    0
  }

  fn take_input(&mut self, _memory: &mut [u8]) -> Input {
    let (input, again, wake) = self.with(|state| {
      let (input, again) = state.recv.take();
      if matches!(input, Input::Data(_)) {
        state.activity.note();
      }
      (input, again, state.recv.reader_wants_wake())
    });
    if again {
      self.push(Event::Readable);
    }
    if wake {
      self.wake();
    }
    input
  }

  fn suspend(&mut self) {
    self.with(|state| state.recv.suspend());
  }

  fn resume(&mut self) {
    if self.with(|state| state.recv.resume()) {
      self.push(Event::Readable);
    }
    self.wake();
  }

  fn close(&mut self) {
    self.with(|state| {
      state.close();
      state.owe(&self.debts);
    });
    self.wake();
  }

  fn close_immediately(&mut self) {
    let handshaking = self.with(|state| {
      state.send.clear();
      state.abandoned = true;
      state.debt = None;
      state.close();
      state.upgrading.is_some()
    });
    if handshaking {
      self.abort();
    }
    self.wake();
  }

  fn release(&mut self) {
    if !self.with(|state| state.closing) {
      self.abort();
    }
  }

  fn abort(&mut self) {
    self.cancel.cancel();
  }

  fn fail(&mut self, error: SocketError) {
    self.with(|state| state.failure = Some(error));
    self.cancel.cancel();
  }

  /// The task watches its peer itself.
  fn owed_at_close(&self) -> Option<usize> {
    None
  }

  fn panicked(&mut self) {
    self.with(|state| state.failure = Some(panicked()));
    self.wake();
  }
}

/// What is wrong with a connection on which `peeked` was found when TLS was to begin.
pub(super) fn leftover(peeked: &io::Result<usize>, peer: &Peer) -> Option<SocketError> {
  use io::ErrorKind::{Interrupted, WouldBlock};
  match peeked {
    Ok(0) => Some(ended_before_tls()),
    Ok(_) => Some(plaintext_after_upgrade()),
    Err(error) if matches!(error.kind(), WouldBlock | Interrupted) => None,
    // The kernel says it once; the handshake would find an end and no reason.
    Err(error) => Some(peer.failed("read from", error)),
  }
}

/// The peer, or somebody in between, spoke where only TLS may speak (RFC 3207 section 6, "NO STARTTLS" 2021).
pub(super) fn plaintext_after_upgrade() -> SocketError {
  SocketError::new(
    ErrorName::SecurityError,
    "plaintext arrived after the last event before upgradeToSecure(); it was discarded (STARTTLS injection?)",
  )
}

/// What the owner sent cannot be kept, so that nothing that follows would make sense.
pub(super) fn no_memory(bytes: usize) -> SocketError {
  let detail = format!("no memory for {bytes} bytes to send");
  SocketError::new(ErrorName::NetworkError, detail)
}

/// A bug of ours.
pub(super) fn panicked() -> SocketError {
  SocketError::new(
    ErrorName::NetworkError,
    "internal error: the socket's task panicked",
  )
}

/// The peer has ended its stream, so that no handshake can follow.
pub(super) fn ended_before_tls() -> SocketError {
  SocketError::new(
    ErrorName::NetworkInterruptError,
    "the peer ended the connection before TLS began",
  )
}
