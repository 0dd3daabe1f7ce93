//! Sessions that servers offered to take up again, which saves a client the certificate and half of the arithmetic.
//!
//! A session is as good as the verification that it came from. So it belongs to one connector, whose trust it was made
//! with, and to one server name and port. One of TLS 1.3 is used once, so that nobody on the way can tell by it whose
//! connections they are (RFC 8446 appendix C.4); there is a new one each time. With TLS 1.2 there mostly is not.
//!
//! Beside that, each connection has a [`SavedSession`], by which others can take up its own at another port, as the data
//! connections of FTPS must. That everybody on the way sees whose they are is the protocol's doing, so it is used as often
//! as it is asked for.
//!
//! Nothing is verified where a session is taken up, and a session may come from one that was taken up itself. So each
//! knows until when the verification holds that it goes back to.

use std::{
  any::Any,
  collections::HashMap,
  fmt,
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

use zeroize::Zeroizing;

use super::callbacks::guarded;
use crate::net::{
  sync::{Mutex, lock},
  sys::openssl_ffi,
  tls::origin::Origin,
};

/// Servers that have sessions here. One more, and the one is forgotten whose last session came first.
const MOST_SERVERS: usize = 256;

/// Sessions kept for each of them.
const MOST_SESSIONS: usize = 4;

/// Bytes of a session, most of which are the server's: its ticket and its certificate. Usual ones have less than 4 KiB.
const MOST_BYTES: usize = 16 * 1024;

/// The longest that nobody verifies a server again. Tickets of TLS 1.3 live for a week at most (RFC 8446 section 4.6.1).
const MOST_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Name, port, and what is pinned: another pin is for another certificate than the one that a session came with.
type Server = (String, u16, Option<[u8; 32]>);

/// A session, and until when the verification holds that it goes back to. It is kept in DER, which all that keep it share: as
/// OpenSSL has it, it comes with the whole chain of certificates, and is marked as one not to be taken up when its connection
/// breaks.
#[derive(Clone)]
struct Kept {
  der: Arc<Zeroizing<Vec<u8>>>,
  /// It is used once.
  is_tls13: bool,
  until: SystemTime,
}

impl Kept {
  /// `None` where it is too old or too large to be kept.
  fn new(session: &SslSession, until: SystemTime) -> Option<Self> {
    let der = Zeroizing::new(session.to_der().ok()?);
    let is_tls13 = session.protocol_version() == SslVersion::TLS1_3;
    let kept = Self {
      der: Arc::new(der),
      is_tls13,
      until,
    };
    (kept.der.len() <= MOST_BYTES && kept.holds()).then_some(kept)
  }

  fn holds(&self) -> bool {
    SystemTime::now() < self.until
  }
}

/// The session of one connection.
#[derive(Clone)]
pub struct SavedSession(Arc<Shared>);

struct Shared {
  origin: Origin,
  held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
  /// What the server gave last.
  given: Option<Kept>,
  /// What was offered to the server, which may give no other.
  offered: Option<Kept>,
}

impl SavedSession {
  /// Which connection it is of.
  pub(in crate::net::tls) fn origin(&self) -> &Origin {
    &self.0.origin
  }

  fn to_offer(&self) -> Option<Kept> {
    let held = lock(&self.0.held);
    let kept = held.given.as_ref().or(held.offered.as_ref())?;
    kept.holds().then(|| kept.clone())
  }
}

impl fmt::Debug for SavedSession {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("SavedSession")
  }
}

/// What a connection knows of its sessions.
struct Owner {
  session: SavedSession,
  /// Where other connections to the same server look for them; `None` if it took up another connection's, at a port of
  /// its own that nobody may see again.
  server: Option<Server>,
  /// Of the session that was offered.
  until: Option<SystemTime>,
  /// As long as the connection is there, what was built for it is kept for those to come.
  _keeps: Arc<dyn Any + Send + Sync>,
}

#[derive(Default)]
struct Cache {
  servers: HashMap<Server, Entry>,
  /// Counts sessions.
  clock: u64,
}

#[derive(Default)]
struct Entry {
  sessions: Vec<Kept>,
  /// When the last one came.
  latest: u64,
}

/// The sessions of one connector.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<Cache>>);

