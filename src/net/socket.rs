//! The handle to one connection: what its owner may do with it, and the state it shares with its task.

use std::{
  net::SocketAddr,
  sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
  },
  task::Waker,
};

use bytes::Bytes;
use tokio::{net::TcpStream, runtime::Handle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
  ConnectOptions, ErrorName, Event, EventSink, Input, SocketError, SocketId, TlsOptions, connection,
  recv_buffer::{End, RecvBuffer},
  send_queue::SendQueue,
  sync::lock,
};

/// What all sockets and listeners of one owner have in common.
#[derive(Clone)]
pub struct Context {
  runtime: Handle,
  sink: Arc<dyn EventSink>,
  cancel: CancellationToken,
  tasks: TaskTracker,
  next_id: Arc<AtomicU32>,
}

impl Context {
  /// A context whose tasks run on `runtime` and report to `sink`.
  pub fn new(runtime: Handle, sink: Arc<dyn EventSink>) -> Self {
    Self {
      runtime,
      sink,
      cancel: CancellationToken::new(),
      tasks: TaskTracker::new(),
      next_id: Arc::new(AtomicU32::new(1)),
    }
  }

  /// Ends every socket and listener of this context at once, queued bytes and all.
  pub fn shut_down(&self) {
    self.cancel.cancel();
    self.tasks.close();
  }

  /// Completes when, after [`Context::shut_down`], every descriptor of this context is closed.
  pub async fn ended(&self) {
    self.tasks.wait().await;
  }

  /// How many tasks are alive: one for each connection and each listener.
  pub fn live_tasks(&self) -> usize {
    self.tasks.len()
  }

  pub(super) fn runtime(&self) -> &Handle {
    &self.runtime
  }

  pub(super) fn sink(&self) -> &Arc<dyn EventSink> {
    &self.sink
  }

  pub(super) fn child_token(&self) -> CancellationToken {
    self.cancel.child_token()
  }

  pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
    self.tasks.spawn_on(task, &self.runtime);
  }

  /// Ids are not reused before four thousand million sockets have passed.
  pub(super) fn next_id(&self) -> SocketId {
    self.next_id.fetch_add(1, Ordering::Relaxed)
  }
}

/// Who is at the other end, and how to secure the way there.
#[derive(Clone, Debug)]
pub(super) struct Peer {
  pub(super) host: String,
  pub(super) port: u16,
  pub(super) tls: TlsOptions,
}

/// What handle and task share. Locks are held for moments only, never across I/O or an await.
pub(super) struct Shared {
  pub(super) id: SocketId,
  pub(super) sink: Arc<dyn EventSink>,
  /// Ends the task at once: the context is shutting down, or the owner aborted.
  pub(super) cancel: CancellationToken,
  state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
  pub(super) send: SendQueue,
  pub(super) recv: RecvBuffer,
  /// The owner closed: flush, send FIN, report `Closed`.
  pub(super) closing: bool,
  /// From `upgrade` until the handshake is done: nothing may be read as plaintext any more.
  pub(super) upgrading: bool,
  /// The task must fail with this as soon as it looks.
  pub(super) failure: Option<SocketError>,
  /// Wakes the task. `None` while the task is not waiting for its owner.
  pub(super) waker: Option<Waker>,
}

impl Shared {
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

/// One connection, seen from its owner. Dropping it aborts the connection, unless it was closed.
pub struct Socket {
  shared: Arc<Shared>,
}

impl Socket {
  /// Starts to connect. Reports `Opened` or `Failed`.
  pub fn connect(context: &Context, options: ConnectOptions) -> Self {
    let (socket, shared) = Self::new(context);
    let peer = Peer {
      host: options.host,
      port: options.port,
      tls: options.tls,
    };
    context.spawn(connection::connect(shared, peer, options.secure));
    socket
  }

  /// Takes over an accepted connection, which is open from the start.
  pub(super) fn accepted(context: &Context, stream: TcpStream, address: SocketAddr) -> Self {
    let (socket, shared) = Self::new(context);
    let peer = Peer {
      host: address.ip().to_string(),
      port: address.port(),
      tls: TlsOptions::default(),
    };
    context.spawn(connection::serve(shared, peer, stream));
    socket
  }

