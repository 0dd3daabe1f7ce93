//! Listening: bind at once, accept until closed, and what becomes of a connection. Who accepts it is a task
//! (`accept_loop`), or for plain connections the owner's thread (`polled_listener`).

use std::{
  cell::RefCell,
  io,
  net::SocketAddr,
  panic::{AssertUnwindSafe, catch_unwind},
  rc::Rc,
  sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
  },
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
  Context, ErrorName, Event, EventSink, ListenOptions, Socket, SocketError, SocketId, Tuning,
  accept_loop::Accepting,
  handshakes::{Handshakes, MOST_HANDSHAKES},
  places::Places,
  polled_listener::PolledListener,
  socket::Peer,
  transport::Transport,
};

/// Accepted connections that may wait for their owner. More stay in the kernel's backlog, or in their handshake.
pub const MOST_UNDELIVERED: usize = 128;

/// How many connections are dropped at a time where descriptors run out.
pub(super) const MOST_MADE_ROOM: usize = 16;

/// A connection that came in.
#[derive(Debug)]
pub struct Accepted {
  stream: Incoming,
  /// Where it came from. An IPv4 peer of a dual-stack listener has an IPv4 address.
  pub peer: SocketAddr,
  /// Lets the listener accept another one when this value is dropped.
  _credit: OwnedSemaphorePermit,
}

impl Accepted {
  /// Makes a socket of it, which is open from the start.
  pub fn into_socket(self, context: &Context) -> Rc<Socket> {
    let peer = Peer {
      host: self.peer.ip().to_string(),
      port: self.peer.port(),
    };
    match self.stream {
      Incoming::Plain(stream) => Socket::established(context, peer, stream),
      Incoming::Secure(transport) => Socket::secured(context, peer, transport),
    }
  }
}

#[derive(Debug)]
pub(super) enum Incoming {
  Plain(std::net::TcpStream),
  /// After its handshake.
  Secure(Transport),
}

#[derive(Debug)]
enum Way {
  Task(Accepting),
  Polled(RefCell<PolledListener>),
}

/// A listening socket, seen from its owner. Dropping it closes it.
#[derive(Debug)]
pub struct Listener {
  id: SocketId,
  local: SocketAddr,
  way: Way,
  failed_handshakes: Arc<AtomicU32>,
}

impl Listener {
  /// Binds and listens before it returns. Reports `Accepted` for each connection, and `Failed` should listening end
  /// by itself.
  ///
  /// # Errors
  /// The system's own: address in use, permission denied, address not available, too many open files, …
  pub fn bind(context: &Context, options: ListenOptions) -> io::Result<Self> {
    let listener = listen(&options)?;
    let local = listener.local_addr()?;
    let id = context.next_id();
    let failed_handshakes = Arc::<AtomicU32>::default();
    let handshakes = options
      .tls
      .map(|acceptor| Handshakes::new(acceptor, context.child_token(), Arc::clone(&failed_handshakes)));
    let delivery = Delivery {
      id,
      tuning: options.tuning,
      sink: Arc::clone(context.sink()),
      handshakes,
      credits: Arc::new(Semaphore::new(MOST_UNDELIVERED)),
      secure_credits: Arc::new(Semaphore::new(MOST_HANDSHAKES)),
      settlers: Arc::clone(context.settlers()),
    };
    let way = match context.poll_set() {
      Some(set) => Way::Polled(RefCell::new(PolledListener::new(
        context, set, delivery, listener,
      )?)),
      None => Way::Task(Accepting::start(context, delivery, listener)?),
    };
    Ok(Self {
      id,
      local,
      way,
      failed_handshakes,
    })
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.id
  }

  /// The address it listens at, with the real port.
  pub fn local_addr(&self) -> SocketAddr {
    self.local
  }

  /// Connections that were dropped because their TLS handshake failed, took too long, or had to make room.
  pub fn failed_handshakes(&self) -> u32 {
    self.failed_handshakes.load(Ordering::Relaxed)
  }

  /// The poll set found this listener ready: accepts.
  pub fn ready(&self) {
    self.drive(PolledListener::ready);
  }

  /// Answers `Rested`.
  pub fn go_on(&self) {
    self.drive(PolledListener::go_on);
  }

