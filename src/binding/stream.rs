//! What a [`TcpSocket`] can do that is used as a stream: its directions end and fail each for itself, and it is read on demand. Faces that
//! have streams ask for it with `asStream()`; the facade of Firefox OS never does.

use napi_derive::napi;

use super::socket::TcpSocket;

#[napi]
impl TcpSocket {
  /// From now on nothing is read but what `pull` of `EventChannel.outbound` asks for, one `Data` or `Ended` for each, and the directions
  /// are told apart: `ShutDown`, `PeerEnded`, `ReadFailed`, `WriteFailed`, `Secured`. To be called before any event.
  #[napi(catch_unwind)]
  pub fn as_stream(&self) {
    crate::fault::point("asStream");
    self.lease.read_on_demand();
    self.socket.keep_directions_apart();
    self.socket.suspend();
  }

  /// Sends what was accepted, then FIN. `ShutDown` follows. Reading goes on.
  #[napi(catch_unwind)]
  pub fn shutdown(&self) {
    crate::fault::point("shutdown");
    self.socket.shutdown();
  }

  /// As `shutdown`, without what was not yet written.
  #[napi(catch_unwind)]
  pub fn shutdown_immediately(&self) {
    crate::fault::point("shutdownImmediately");
    self.socket.shutdown_immediately();
  }

  /// What comes from now on is dropped, so that the peer is not held up. `PeerEnded` tells when it has ended.
  #[napi(catch_unwind)]
  pub fn discard_input(&self) {
    crate::fault::point("discardInput");
    self.lease.wants_nothing();
    self.socket.discard_input();
  }

  /// Closes with RST. `Closed` follows.
  #[napi(catch_unwind)]
  pub fn reset(&self) {
    crate::fault::point("reset");
    self.socket.reset();
  }

  /// Whether bytes wait that nobody has taken; with TLS, records of which nobody knows what is in them.
  #[napi(catch_unwind)]
  pub fn has_unread(&self) -> bool {
    crate::fault::point("hasUnread");
    self.socket.has_unread()
  }
}
