//! What a socket's task tells its owner.

use std::net::TcpStream;

use super::{Accepted, SocketError};

/// Names a socket or a listener among those that share one [`EventSink`].
pub type SocketId = u32;

/// A fact, reported once and in order for each socket.
#[derive(Debug)]
pub enum Event {
  /// The connection is established; with TLS from the first byte, the peer is verified too.
  Opened,
  /// The connection is established, and the owner's thread shall move its bytes: see
  /// [`Socket::adopt`](super::Socket::adopt).
  Connected(TcpStream),
  /// [`Socket::take_input`](super::Socket::take_input) has something: bytes, or the end of them.
  Readable,
  /// Everything queued was handed to the operating system. Only reported when asked for.
  Drained,
  /// A close that the owner asked for is complete: the operating system has everything, and the order to send FIN.
  /// An owner who hears of it needs no other event.
  Closed {
    /// The peer may not have everything yet, and loses it should the process end, until `Settled` follows.
    settling: bool,
  },
  /// A closed connection needs nobody any more: the peer ended as well, has had everything for a while, or will not
  /// take it. Comes after `Closed`, also where that is not `settling`, unless the peer had ended before.
  Settled,
  /// Of the context: [`Context::run_timers`](super::Context::run_timers) is due.
  Overdue,
  /// The connection failed. The last event.
  Failed(SocketError),
  /// A listener accepted a connection.
  Accepted(Accepted),
  /// A listener had to wait for the system, and has: [`Listener::go_on`](super::Listener::go_on) is due.
  Rested,
}

/// Where events go: one ordered queue for all sockets of an owner.
pub trait EventSink: Send + Sync + 'static {
  /// Appends an event. Called from any thread; must not block and must not call back into the socket.
  fn push(&self, id: SocketId, event: Event);
}

/// What a connection waits for, or can do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
  /// Bytes, the end of them, or an error can be read.
  pub read: bool,
  /// The end can be read, perhaps behind bytes. Found together with `read`, never waited for alone.
  pub end: bool,
  /// The kernel takes bytes, or says why it does not.
  pub write: bool,
}