impl Sessions {
  /// Keeps what servers offer to connections made with `builder`'s connector, whose certificates must be valid if it does
  /// `verify`.
  pub(super) fn keep(builder: &mut SslContextBuilder, verify: bool) -> Result<Self, ErrorStack> {
    let sessions = Self::default();
    let index = owner_index()?;
    // OpenSSL's own cache is for servers: it does not know which server a session is for.
    builder.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    let kept = sessions.clone();
    let keep = move |ssl: &mut SslRef, session: SslSession| {
      let Some(owner) = ssl.ex_data(index) else { return };
      let until = if ssl.session_reused() {
        owner.until
      } else {
        holds_until(ssl, verify)
      };
      let Some(until) = until else { return };
      let Some(given) = Kept::new(&session, until) else {
        return;
      };
      if let Some(server) = &owner.server {
        lock(&kept.0).put(server, given.clone());
      }
      lock(&owner.session.0.held).given = Some(given);
    };
    builder.set_new_session_callback(move |ssl, session| guarded((), || keep(ssl, session)));
    Ok(sessions)
  }

  /// Offers the server a session, if there is one: another connection's, or else one of the server's own. Keeps those to
  /// come.
  pub(super) fn take_up(
    &self,
    ssl: &mut Ssl,
    origin: Origin,
    port: u16,
    from: Option<&SavedSession>,
    keeps: Arc<dyn Any + Send + Sync>,
  ) -> Result<(), ErrorStack> {
    let server = (origin.name.clone(), port, origin.pin);
    let offered = match from {
      Some(session) => session.to_offer(),
      None => lock(&self.0).next(&server),
    };
    let until = offered.as_ref().map(|kept| kept.until);
    if let Some(kept) = &offered {
      openssl_ffi::set_session(ssl, &SslSession::from_der(&kept.der)?)?;
    }
    let held = Held { given: None, offered };
    let held = Mutex::new(held);
    let owner = Owner {
      session: SavedSession(Arc::new(Shared { origin, held })),
      server: from.is_none().then_some(server),
      until,
      _keeps: keeps,
    };
    ssl.set_ex_data(owner_index()?, owner);
    Ok(())
  }
}

impl Cache {
  fn put(&mut self, server: &Server, kept: Kept) {
    if self.servers.len() >= MOST_SERVERS && !self.servers.contains_key(server) {
      let oldest = self.servers.iter().min_by_key(|(_, entry)| entry.latest);
      if let Some(oldest) = oldest.map(|(server, _)| server.clone()) {
        self.servers.remove(&oldest);
      }
    }
    self.clock += 1;
    let entry = self.servers.entry(server.clone()).or_default();
    entry.latest = self.clock;
    if entry.sessions.len() >= MOST_SESSIONS {
      entry.sessions.remove(0);
    }
    entry.sessions.push(kept);
  }

  fn next(&mut self, server: &Server) -> Option<Kept> {
    let sessions = &mut self.servers.get_mut(server)?.sessions;
    sessions.retain(Kept::holds);
    let kept = sessions.pop()?;
    if !kept.is_tls13 {
      sessions.push(kept.clone());
    }
    Some(kept)
  }
}

/// After the handshake: what the server did not take up is nothing to offer it again.
pub(super) fn settle(ssl: &SslRef) {
  if let Some(session) = of(ssl).filter(|_| !ssl.session_reused()) {
    lock(&session.0.held).offered = None;
  }
}

/// The session of a client's connection.
pub(super) fn of(ssl: &SslRef) -> Option<SavedSession> {
  let index = owner_index().ok()?;
  ssl.ex_data(index).map(|owner| owner.session.clone())
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

/// Where a connection keeps its [`Owner`].
fn owner_index() -> Result<Index<Ssl, Owner>, ErrorStack> {
  static INDEX: OnceCell<Index<Ssl, Owner>> = OnceCell::new();
  INDEX.get_or_try_init(Ssl::new_ex_index).copied()
}

#[cfg(test)]
mod tests {
  use std::iter;

  use super::*;

  fn server(port: u16) -> Server {
    ("localhost".into(), port, None)
  }

  /// Not one of a handshake, which nothing here is about.
  fn session() -> Kept {
    // The shortest that is one: of TLS 1.3, with its cipher suite, and no id and no secret.
    let der = b"\x30\x0f\x02\x01\x01\x02\x02\x03\x04\x04\x02\x13\x01\x04\x00\x04\x00";
    openssl_ffi::init();
    let session = SslSession::from_der(&der[..]).expect("a session that was written by hand");
    Kept::new(&session, SystemTime::now() + MOST_AGE).expect("a small one")
  }

  #[test]
  fn a_server_too_many_takes_the_place_of_the_one_not_heard_of_for_longest() {
    let mut cache = Cache::default();
    for port in 0..MOST_SERVERS as u16 {
      cache.put(&server(port), session());
    }
    // The first is heard of again.
    cache.put(&server(0), session());
    cache.put(&server(10_000), session());
    assert_eq!(cache.servers.len(), MOST_SERVERS);
    assert!(cache.next(&server(1)).is_none());
    for port in iter::once(0).chain(2..MOST_SERVERS as u16).chain([10_000]) {
      assert!(cache.next(&server(port)).is_some(), "{port}");
    }
  }
}
