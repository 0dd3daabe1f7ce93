//! The handle to one connection: what its owner may do with it, whoever moves its bytes.

use std::{
  cell::RefCell,
  collections::TryReserveError,
  io,
  net::TcpStream,
  panic::{AssertUnwindSafe, catch_unwind},
  rc::Rc,
  sync::Arc,
  time::{Duration, Instant},
};

use super::{
  ConnectOptions, Context, Ends, Event, Input, SocketError, SocketId, connection,
  deadlines::{Deadlines, Standing},
  event::Readiness,
  polled::Polled,
  shared::{Shared, State},
  timers::Timed,
  tls::{self, Security, TlsInfo},
  transport::Transport,
};

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) struct Peer {
  pub(super) host: String,
  pub(super) port: u16,
}

impl Peer {
  /// What a connection failed with, while it was doing `what` ("read from", "write to").
  pub(super) fn failed(&self, what: &str, error: &io::Error) -> SocketError {
    tls::stream_error(&format!("{what} {} port {}", self.host, self.port), error)
  }
}

/// What moves the bytes of a connection. [`Socket`] has the same methods and describes them.
pub(super) trait Driver {
  fn ends(&self) -> Option<Ends>;
  /// From now on, `standing` tells when bytes moved.
  fn watch_activity(&mut self);
  fn standing(&self) -> Standing;
  fn ready(&mut self, readiness: Readiness);
  fn stage(&mut self, data: &[u8]) -> Result<(), TryReserveError>;
  fn flush(&mut self, data: &[u8], report_drained: bool) -> usize;
  fn unwritten(&self) -> usize;
  fn input_waiting(&self) -> usize;
  fn take_input(&mut self, memory: &mut [u8]) -> Input;
  fn suspend(&mut self);
  fn resume(&mut self);
  fn close(&mut self);
  fn close_immediately(&mut self);
  fn release(&mut self);
  fn abort(&mut self);
  /// The connection is over, and this is why.
  fn fail(&mut self, error: SocketError);
  /// Bytes that a close waits for, where the owner has to watch that the peer takes them.
  fn owed_at_close(&self) -> Option<usize>;
  /// One of these panicked. The socket must not just fall silent.
  fn panicked(&mut self);
}

enum Way {
  /// A task on the runtime: while connecting, with TLS, and always where there is no poll set.
  Task(Arc<Shared>),
  /// The owner's thread: plain connections, once they are established.
  Polled(Box<Polled>),
}

/// One connection, seen from its owner. Dropping it aborts the connection, unless it was closed.
pub struct Socket {
  id: SocketId,
  context: Context,
  peer: Arc<Peer>,
  way: RefCell<Way>,
  /// Most sockets have none.
  deadlines: RefCell<Option<Box<Deadlines>>>,
}

impl Socket {
  /// Starts to connect. Reports `Opened`, `Connected` or `Failed`.
  pub fn connect(context: &Context, options: ConnectOptions) -> Rc<Self> {
    let peer = Arc::new(Peer {
      host: options.host,
      port: options.port,
    });
    let id = context.next_id();
    let by_owner = context.poll_set().is_some() && options.tls.is_none();
    let way = match peer.host.parse() {
      Ok(address) if by_owner => {
        let polled = Polled::connect(context, &peer, id, address, &options.local);
        Way::Polled(Box::new(polled))
      }
      _ => {
        let state = State {
          connecting: true,
          ..State::default()
        };
        let shared = Shared::new(context, id, state);
        let (local, tls) = (options.local, options.tls);
        let task = connection::connect(Arc::clone(&shared), Arc::clone(&peer), local, tls, by_owner);
        context.spawn(task);
        Way::Task(shared)
      }
    };
    Self::of(context, id, peer, way)
  }

  /// A connection that its owner has given up before it was begun. Reports `Closed`.
  pub fn given_up(context: &Context, options: ConnectOptions) -> Rc<Self> {
    let (host, port) = (options.host, options.port);
    let (id, peer) = (context.next_id(), Arc::new(Peer { host, port }));
    let way = Way::Polled(Box::new(Polled::given_up(context, &peer, id)));
    Self::of(context, id, peer, way)
  }

