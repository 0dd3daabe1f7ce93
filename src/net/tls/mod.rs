//! TLS: the handshake as a client and as a server, whom to trust, and why a handshake failed.
//!
//! What a connection must satisfy is decided here, the same for every backend; the backend does it. Unless an owner
//! asks otherwise, chain and name are verified, and no byte of the application moves before.
//!
//! | file | what it holds |
//! |---|---|
//! | [`session`], [`handshake`] | a connection, and its beginning, as state machines without I/O |
//! | [`wire`] | the memory that a TLS library takes for its connection |
//! | [`client`], [`server`] | our side of it, and what can be chosen |
//! | `profile`, `anchors`, `files`, `pin`, `origin` | whom to trust, and what to present |
//! | `connectors` | what is built from a profile, and kept |
//! | `failure` | why something failed |
//!
//! | backend | where | because |
//! |---|---|---|
//! | `openssl` | Linux, Android, BSD | native-tls is OpenSSL there, and hides most of what it can do: see docs/design.md |
//! | `native` | Windows, Apple | tokio-native-tls: the system's own TLS and trust store |

mod anchors;
pub mod client;
mod connectors;
mod failure;
mod files;
pub mod handshake;
mod origin;
mod outcome;
mod pin;
mod profile;
pub mod server;
pub mod session;
pub mod wire;

#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
#[path = "openssl/mod.rs"]
mod backend;
#[cfg(any(target_vendor = "apple", windows, feature = "native-tls"))]
#[path = "native/mod.rs"]
mod backend;

use std::sync::Arc;

pub use self::{
  anchors::Anchors,
  backend::{SHARES_SESSIONS, SavedSession},
  client::ClientTls,
  connectors::Lease,
  failure::Failure,
  handshake::{HANDSHAKE_DEADLINE, Handshake},
  profile::{Identity, Profile, ServerTls, TlsInfo, Version},
  server::Acceptor,
  session::{Opened, Session, Then},
  wire::Wire,
};
use super::SocketError;

/// Our side of a handshake.
#[derive(Clone, Debug)]
pub enum Security {
  /// We verify the peer.
  Client(Arc<ClientTls>),
  /// We present a certificate.
  Server(Arc<Acceptor>),
}

impl Security {
  /// A handshake with the peer at `host`.
  ///
  /// # Errors
  /// As [`client::handshake`] and [`server::handshake`].
  pub async fn handshake(&self, host: &str, port: u16) -> Result<Handshake, SocketError> {
    match self {
      Self::Client(tls) => client::handshake(host, port, tls).await,
      Self::Server(acceptor) => server::handshake(host, port, acceptor),
    }
  }
}
