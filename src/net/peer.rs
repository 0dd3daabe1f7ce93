//! Who is at the other end of a connection, for errors and for handshakes.

use std::{io, net::SocketAddr};

use super::{SocketError, tls::Failure};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Peer {
  /// As its owner named it.
  pub(super) host: String,
  pub(super) port: u16,
}

impl Peer {
  /// Its address, where its owner named that.
  pub(super) fn address(&self) -> Option<SocketAddr> {
    Some(SocketAddr::new(self.host.parse().ok()?, self.port))
  }

  /// What a connection failed with, while it was doing `what` ("read from", "write to").
  pub(super) fn failed(&self, what: &str, error: &io::Error) -> SocketError {
    SocketError::from_io(&self.doing(what), error)
  }

  /// As [`Peer::failed`], where it was TLS that failed.
  pub(super) fn tls_failed(&self, what: &str, failure: Failure) -> SocketError {
    failure.of(&self.doing(what))
  }

  fn doing(&self, what: &str) -> String {
    format!("{what} {} port {}", self.host, self.port)
  }
}
