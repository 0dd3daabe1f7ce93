//! What an owner takes from a connection.

use super::SocketError;

/// The most bytes that an owner can take at once, and so the memory that it should offer. What is larger leaves the
/// processor's cache, and is slower.
pub const MOST_TAKEN: usize = 64 * 1024;

/// How the peer's bytes ended.
#[derive(Clone, Debug)]
pub enum End {
  /// FIN, and with TLS a close_notify before it.
  Eof,
  /// The connection broke.
  Failed(SocketError),
}

/// What [`Socket::take_input`](super::Socket::take_input) found.
#[derive(Debug)]
pub enum Input {
  /// Nothing to deliver now.
  None,
  /// So many bytes, more than 0, are in the memory that the owner offered.
  Filled(usize),
  /// The peer will send no more.
  End(End),
}
