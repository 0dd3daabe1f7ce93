//! The handle to one connection: what its owner may ask for.

use std::{
  cell::RefCell,
  collections::TryReserveError,
  panic::{AssertUnwindSafe, catch_unwind},
  rc::{Rc, Weak},
  sync::Arc,
  time::{Duration, Instant},
};

use super::state::Connection;
use crate::net::{
  Accepted, ConnectOptions, Context, Ends, KeepAlive, SocketId,
  context::Member,
  event::Notice,
  input::Input,
  peer::Peer,
  policy::deadlines::{Deadlines, Standing},
  readiness::Ready,
  timers::{Timed, Timer},
  tls::{SavedSession, Security, TlsInfo},
};

/// One connection, seen from its owner. Dropping it aborts the connection, unless it was closed.
pub struct Socket {
  id: SocketId,
  context: Context,
  peer: Arc<Peer>,
  connection: RefCell<Connection>,
  /// Most sockets have none.
  deadlines: RefCell<Option<Box<Deadlines>>>,
  timer: Timer,
}

impl Socket {
  /// Starts to connect. Tells `Opened` or `Failed`.
  pub fn connect(context: &Context, options: ConnectOptions) -> Rc<Self> {
    let peer = Arc::new(Peer {
      host: options.host.clone(),
      port: options.port,
    });
    let id = context.next_id();
    let connection = Connection::connect(context, &peer, id, options);
    Self::of(context, id, peer, connection)
  }

  /// A connection that its owner has given up before it was begun. Tells `Closed`.
  pub fn given_up(context: &Context, options: ConnectOptions) -> Rc<Self> {
    let (host, port) = (options.host, options.port);
    let (id, peer) = (context.next_id(), Arc::new(Peer { host, port }));
    let connection = Connection::given_up(context, &peer, id);
    Self::of(context, id, peer, connection)
  }

  /// Takes over what a listener accepted, which is open from the start.
  pub fn accepted(context: &Context, accepted: Accepted) -> Rc<Self> {
    let Accepted {
      peer, established, ..
    } = accepted;
    let peer = Arc::new(Peer {
      host: peer.ip().to_string(),
      port: peer.port(),
    });
    let id = context.next_id();
    let connection = Connection::established(context, &peer, id, established);
    Self::of(context, id, peer, connection)
  }

  fn of(context: &Context, id: SocketId, peer: Arc<Peer>, connection: Connection) -> Rc<Self> {
    let socket = Rc::new(Self {
      id,
      context: context.clone(),
      peer,
      connection: RefCell::new(connection),
      deadlines: RefCell::default(),
      timer: Timer::default(),
    });
    let member: Weak<Self> = Rc::downgrade(&socket);
    context.add(id, member);
    socket
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.id
  }

  /// The ends of the connection, once it is established. They are known for good.
  pub fn ends(&self) -> Option<Ends> {
    self.drive(None, |connection| connection.ends())
  }

  /// The connection has to be established within `most` from now on, TLS included where that comes from the first byte; else
  /// it fails with `NetworkTimeoutError`. `None` takes that back.
  pub fn connect_within(self: &Rc<Self>, most: Option<Duration>) {
    self.with_deadlines(|deadlines| deadlines.connect_within(most, Instant::now()));
  }

  /// From now on, or from when the connection is established, some bytes have to come or be written every `most`; else it fails
  /// with `NetworkTimeoutError`. `None` takes that back.
  pub fn idle_at_most(self: &Rc<Self>, most: Option<Duration>) {
    self.drive((), |connection| connection.activity.watch());
    self.with_deadlines(|deadlines| deadlines.idle_at_most(most, Instant::now()));
  }

  /// TCP_NODELAY, as in [`Tuning`](crate::net::Tuning). `false` where it was not set: the connection is not established, is in the
  /// middle of a TLS handshake, or is over; or the system refuses it.
  pub fn set_no_delay(&self, no_delay: bool) -> bool {
    self.drive(false, |connection| {
      let stream = connection.stream();
      stream.is_some_and(|stream| stream.socket().set_tcp_nodelay(no_delay).is_ok())
    })
  }

  /// SO_KEEPALIVE and what belongs to it; `None` switches it off. `false` as from [`Socket::set_no_delay`].
  pub fn set_keep_alive(&self, keep_alive: Option<KeepAlive>) -> bool {
    self.drive(false, |connection| {
      let stream = connection.stream();
      stream.is_some_and(|stream| match keep_alive {
        Some(keep_alive) => keep_alive.apply(&stream.socket()).is_ok(),
        None => stream.socket().set_keepalive(false).is_ok(),
      })
    })
  }

