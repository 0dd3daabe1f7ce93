//! TLS: the handshake as a client and as a server, whom to trust, and why a handshake failed.
//!
//! What a connection must satisfy is decided here, the same for every backend; the backend does it. Unless an owner
//! asks otherwise, chain and name are verified, and no byte of the application moves before.
//!
//! | backend | where | because |
//! |---|---|---|
//! | `openssl` | Linux, Android, BSD | native-tls is OpenSSL there, and hides most of what it can do: see docs/design.md |
//! | `native` | Windows, Apple | tokio-native-tls: the system's own TLS and trust store |

mod anchors;
mod connectors;
mod files;
mod options;

#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
#[path = "openssl/mod.rs"]
mod backend;
#[cfg(any(target_vendor = "apple", windows, feature = "native-tls"))]
#[path = "native.rs"]
mod backend;

use std::{io, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tokio::time;

use self::connectors::{Key, Slot};
pub use self::{
  anchors::Anchors,
  backend::{Session, Stream, tcp, tcp_mut, tls_info},
  connectors::Lease,
  options::{ClientTls, Identity, Profile, ServerTls, TlsInfo, Version},
};
use super::{
  ErrorName, SocketError,
  secured::Secured,
  transport::{Tcp, Transport},
};

/// How long a server may take for a handshake. TLS libraries wait for ever.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(30);

/// Our side of a handshake.
#[derive(Clone, Debug)]
pub enum Security {
  /// We verify the peer.
  Client(Arc<ClientTls>),
  /// We present a certificate.
  Server(Arc<Acceptor>),
}

impl Security {
  /// Secures `stream`, which leads to `host`.
  ///
  /// # Errors
  /// As [`connect`] and [`accept`].
  pub async fn secure(&self, stream: Tcp, host: &str, port: u16) -> Result<Transport, SocketError> {
    match self {
      Self::Client(tls) => connect(stream, host, port, tls).await,
      Self::Server(acceptor) => accept(stream, host, port, acceptor).await,
    }
  }
}

/// Secures `stream` to the server `host`. The name is sent as SNI unless it is an IP address, and the peer's
/// certificate must be valid for it.
///
/// # Errors
/// A `Security…` error that says what is wrong with the certificate or the protocol, `NetworkInterruptError` when
/// the peer hung up, `NetworkTimeoutError` after [`HANDSHAKE_DEADLINE`].
pub async fn connect(
  stream: Tcp,
  host: &str,
  port: u16,
  options: &ClientTls,
) -> Result<Transport, SocketError> {
  let name = server_name(options.server_name.as_deref().unwrap_or(host));
  let what = match &options.server_name {
    Some(_) => format!("TLS handshake with {host} port {port} as {name}"),
    None => format!("TLS handshake with {host} port {port}"),
  };
  // To OpenSSL the one means any subdomain, the other any host.
  if name.is_empty() || name.starts_with('.') {
    let failure = Failure::new(
      ErrorName::SecurityCertificateDomainMismatchError,
      "no certificate can be for this name",
    );
    return Err(failure.of(&what));
  }
  options
    .check_session(host)
    .map_err(|reason| Failure::new(ErrorName::SecurityError, reason).of(&what))?;
  let (connector, slot) = connectors::connector(&options.profile, &options.lease).await?;
  let (origin, session) = (options.origin(host), options.session_from.as_ref());
  let handshake = backend::connect(&connector, slot, origin, port, session, stream.reading_ahead());
  let stream = within(HANDSHAKE_DEADLINE, &what, handshake).await?;
  if let Some(pin) = &options.fingerprint256 {
    check_pin(pin, tls_info(&stream).peer_certificate.as_deref()).map_err(|failure| failure.of(&what))?;
  }
  Ok(Transport::Tls(Secured::new(stream)))
}

/// What a server is verified against, which two connections must have in common where one takes up the session of the
/// other: nothing is verified then.
#[derive(Clone, Debug)]
struct Origin {
  /// Of the profile: whom it trusts, and what it presents.
  profile: Key,
  /// Verified, and asked for.
  name: String,
  /// The digest of the only certificate that is accepted.
  pin: Option<[u8; 32]>,
}

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

/// Secures `stream`, which came from `host`, as its server. Waits for the client's hello.
///
/// # Errors
/// As [`connect`], with the acceptor's deadline.
pub async fn accept(
  stream: Tcp,
  host: &str,
  port: u16,
  acceptor: &Acceptor,
) -> Result<Transport, SocketError> {
  let what = format!("TLS handshake with client {host} port {port}");
  let handshake = backend::accept(&acceptor.inner, stream.reading_ahead());
  let stream = within(acceptor.deadline, &what, handshake).await?;
  Ok(Transport::Tls(Secured::new(stream)))
}

impl ClientTls {
  /// Says what is wrong with the options, before anything is done with them: what cannot be read, does not fit together,
  /// or cannot be had from this platform's backend.
  ///
  /// # Errors
  /// The name of the option and the reason, as text.
  pub fn check(&self) -> Result<(), String> {
    if self.fingerprint256.is_some() && self.profile.identity.is_some() && !backend::PINS_IN_HANDSHAKE {
      return Err(
        "fingerprint256: beside a certificate of yours is not supported on this platform, which would present that before \
         the pin is checked"
          .into(),
      );
    }
    // To read certificates takes longer than all else that a new socket does.
    if connectors::is_known(&self.profile) {
      return Ok(());
    }
    backend::check_profile(&self.profile)
  }

  /// Says what is wrong with `session_from` for a connection to `host`.
  ///
  /// # Errors
  /// The name of the option and the reason, as text.
  pub fn check_session(&self, host: &str) -> Result<(), String> {
    let Some(session) = &self.session_from else {
      return Ok(());
    };
    if !self.profile.crl.is_empty() {
      return Err("sessionFrom: with crl, a server is verified each time".into());
    }
    let (theirs, ours) = (session.origin(), self.origin(host));
    if theirs.profile != ours.profile || theirs.pin != ours.pin {
      return Err("sessionFrom: that socket has other TLS options; all must be equal".into());
    }
    if !theirs.name.eq_ignore_ascii_case(&ours.name) {
      let reason = format!(
        "sessionFrom: that socket is connected to {}, and this one would be to {}; servername tells the name to go by",
        theirs.name, ours.name
      );
      return Err(reason);
    }
    Ok(())
  }

  fn origin(&self, host: &str) -> Origin {
    let name = server_name(self.server_name.as_deref().unwrap_or(host));
    Origin {
      profile: connectors::key(&self.profile),
      name: name.to_owned(),
      pin: self.fingerprint256,
    }
  }
}

/// Whether a session can be taken up at another port at all.
pub const SHARES_SESSIONS: bool = backend::SHARES_SESSIONS;

/// An error while reading or writing on an established connection, plain or TLS.
pub fn stream_error(what: &str, error: &io::Error) -> SocketError {
  backend::stream_failure(error).map_or_else(|| SocketError::from_io(what, error), |failure| failure.of(what))
}

async fn within<T>(
  deadline: Duration,
  what: &str,
  handshake: impl Future<Output = Result<T, Failure>>,
) -> Result<T, SocketError> {
  match time::timeout(deadline, handshake).await {
    Ok(outcome) => outcome.map_err(|failure| failure.of(what)),
    Err(_) => {
      let detail = format!("{what}: no answer within {} s", deadline.as_secs_f64());
      Err(SocketError::new(ErrorName::NetworkTimeoutError, detail))
    }
  }
}

/// Backends may check earlier, before they present a certificate of ours; this is for those that do not, and for sessions.
fn check_pin(pin: &[u8; 32], certificate: Option<&[u8]>) -> Result<(), Failure> {
  let actual = certificate.map(|der| <[u8; 32]>::from(Sha256::digest(der)));
  if actual.as_ref() == Some(pin) {
    return Ok(());
  }
  let shown = actual.map_or_else(|| "none".into(), |actual| hex(&actual));
  Err(Failure::new(
    ErrorName::SecurityBadCertificateError,
    format!("the certificate is not the pinned one; its SHA-256 is {shown}"),
  ))
}

fn hex(bytes: &[u8]) -> String {
  let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
  pairs.join(":")
}

/// The name to verify: without the dot that makes a name absolute, and without an IPv6 zone.
fn server_name(host: &str) -> &str {
  let host = host.strip_suffix('.').unwrap_or(host);
  match host.split_once('%') {
    Some((address, _zone)) if address.contains(':') => address,
    _ => host,
  }
}

/// What a backend says about a handshake, or a stream, that failed.
#[derive(Debug)]
struct Failure {
  name: ErrorName,
  /// The backend's own words.
  reason: String,
  /// The operating system's number, where it was not TLS that failed.
  os: Option<i32>,
}

impl Failure {
  fn new(name: ErrorName, reason: impl Into<String>) -> Self {
    Self {
      name,
      reason: reason.into(),
      os: None,
    }
  }

  fn from_io(error: &io::Error) -> Self {
    let SocketError { name, os, .. } = SocketError::from_io("", error);
    let reason = error.to_string();
    Self { name, reason, os }
  }

  /// The error to report, of an attempt at `what`.
  fn of(self, what: &str) -> SocketError {
    SocketError {
      name: self.name,
      detail: format!("{what}: {}", self.reason),
      os: self.os,
      reason: self.os.is_none().then_some(self.reason),
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn the_verified_name_has_no_trailing_dot_and_no_zone() {
    assert_eq!(server_name("mail.example."), "mail.example");
    assert_eq!(server_name("mail.example"), "mail.example");
    assert_eq!(server_name("fe80::1%eth0"), "fe80::1");
    assert_eq!(server_name("127.0.0.1"), "127.0.0.1");
  }

  #[test]
  fn text_that_is_no_certificate_is_refused_with_a_reason_that_names_the_option() {
    for ca in [
      &b"hello"[..],
      b"",
      b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
      let profile = Profile {
        ca: vec![ca.to_vec()],
        ..Profile::default()
      };
      let tls = ClientTls {
        profile,
        ..ClientTls::default()
      };
      assert!(tls.check().is_err_and(|reason| reason.starts_with("ca: ")));
    }
  }

  #[test]
  fn a_secret_is_not_shown() {
    let identity = Identity::Pfx {
      data: b"key".to_vec(),
      passphrase: "open sesame".into(),
    };
    assert!(!format!("{identity:?}").contains("sesame"));
  }
}
