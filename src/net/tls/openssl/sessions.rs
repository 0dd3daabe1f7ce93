//! Sessions that servers offered to take up again, which saves a client the certificate and half of the arithmetic.
//!
//! A session is as good as the verification that it came from. So it belongs to one connector, whose trust it was made
//! with, and to one server name and port. One of TLS 1.3 is used once, so that nobody on the way can tell by it whose
//! connections they are (RFC 8446 appendix C.4); there is a new one each time. With TLS 1.2 there mostly is not.
//!
//! Nothing is verified where a session is taken up, and a session may come from one that was taken up itself. So each
//! knows until when the verification holds that it goes back to.

use std::{
  collections::HashMap,
  sync::Arc,
  time::{Duration, SystemTime},
};

use once_cell::sync::OnceCell;
use openssl::{
  asn1::Asn1Time,
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

/// The longest that nobody verifies a server again. Tickets of TLS 1.3 live for a week at most (RFC 8446 section 4.6.1).
const MOST_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Name, port, and what is pinned: another pin is for another certificate than the one that a session came with.
type Server = (String, u16, Option<[u8; 32]>);

/// A session, and until when the verification holds that it goes back to.
struct Kept {
  session: SslSession,
  until: SystemTime,
}

/// What a connection knows of where its sessions belong.
struct Origin {
  server: Server,
  /// Of the session that was offered.
  until: Option<SystemTime>,
}

/// The sessions of one connector.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<HashMap<Server, Vec<Kept>>>>);

impl Sessions {
  /// Keeps what servers offer to connections made with `builder`'s connector, whose certificates must be valid if it does
  /// `verify`.
  pub(super) fn keep(builder: &mut SslContextBuilder, verify: bool) -> Result<Self, ErrorStack> {
    let sessions = Self::default();
    let index = origin_index()?;
    // OpenSSL's own cache is for servers: it does not know which server a session is for.
    builder.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    let kept = sessions.clone();
    builder.set_new_session_callback(move |ssl: &mut SslRef, session| {
      let Some(origin) = ssl.ex_data(index) else { return };
      let until = if ssl.session_reused() {
        origin.until
      } else {
        holds_until(ssl, verify)
      };
      if let Some(until) = until {
        kept.put(&origin.server, Kept { session, until });
      }
    });
    Ok(sessions)
  }

  fn put(&self, server: &Server, kept: Kept) {
    let mut servers = lock(&self.0);
    if servers.len() >= MOST_SERVERS && !servers.contains_key(server) {
      servers.clear();
    }
    let sessions = servers.entry(server.clone()).or_default();
    if sessions.len() >= MOST_SESSIONS {
      sessions.remove(0);
    }
    sessions.push(kept);
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
    let (session, until) = lock(&self.0).get_mut(&server).and_then(next).unzip();
    ssl.set_ex_data(origin_index()?, Origin { server, until });
    if let Some(session) = session {
      openssl_ffi::set_session(ssl, &session)?;
    }
    Ok(())
  }
}

fn next(sessions: &mut Vec<Kept>) -> Option<(SslSession, SystemTime)> {
  let now = SystemTime::now();
  sessions.retain(|kept| now < kept.until);
  let Kept { session, until } = sessions.pop()?;
  if session.protocol_version() != SslVersion::TLS1_3 {
    let session = session.clone();
    sessions.push(Kept { session, until });
  }
  Some((session, until))
}

/// When the first certificate expires of those that were verified just now; a day at most.
fn holds_until(ssl: &SslRef, verify: bool) -> Option<SystemTime> {
  let now = Asn1Time::days_from_now(0).ok()?;
  let mut left = MOST_AGE;
  for certificate in ssl.verified_chain().filter(|_| verify).into_iter().flatten() {
    let difference = now.diff(certificate.not_after()).ok()?;
    let seconds = i64::from(difference.days) * 24 * 60 * 60 + i64::from(difference.secs);
    left = left.min(Duration::from_secs(seconds.try_into().ok()?));
  }
  SystemTime::now().checked_add(left)
}

/// Where a connection keeps its [`Origin`].
fn origin_index() -> Result<Index<Ssl, Origin>, ErrorStack> {
  static INDEX: OnceCell<Index<Ssl, Origin>> = OnceCell::new();
  INDEX.get_or_try_init(Ssl::new_ex_index).copied()
}