  /// Accepts a copy of `data` to be sent, in order, after the next [`Socket::flush`].
  ///
  /// # Errors
  /// No memory for the copy; nothing was accepted.
  pub fn stage(&self, data: &[u8]) -> Result<(), TryReserveError> {
    self.drive(Ok(()), |connection| connection.stage(data))
  }

  /// As [`Socket::stage`], and lets everything staged be written. With `report_drained`, `Drained` follows once
  /// nothing is left unwritten, which may be now. Returns what is unwritten now. Where there is no memory for it, the
  /// connection fails.
  pub fn flush(&self, data: &[u8], report_drained: bool) -> usize {
    self.drive(0, |connection| connection.flush(data, report_drained))
  }

  /// Bytes accepted and not yet handed to the operating system.
  pub fn unwritten(&self) -> usize {
    self.drive(0, |connection| connection.send.unwritten())
  }

  /// How many bytes of a plain connection the kernel has, for which [`Socket::take_input`] may be given memory. 0 where
  /// that is not known.
  pub fn input_waiting(&self) -> usize {
    self.drive(0, |connection| connection.input_waiting())
  }

  /// Takes what arrived, in answer to `Readable`, into `memory`, which must not be empty, and should have room for
  /// [`MOST_TAKEN`](crate::net::input::MOST_TAKEN) bytes.
  pub fn take_input(&self, memory: &mut [u8]) -> Input {
    self.drive(Input::None, |connection| connection.take_input(memory))
  }

  /// Whether bytes wait that nobody has taken: here, or in the kernel, where with TLS they are its records.
  pub fn has_unread(&self) -> bool {
    self.drive(false, |connection| connection.has_unread())
  }

  /// Whether what is staged now may still leave: nobody has ended our side, and it has not failed.
  pub fn accepts_output(&self) -> bool {
    self.connection.borrow().accepts_output()
  }

  /// Whether the last event was told, perhaps in place of input.
  pub fn has_ended(&self) -> bool {
    self.connection.borrow().is_over()
  }

  /// Stops reading from the network and delivering what was read, until [`Socket::resume`]. Writing goes on.
  pub fn suspend(&self) {
    self.drive((), |connection| connection.suspend());
  }

  /// Reads and delivers again.
  pub fn resume(&self) {
    self.drive((), |connection| connection.resume());
  }

  /// What the TLS handshake led to; `None` before it is done, and without TLS.
  pub fn tls_info(&self) -> Option<TlsInfo> {
    self.drive(None, |connection| connection.tls_info())
  }

  /// What other connections to the same server may take up; `None` before the handshake is done, without TLS, on a server, and
  /// where the backend does not tell.
  pub fn saved_session(&self) -> Option<SavedSession> {
    self.drive(None, |connection| connection.saved_session())
  }

  /// STARTTLS: everything staged so far goes out as it is, then comes a handshake, then everything staged later goes
  /// out encrypted. No byte that the peer sent as plaintext is delivered from here on: if there is one already, or
  /// one comes, the socket fails with `SecurityError`.
  pub fn upgrade(&self, security: Security) {
    self.drive((), |connection| connection.upgrade(security));
  }

  /// Sends everything accepted, then FIN, then tells `Closed`. Nothing that arrives is delivered any more. A peer that
  /// does not take it, see [`progress`](crate::net::policy::progress), makes the socket fail with `NetworkTimeoutError`.
  pub fn close(self: &Rc<Self>) {
    self.drive((), Connection::close);
    if let Some(owed) = self.drive(None, |connection| connection.owed_at_close()) {
      self.context.keep(self.id, Rc::clone(self) as Rc<dyn Member>);
      self.with_deadlines(|deadlines| deadlines.close(owed));
    }
  }

  /// As [`Socket::close`], but drops what was not yet written, also after a [`Socket::close`] that is not complete. A
  /// connection that is not established, or is in the middle of a TLS handshake, is abandoned.
  pub fn close_immediately(&self) {
    self.drive((), |connection| connection.close_immediately());
  }

