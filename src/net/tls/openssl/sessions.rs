//! Sessions that servers offered to take up again, which saves a client the certificate and half of the arithmetic.
//!
//! A session is as good as the verification that it came from. So it belongs to one connector, whose trust it was made
//! with, and to one server name and port. One of TLS 1.3 is used once, so that nobody on the way can tell by it whose
//! connections they are (RFC 8446 appendix C.4); there is a new one each time. With TLS 1.2 there mostly is not.

use std::{collections::HashMap, sync::Arc};

use once_cell::sync::OnceCell;
use openssl::{
  error::ErrorStack,
  ex_data::Index,
  ssl::{Ssl, SslContextBuilder, SslRef, SslSession, SslSessionCacheMode, SslVersion},
};

use crate::{
  net::sync::{Mutex, lock},
  openssl_ffi,
};

/// Servers that have sessions here. One more, and all are forgotten.
const MOST_SERVERS: usize = 256;

/// Sessions kept for each of them.
const MOST_SESSIONS: usize = 4;

/// Name, port, and what is pinned: another pin is for another certificate than the one that a session came with.
type Server = (String, u16, Option<[u8; 32]>);

/// The sessions of one connector.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<HashMap<Server, Vec<SslSession>>>>);

impl Sessions {
  /// Keeps what servers offer to connections made with `builder`'s connector.
  pub(super) fn keep(builder: &mut SslContextBuilder) -> Result<Self, ErrorStack> {
    let sessions = Self::default();
    let index = server_index()?;
    // OpenSSL's own cache is for servers: it does not know which server a session is for.
    builder.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    let kept = sessions.clone();
    builder.set_new_session_callback(move |ssl: &mut SslRef, session| {
      if let Some(server) = ssl.ex_data(index) {
        kept.put(server, session);
      }
    });
    Ok(sessions)
  }

  fn put(&self, server: &Server, session: SslSession) {
    let mut servers = lock(&self.0);
    if servers.len() >= MOST_SERVERS && !servers.contains_key(server) {
      servers.clear();
    }
    let sessions = servers.entry(server.clone()).or_default();
    if sessions.len() >= MOST_SESSIONS {
      sessions.remove(0);
    }
    sessions.push(session);
  }

  /// Offers the server one of its sessions, if there is one, and keeps those to come.
  pub(super) fn take_up(
    &self,
    ssl: &mut Ssl,
    name: &str,
    port: u16,
    pin: Option<&[u8; 32]>,
  ) -> Result<(), ErrorStack> {
    let server = (name.to_owned(), port, pin.copied());
    let session = lock(&self.0).get_mut(&server).and_then(next);
    ssl.set_ex_data(server_index()?, server);
    if let Some(session) = session {
      openssl_ffi::set_session(ssl, &session)?;
    }
    Ok(())
  }
}

fn next(sessions: &mut Vec<SslSession>) -> Option<SslSession> {
  let session = sessions.pop()?;
  if session.protocol_version() != SslVersion::TLS1_3 {
    sessions.push(session.clone());
  }
  Some(session)
}

/// Where a connection keeps the server that it leads to.
fn server_index() -> Result<Index<Ssl, Server>, ErrorStack> {
  static INDEX: OnceCell<Index<Ssl, Server>> = OnceCell::new();
  INDEX.get_or_try_init(Ssl::new_ex_index).copied()
}