  fn of(context: &Context, id: SocketId, peer: Arc<Peer>, way: Way) -> Rc<Self> {
    Rc::new(Self {
      id,
      context: context.clone(),
      peer,
      way: RefCell::new(way),
      deadlines: RefCell::default(),
    })
  }

  /// Takes over a connection that is established, such as an accepted one.
  pub(super) fn established(context: &Context, peer: Peer, stream: TcpStream) -> Rc<Self> {
    let (id, peer) = (context.next_id(), Arc::new(peer));
    let way = if context.poll_set().is_some() {
      let mut polled = Polled::new(context, &peer, id, stream, State::default());
      // Who connects mostly speaks first, and has done so by now.
      polled.announce();
      Way::Polled(Box::new(polled))
    } else {
      Way::Task(connection::spawn(context, &peer, id, stream, State::default()))
    };
    Self::of(context, id, peer, way)
  }

  /// Takes over a connection that is established and secure.
  pub(super) fn secured(context: &Context, peer: Peer, transport: Transport) -> Rc<Self> {
    let (id, peer) = (context.next_id(), Arc::new(peer));
    let way = Way::Task(connection::spawn_secured(context, &peer, id, transport));
    Self::of(context, id, peer, way)
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.id
  }

  /// The ends of the connection, once it is established. They are known for good.
  pub fn ends(&self) -> Option<Ends> {
    self.drive(None, |driver| driver.ends())
  }

  /// The connection has to be established within `most` from now on, TLS included where that comes from the first byte; else
  /// it fails with `NetworkTimeoutError`. `None` takes that back.
  pub fn connect_within(self: &Rc<Self>, most: Option<Duration>) {
    self.with_deadlines(|deadlines| deadlines.connect_within(most, Instant::now()));
  }

  /// From now on, or from when the connection is established, some bytes have to come or be written every `most`; else it fails
  /// with `NetworkTimeoutError`. `None` takes that back.
  pub fn idle_at_most(self: &Rc<Self>, most: Option<Duration>) {
    self.drive((), |driver| driver.watch_activity());
    self.with_deadlines(|deadlines| deadlines.idle_at_most(most, Instant::now()));
  }

  /// Answers `Connected`: what was connected belongs to the owner's thread from here on. Returns the event that it
  /// amounts to.
  pub fn adopt(&self, stream: TcpStream) -> Event {
    let mut way = self.way.borrow_mut();
    if let Way::Task(shared) = &*way {
      if shared.cancel.is_cancelled() {
        return shared.last_word();
      }
      let state = shared.with(std::mem::take);
      let polled = Polled::new(&self.context, &self.peer, self.id, stream, state);
      *way = Way::Polled(Box::new(polled));
    }
    Event::Opened
  }

  /// The poll set found this socket ready. Writes what waited for that; what can be read is reported as `Readable`.
  pub fn ready(&self, readiness: Readiness) {
    self.drive((), |driver| driver.ready(readiness));
  }

  /// Accepts a copy of `data` to be sent, in order, after the next [`Socket::flush`].
  ///
  /// # Errors
  /// No memory for the copy; nothing was accepted.
  pub fn stage(&self, data: &[u8]) -> Result<(), TryReserveError> {
    self.drive(Ok(()), |driver| driver.stage(data))
  }

  /// As [`Socket::stage`], and lets everything staged be written. With `report_drained`, `Drained` follows once
  /// nothing is left unwritten, which may be now. Returns what is unwritten now. Where there is no memory for it, the
  /// connection fails.
  pub fn flush(&self, data: &[u8], report_drained: bool) -> usize {
    self.drive(0, |driver| driver.flush(data, report_drained))
  }

  /// Bytes accepted and not yet handed to the operating system.
  pub fn unwritten(&self) -> usize {
    self.drive(0, |driver| driver.unwritten())
  }

  /// How many bytes of a plain connection the kernel has, for which [`Socket::take_input`] may be given memory. 0 where
  /// that is not known.
  pub fn input_waiting(&self) -> usize {
    self.drive(0, |driver| driver.input_waiting())
  }

  /// Takes what arrived, in answer to `Readable`. `memory` is where a plain connection may read to; it must not be
  /// empty.
  pub fn take_input(&self, memory: &mut [u8]) -> Input {
    self.drive(Input::None, |driver| driver.take_input(memory))
  }