  /// Sends everything accepted, then FIN (with TLS a close_notify before it), then tells `ShutDown`. Reading goes on. Nothing is
  /// accepted any more.
  ///
  /// With TLS on Windows and on Apple's systems reading does not go on: SChannel and Secure Transport read nothing after their own
  /// close_notify. What the peer sends from then on is dropped, so that it is never held up, and so is the end of its TLS.
  /// When it ends TCP, the input ends with `NetworkInterruptError`, because data may be missing. An owner who needs the answer
  /// reads it first, and shuts down afterwards.
  pub fn shutdown(&self) {
    self.drive((), Connection::shutdown);
  }

  /// As [`Socket::shutdown`], but drops what was not yet written.
  pub fn shutdown_immediately(&self) {
    self.drive((), Connection::shutdown_immediately);
  }

  /// From now on input is read and dropped, so that the peer is not held up. Writing goes on.
  pub fn discard_input(&self) {
    self.drive((), Connection::discard_input);
  }

  /// From now on the two directions fail and end each for itself: the owner is told `WriteFailed`, and of the peer's end
  /// (`PeerEnded`) and of a reset also while nobody reads.
  pub fn keep_directions_apart(&self) {
    self.drive((), |connection| {
      connection.is_apart = true;
      connection.watch();
    });
  }

  /// As [`Socket::abort`], but the peer learns of it by RST, also where there is nothing that it has sent and nobody took.
  pub fn reset(&self) {
    self.drive((), Connection::reset);
  }

  /// The owner has no more interest. What it closed goes on; anything else is aborted, and tells nothing.
  pub fn release(&self) {
    if let Some(deadlines) = &mut *self.deadlines.borrow_mut() {
      // What was closed is still to be taken in time.
      deadlines.connect_within(None, Instant::now());
      deadlines.idle_at_most(None, Instant::now());
    }
    self.drive((), Connection::release);
  }

  /// Gives up at once: a connection attempt stops, a connection is dropped. Tells `Closed` if nothing was
  /// told as last before.
  pub fn abort(&self) {
    self.drive((), Connection::abort);
  }

  fn with_deadlines(self: &Rc<Self>, change: impl FnOnce(&mut Deadlines)) {
    let mut deadlines = self.deadlines.borrow_mut();
    let deadlines = deadlines.get_or_insert_default();
    change(deadlines);
    self
      .timer
      .set(self.context.timers(), self.id, self, deadlines.next());
  }

  /// Gives an order. `otherwise` is the answer of a connection that panics over it, and fails.
  fn drive<T>(&self, otherwise: T, order: impl FnOnce(&mut Connection) -> T) -> T {
    let mut connection = self.connection.borrow_mut();
    let answer = catch_unwind(AssertUnwindSafe(|| order(&mut connection))).unwrap_or_else(|_| {
      connection.panicked();
      otherwise
    });
    let is_over = connection.is_over();
    drop(connection);
    if is_over {
      self.timer.clear(self.context.timers(), self.id);
      // Not the last of its kind: whoever called has one.
      self.context.let_go(self.id);
    }
    answer
  }
}

impl Member for Socket {
  fn ready(&self, ready: Ready) -> bool {
    self.drive(false, |connection| connection.ready(ready))
  }

  fn write(&self) {
    self.drive((), Connection::write);
  }

  fn notice(&self, notice: Notice) {
    self.drive((), |connection| connection.notice(notice));
  }

  fn abort(&self) {
    self.abort();
  }

  fn is_over(&self) -> bool {
    self.connection.borrow().is_over()
  }
}

impl Timed for Socket {
  fn overdue(self: Rc<Self>, now: Instant) {
    if self.is_over() {
      return;
    }
    let standing = Standing::Active(None);
    let (standing, owed) = self.drive((standing, None), |connection| {
      (connection.standing(), connection.owed_at_close())
    });
    // Looking may have found it broken.
    if self.is_over() {
      return;
    }
    let mut missed = None;
    self.with_deadlines(|deadlines| missed = deadlines.missed(standing, owed, now));
    if let Some(missed) = missed {
      let error = missed.error(&self.peer);
      self.drive((), |connection| connection.fail(error));
    }
  }
}

impl Drop for Socket {
  fn drop(&mut self) {
    self.release();
    self.timer.clear(self.context.timers(), self.id);
    self.context.remove(self.id);
  }
}

impl std::fmt::Debug for Socket {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct("Socket")
      .field("id", &self.id)
      .finish_non_exhaustive()
  }
}
