//! TLS as a server.

use std::time::Duration;

use super::{Handshake, ServerTls, backend};
use crate::net::SocketError;

/// TLS as a server, ready for any number of connections.
#[derive(Debug)]
pub struct Acceptor {
  inner: backend::Acceptor,
  deadline: Duration,
}

impl Acceptor {
  /// Reads certificate and key.
  ///
  /// # Errors
  /// What is wrong with the options: the name of one and the reason, as text.
  pub fn new(options: &ServerTls) -> Result<Self, String> {
    Ok(Self {
      inner: backend::acceptor(options)?,
      deadline: options.deadline,
    })
  }
}

impl Acceptor {
  /// How long a client may take for its handshake.
  pub fn deadline(&self) -> Duration {
    self.deadline
  }
}

/// A handshake with the client at `host`, which begins with its hello.
///
/// # Errors
/// No memory. The handshake fails as a client's, after the acceptor's deadline.
pub fn handshake(host: &str, port: u16, acceptor: &Acceptor) -> Result<Handshake, SocketError> {
  let what = format!("TLS handshake with client {host} port {port}");
  let stream = backend::server(&acceptor.inner).map_err(|failure| failure.of(&what))?;
  Ok(Handshake::new(stream, what, acceptor.deadline, None, false))
}