  /// Stops reading from the network and delivering what was read, until [`Socket::resume`]. Writing goes on.
  pub fn suspend(&self) {
    self.drive((), |driver| driver.suspend());
  }

  /// Reads and delivers again.
  pub fn resume(&self) {
    self.drive((), |driver| driver.resume());
  }

  /// What the TLS handshake led to; `None` before it is done, and without TLS.
  pub fn tls_info(&self) -> Option<TlsInfo> {
    match &*self.way.borrow() {
      Way::Task(shared) => shared.with(|state| state.tls_info.clone()),
      Way::Polled(_) => None,
    }
  }

  /// STARTTLS: everything staged so far goes out as it is, then comes a handshake, then everything staged later goes
  /// out encrypted. No byte that the peer sent as plaintext is delivered from here on: if there is one already, or
  /// one comes, the socket fails with `SecurityError`.
  pub fn upgrade(&self, security: Security) {
    let mut way = self.way.borrow_mut();
    match &mut *way {
      Way::Task(shared) => shared.upgrade(security),
      Way::Polled(polled) => {
        if let Some(shared) = polled.upgrade(security) {
          *way = Way::Task(shared);
        }
      }
    }
  }

  /// Sends everything accepted, then FIN, then reports `Closed`. Nothing that arrives is delivered any more. A peer that
  /// does not take it, see [`progress`](super::progress), makes the socket fail with `NetworkTimeoutError`.
  pub fn close(self: &Rc<Self>) {
    self.drive((), |driver| driver.close());
    if let Some(owed) = self.drive(None, |driver| driver.owed_at_close()) {
      self.with_deadlines(|deadlines| deadlines.close(owed));
    }
  }

  /// As [`Socket::close`], but drops what was not yet written, also after a [`Socket::close`] that is not complete. A
  /// connection that is not established, or is in the middle of a TLS handshake, is abandoned.
  pub fn close_immediately(&self) {
    self.drive((), |driver| driver.close_immediately());
  }

  /// Lets what the owner has closed be finished by a task, as [`Socket::release`] does. Changes nothing about a connection
  /// that was not closed.
  pub fn finish_in_background(&self) {
    if self.drive(None, |driver| driver.owed_at_close()).is_some() {
      self.release();
    }
  }

  /// The owner has no more interest. What it closed is finished in the background; anything else is aborted.
  pub fn release(&self) {
    if let Some(deadlines) = self.deadlines.take() {
      deadlines.clear(&self.context, self.id);
    }
    self.drive((), |driver| driver.release());
  }

  /// Gives up at once: a connection attempt stops, a connection is dropped. Reports `Closed` if nothing was
  /// reported as last before.
  pub fn abort(&self) {
    self.drive((), |driver| driver.abort());
  }

  fn with_deadlines(self: &Rc<Self>, change: impl FnOnce(&mut Deadlines)) {
    let mut deadlines = self.deadlines.borrow_mut();
    let deadlines = deadlines.get_or_insert_default();
    change(deadlines);
    deadlines.set_timer(&self.context, self.id, self);
  }

  /// Gives an order. `otherwise` is the answer of a connection that panics over it, and fails.
  fn drive<T>(&self, otherwise: T, order: impl FnOnce(&mut dyn Driver) -> T) -> T {
    let mut way = self.way.borrow_mut();
    let driver: &mut dyn Driver = match &mut *way {
      Way::Task(shared) => shared,
      Way::Polled(polled) => &mut **polled,
    };
    catch_unwind(AssertUnwindSafe(|| order(driver))).unwrap_or_else(|_| {
      driver.panicked();
      otherwise
    })
  }
}

impl Timed for Socket {
  fn overdue(self: Rc<Self>, _context: &Context, now: Instant) {
    let standing = Standing::Active(None);
    let (standing, owed) = self.drive((standing, None), |driver| {
      (driver.standing(), driver.owed_at_close())
    });
    let mut missed = None;
    self.with_deadlines(|deadlines| missed = deadlines.missed(standing, owed, now));
    if let Some(missed) = missed {
      let error = missed.error(&self.peer);
      self.drive((), |driver| driver.fail(error));
    }
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
      .field("id", &self.id)
      .finish_non_exhaustive()
  }
}
