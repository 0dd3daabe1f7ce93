//! What the engine tells its owner, and what its tasks tell the owner's thread.

use std::net::{SocketAddr, TcpStream};

use super::{SocketError, credit::Credit, readiness::interest::Ready, tls::Session};

/// Names a socket or a listener among those that share one [`EventSink`].
pub type SocketId = u32;

/// What is kept for sockets and listeners. Each message takes some lookups, and ids are counted here, so that nobody can choose ones that
/// collide: the hash need not be one that withstands that.
pub type ById<T> = rustc_hash::FxHashMap<SocketId, T>;

/// Whose reports are for the engine as a whole; no socket has this id.
pub(super) const NOBODY: SocketId = 0;

/// A fact, told once, and in order for each socket.
#[derive(Debug)]
pub enum Event {
  /// The connection is established; with TLS from the first byte, the peer is verified too. Of a datagram socket: it is connected.
  Opened,
  /// [`Socket::take_input`](super::Socket::take_input) has something: bytes, or the end of them. Of a datagram socket,
  /// [`DatagramSocket::take`](super::DatagramSocket::take) may have something.
  Readable,
  /// Everything queued was handed to the operating system. Only told when asked for. Of a datagram socket: one datagram that had to wait.
  Drained,
  /// A close that the owner asked for is complete: the operating system has everything, and the order to send FIN.
  /// An owner who hears of it needs no other event.
  Closed {
    /// The peer may not have everything yet, and loses it should the process end, until `Settled` follows.
    settling: bool,
  },
  /// What [`Socket::shutdown`](super::Socket::shutdown) asked for is done: the operating system has everything, and the order to
  /// send FIN. Input still comes.
  ShutDown,
  /// The peer ended its stream, perhaps behind bytes that nobody has taken. Only where
  /// [directions are apart](super::Socket::keep_directions_apart), and nobody was reading.
  PeerEnded,
  /// What [`Socket::upgrade`](super::Socket::upgrade) asked for is done. Only where
  /// [directions are apart](super::Socket::keep_directions_apart).
  Secured,
  /// Nothing can be written any more. What has come can still be taken, and what comes. Only where
  /// [directions are apart](super::Socket::keep_directions_apart). Of a datagram socket: one datagram was not sent.
  WriteFailed(SocketError),
  /// Receiving has met an error, and goes on. Only of a datagram socket that [tells](super::DatagramSocket::tell_of_each) of each datagram
  /// and has a peer.
  ReadFailed(SocketError),
  /// A closed connection needs nobody any more: the peer ended as well, has had everything for a while, or will not
  /// take it. Comes after a `Closed` that is `settling`.
  Settled,
  /// The connection failed. The last event.
  Failed(SocketError),
  /// A listener accepted a connection.
  Accepted(Accepted),
}

/// A connection that came in. [`Socket::accepted`](super::Socket::accepted) makes a socket of it.
#[derive(Debug)]
pub struct Accepted {
  /// Where it came from. An IPv4 peer of a dual-stack listener has an IPv4 address.
  pub peer: SocketAddr,
  pub(super) established: Established,
  /// Lets the listener accept another one when this value is dropped, where that is not asked for each.
  _credit: Option<Credit>,
}

impl Accepted {
  pub(super) fn new(established: Established, from: SocketAddr, credit: Option<Credit>) -> Self {
    Self {
      peer: SocketAddr::new(from.ip().to_canonical(), from.port()),
      established,
      _credit: credit,
    }
  }
}

/// A connection as the task that made it leaves it to its owner.
#[derive(Debug)]
pub(super) struct Established {
  pub(super) stream: TcpStream,
  /// With TLS, after the handshake.
  pub(super) session: Option<Box<Session>>,
}

/// What tasks, and the engine itself, have to say to the owner's thread.
#[derive(Debug)]
pub(super) enum Notice {
  /// A descriptor is ready.
  Ready(Ready),
  /// A connection was made, or secured.
  Established(Established),
  /// A task failed.
  Failed(SocketError),
  /// A listener had to wait, for the system or for its owner, and has.
  MayAccept,
  /// A name that datagrams are for was looked up.
  LookedUp(Result<Vec<SocketAddr>, SocketError>),
  /// A timer is due.
  TimerDue,
  /// Descriptors have run out.
  MakeRoom,
  /// Some connections that can write have not had their turn.
  MayWrite,
}

/// What is in an owner's queue. [`Context::answer`](super::Context::answer) tells what it amounts to.
#[derive(Debug)]
pub struct Report(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
  Event(Event),
  Notice(Notice),
}

#[cfg(all(test, loom_model))]
impl Report {
  /// For models.
  pub(crate) fn is_accepted(&self) -> bool {
    matches!(self.0, Kind::Event(Event::Accepted(_)))
  }
}

impl From<Event> for Report {
  fn from(event: Event) -> Self {
    Self(Kind::Event(event))
  }
}

impl From<Notice> for Report {
  fn from(notice: Notice) -> Self {
    Self(Kind::Notice(notice))
  }
}

/// Where reports go: one ordered queue for all sockets of an owner.
pub trait EventSink: Send + Sync + 'static {
  /// Appends a report. Called from any thread; must not block and must not call back into the socket.
  fn push(&self, id: SocketId, report: Report);
}

/// For models: a listener that has leave for `most` connections. What it returns makes the report of one, or `None` where there is
/// no leave; then `tell` is called when there is again.
#[cfg(all(test, loom_model))]
pub(crate) fn listener_with_leave(
  most: usize,
  tell: impl Fn() + Send + Sync + 'static,
) -> impl Fn(TcpStream) -> Option<Report> {
  let credits = super::credit::Credits::new(most, tell);
  move |stream| {
    let established = Established {
      stream,
      session: None,
    };
    let from = SocketAddr::from(([127, 0, 0, 1], 1));
    let accepted = Accepted::new(established, from, Some(credits.take()?));
    Some(Event::Accepted(accepted).into())
  }
}