  fn new(context: &Context) -> (Self, Arc<Shared>) {
    let shared = Arc::new(Shared {
      id: context.next_id(),
      sink: Arc::clone(context.sink()),
      cancel: context.child_token(),
      state: Mutex::default(),
    });
    (
      Self {
        shared: Arc::clone(&shared),
      },
      shared,
    )
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.shared.id
  }

  /// Accepts `data` to be sent, in order, after the next [`Socket::flush`].
  pub fn stage(&self, data: Bytes) {
    self.shared.with(|state| state.send.stage(data));
  }

  /// Lets everything staged be written. With `report_drained`, `Drained` follows once nothing is left unwritten,
  /// which may be now.
  pub fn flush(&self, report_drained: bool) {
    let drained = self.shared.with(|state| {
      state.send.commit();
      report_drained && state.send.want_drain()
    });
    if drained {
      self.shared.push(Event::Drained);
    }
    self.shared.wake();
  }

  /// Bytes accepted and not yet handed to the operating system.
  pub fn unwritten(&self) -> usize {
    self.shared.with(|state| state.send.unwritten())
  }

  /// Takes what arrived, in answer to `Readable`.
  pub fn take_input(&self) -> Input {
    let (input, again, wake) = self.shared.with(|state| {
      let (input, again) = state.recv.take();
      (input, again, state.recv.reader_wants_wake())
    });
    if again {
      self.shared.push(Event::Readable);
    }
    if wake {
      self.shared.wake();
    }
    input
  }

  /// Stops reading from the network and delivering what was read, until [`Socket::resume`]. Writing goes on.
  pub fn suspend(&self) {
    self.shared.with(|state| state.recv.suspend());
  }

  /// Reads and delivers again.
  pub fn resume(&self) {
    if self.shared.with(|state| state.recv.resume()) {
      self.shared.push(Event::Readable);
    }
    self.shared.wake();
  }

  /// STARTTLS: everything staged so far goes out as it is, then comes a handshake, then everything staged later goes
  /// out encrypted. No byte that the peer sent as plaintext is delivered from here on: if there is one already, or
  /// one comes, the socket fails with `SecurityError`.
  pub fn upgrade(&self) {
    self.shared.with(|state| {
      state.send.barrier();
      state.upgrading = true;
      state.failure = state.recv.leave_plaintext().map(|leftover| match leftover {
        Input::End(End::Failed(error)) => error,
        Input::End(End::Eof) => SocketError::new(
          ErrorName::NetworkInterruptError,
          "the peer ended the connection before TLS began",
        ),
        _ => plaintext_after_upgrade(),
      });
    });
    self.shared.wake();
  }

  /// Sends everything accepted, then FIN, then reports `Closed`. Nothing that arrives is delivered any more.
  pub fn close(&self) {
    self.shared.with(|state| {
      state.send.commit();
      state.recv.discard();
      state.closing = true;
    });
    self.shared.wake();
  }

  /// As [`Socket::close`], but drops what was not yet written. A connection that is not established, or is in the
  /// middle of a TLS handshake, is abandoned.
  pub fn close_immediately(&self) {
    let handshaking = self.shared.with(|state| {
      state.send.clear();
      state.upgrading
    });
    if handshaking {
      self.abort();
    }
    self.close();
  }

  /// The owner has no more interest. What it closed is finished in the background; anything else is aborted.
  pub fn release(&self) {
    if !self.shared.with(|state| state.closing) {
      self.abort();
    }
  }

  /// Gives up at once: a connection attempt stops, a connection is dropped. Reports `Closed` if nothing was
  /// reported as last before.
  pub fn abort(&self) {
    self.shared.cancel.cancel();
  }
}

impl Drop for Socket {
  fn drop(&mut self) {
    self.release();
  }
}

impl std::fmt::Debug for Socket {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct("Socket")
      .field("id", &self.shared.id)
      .finish_non_exhaustive()
  }
}

/// The peer, or somebody in between, spoke where only TLS may speak (RFC 3207 section 6, "NO STARTTLS" 2021).
pub(super) fn plaintext_after_upgrade() -> SocketError {
  SocketError::new(
    ErrorName::SecurityError,
    "plaintext arrived after the last event before upgradeToSecure(); it was discarded (STARTTLS injection?)",
  )
}