  /// Stops listening, without waiting for anything. When this returns the port is free, and connections that were not
  /// delivered are dropped with their events. Accepted sockets are not affected.
  pub fn close(&self) {
    match &self.way {
      Way::Task(accepting) => accepting.close(),
      Way::Polled(polled) => polled.borrow_mut().close(),
    }
  }

  /// As [`Listener::close`], but a task may take until the end of its context to do so.
  pub fn abort(&self) {
    match &self.way {
      Way::Task(accepting) => accepting.cancel(),
      Way::Polled(polled) => polled.borrow_mut().close(),
    }
  }

  /// Gives an order. A listener that panics over it fails.
  fn drive(&self, order: impl FnOnce(&mut PolledListener)) {
    let Way::Polled(polled) = &self.way else { return };
    let mut polled = polled.borrow_mut();
    if catch_unwind(AssertUnwindSafe(|| order(&mut polled))).is_err() {
      polled.panicked();
    }
  }
}

pub(super) fn listen(options: &ListenOptions) -> io::Result<std::net::TcpListener> {
  let address = SocketAddr::new(options.address, options.port);
  let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
  // On Unix: listen again on a port whose old connections linger. On Windows it would mean stealing the port.
  #[cfg(unix)]
  socket.set_reuse_address(options.reuse_address)?;
  if options.reuse_port {
    share_port(&socket)?;
  }
  if address.is_ipv6() {
    socket.set_only_v6(options.ipv6_only)?;
  }
  socket.set_nonblocking(true)?;
  // What is accepted inherits it on Linux, from the moment that it is connected: so before it can be.
  options.tuning.apply(&socket)?;
  socket.bind(&address.into())?;
  socket.listen(options.backlog)?;
  Ok(socket.into())
}

/// Connections are spread over all that listen there. The systems that are left out have an option of that name with another
/// meaning, or none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn share_port(socket: &RawSocket) -> io::Result<()> {
  socket.set_reuse_port(true)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn share_port(_socket: &RawSocket) -> io::Result<()> {
  Err(io::ErrorKind::Unsupported.into())
}

/// Where accepted connections go. Clones are the same.
#[derive(Clone)]
pub(super) struct Delivery {
  pub(super) id: SocketId,
  pub(super) tuning: Tuning,
  sink: Arc<dyn EventSink>,
  /// Where connections begin with TLS.
  pub(super) handshakes: Option<Handshakes>,
  /// For connections that wait for their owner.
  credits: Arc<Semaphore>,
  /// The same for those whose handshake is done.
  secure_credits: Arc<Semaphore>,
  /// The tasks of the context that only wait for peers to end.
  settlers: Arc<Places>,
}

impl Delivery {
  pub(super) fn push(&self, event: Event) {
    self.sink.push(self.id, event);
  }

  /// Leave to deliver a connection, as soon as there is some. The semaphore is never closed.
  pub(super) async fn credit(&self) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&self.credits).acquire_owned().await.ok()
  }

  /// Leave to deliver a connection whose handshake is done. There is none where as many as may be in their handshake wait
  /// already.
  pub(super) fn secure_credit(&self) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&self.secure_credits).try_acquire_owned().ok()
  }

  /// Leave to deliver a connection now.
  pub(super) fn try_credit(&self) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&self.credits).try_acquire_owned().ok()
  }

  pub(super) fn deliver(&self, stream: Incoming, from: SocketAddr, credit: OwnedSemaphorePermit) {
    self.push(Event::Accepted(Accepted {
      stream,
      peer: SocketAddr::new(from.ip().to_canonical(), from.port()),
      _credit: credit,
    }));
  }

  /// Descriptors have run out: closes connections that only wait for strangers, first those that were closed here, longest
  /// ago, then handshakes, the most silent. Tasks do that, a moment later. `false` where there is none.
  pub(super) fn make_room(&self) -> bool {
    let handshakes = self.handshakes.as_ref();
    let drop_one =
      |_: &usize| self.settlers.drop_oldest() || handshakes.is_some_and(Handshakes::drop_most_silent);
    (0..MOST_MADE_ROOM).take_while(drop_one).count() > 0
  }
}

impl std::fmt::Debug for Delivery {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct("Delivery")
      .field("id", &self.id)
      .finish_non_exhaustive()
  }
}

/// A bug of ours.
pub(super) fn panicked() -> SocketError {
  SocketError::new(ErrorName::NetworkError, "internal error: the listener panicked")
}
