//! TLS as a client: whom to trust, the handshake, and why one failed.
//!
//! The chain and the host name are always verified, before a byte of the application moves. The layer is
//! tokio-native-tls; on Linux that is OpenSSL, whose own types tell what native-tls keeps to itself.

use std::{collections::HashMap, error::Error as _, io, sync::Arc, time::Duration};

use native_tls::{Certificate, Protocol};
use once_cell::sync::Lazy;
use tokio::{sync::OnceCell, task, time};
use tokio_native_tls::TlsConnector;

use super::{
  ErrorName, SocketError, TlsOptions,
  sync::{Mutex, lock},
  transport::{Tcp, Transport},
};

/// How long a peer may take for the handshake. TLS libraries wait for ever.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(30);

/// How many distinct option sets keep their connector.
const MOST_CONNECTORS: usize = 64;

type Slot = Arc<OnceCell<TlsConnector>>;

/// Building a connector reads and parses the system's trust store (tens of milliseconds), so each distinct option
/// set has one, made once.
static CONNECTORS: Lazy<Mutex<HashMap<TlsOptions, Slot>>> = Lazy::new(Mutex::default);

/// Secures `stream` to `host`. The name is sent as SNI unless it is an IP address, and the peer's certificate must be
/// valid for it.
///
/// # Errors
/// A `Security…` error that says what is wrong with the certificate or the protocol, `NetworkInterruptError` when
/// the peer hung up, `NetworkTimeoutError` after [`HANDSHAKE_DEADLINE`].
pub async fn connect(
  stream: Tcp,
  host: &str,
  port: u16,
  options: &TlsOptions,
) -> Result<Transport, SocketError> {
  let what = format!("TLS handshake with {host} port {port}");
  // To OpenSSL the one means any subdomain, the other any host.
  if server_name(host).is_empty() || server_name(host).starts_with('.') {
    let detail = format!("{what}: no certificate can be for this name");
    return Err(SocketError::new(
      ErrorName::SecurityCertificateDomainMismatchError,
      detail,
    ));
  }
  let connector = connector(options).await?;
  let handshake = connector.connect(server_name(host), stream.reading_ahead());
  let stream = match time::timeout(HANDSHAKE_DEADLINE, handshake).await {
    Ok(Ok(stream)) => stream,
    Ok(Err(error)) => return Err(handshake_error(&what, &error)),
    Err(_) => {
      let detail = format!("{what}: no answer within {} s", HANDSHAKE_DEADLINE.as_secs());
      return Err(SocketError::new(ErrorName::NetworkTimeoutError, detail));
    }
  };
  backend::check_peer(&what, server_name(host), stream.get_ref())?;
  Ok(Transport::Tls(Box::new(stream)))
}

/// Checks that each of `ca` holds at least one certificate.
///
/// # Errors
/// The reason, as text.
pub fn check_ca(ca: &[u8]) -> Result<(), String> {
  parse_ca(ca).map(drop)
}

/// An error while reading or writing on an established connection, plain or TLS.
pub fn stream_error(what: &str, error: &io::Error) -> SocketError {
  backend::tls_reason(error).map_or_else(
    || SocketError::from_io(what, error),
    |name| SocketError::new(name, format!("{what}: {error}")),
  )
}

/// The name to verify: without the dot that makes a name absolute, and without an IPv6 zone.
fn server_name(host: &str) -> &str {
  let host = host.strip_suffix('.').unwrap_or(host);
  match host.split_once('%') {
    Some((address, _zone)) if address.contains(':') => address,
    _ => host,
  }
}

async fn connector(options: &TlsOptions) -> Result<TlsConnector, SocketError> {
  let slot = {
    let mut connectors = lock(&CONNECTORS);
    if connectors.len() >= MOST_CONNECTORS && !connectors.contains_key(options) {
      connectors.clear();
    }
    Arc::clone(connectors.entry(options.clone()).or_default())
  };
  let options = options.clone();
  let build = || async {
    let built = task::spawn_blocking(move || build(&options)).await;
    built.unwrap_or_else(|panicked| Err(panicked.to_string()))
  };
  // In a task of its own, which goes on when this connection is given up: others may wait for the same, and would have
  // to begin again.
  let built = task::spawn(async move { slot.get_or_try_init(build).await.cloned() }).await;
  let failed = |name, reason: String| SocketError::new(name, format!("set up TLS: {reason}"));
  built
    .map_err(|panicked| failed(ErrorName::NetworkError, panicked.to_string()))?
    .map_err(|reason| failed(ErrorName::SecurityError, reason))
}

fn build(options: &TlsOptions) -> Result<TlsConnector, String> {
  let mut builder = native_tls::TlsConnector::builder();
  builder.min_protocol_version(Some(Protocol::Tlsv12));
  for ca in options.ca.iter().chain(extra_ca().as_ref()) {
    for certificate in parse_ca(ca)? {
      builder.add_root_certificate(certificate);
    }
  }
  builder
    .build()
    .map(TlsConnector::from)
    .map_err(|error| error.to_string())
}

/// Node's own way to add trust anchors for a whole process. A file that cannot be read is ignored, as Node does.
fn extra_ca() -> Option<Vec<u8>> {
  let path = std::env::var_os("NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty())?;
  std::fs::read(path).ok().filter(|pem| parse_ca(pem).is_ok())
}

fn parse_ca(pem: &[u8]) -> Result<Vec<Certificate>, String> {
  match Certificate::stack_from_pem(pem) {
    Ok(certificates) if certificates.is_empty() => Err("no certificate in PEM form found".into()),
    Ok(certificates) => Ok(certificates),
    Err(error) => Err(error.to_string()),
  }
}

fn handshake_error(what: &str, error: &native_tls::Error) -> SocketError {
  let detail = format!("{what}: {error}");
  if let Some(name) = backend::verify_reason(error) {
    return SocketError::new(name, detail);
  }
  let source = error.source();
  if let Some(io) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
    return SocketError::from_io(what, io);
  }
  let name = source.map_or(backend::UNTOLD_REASON, backend::protocol_reason);
  SocketError::new(name, detail)
}

#[cfg(not(any(target_vendor = "apple", windows)))]
mod backend {
  //! What OpenSSL can tell.

  use std::{error::Error, io, net::IpAddr};

  use openssl::{error::ErrorStack, ssl, x509::X509};
  use tokio_native_tls::native_tls::TlsStream;

  use crate::net::{ErrorName, SocketError};

  /// Verify results with a name of their own (`X509_V_ERR_*`, x509_vfy.h); the rest is `SecurityError`.
  const VERIFY_NAMES: &[(i32, ErrorName)] = &[
    (2, ErrorName::SecurityUntrustedCertificateIssuerError), // UNABLE_TO_GET_ISSUER_CERT
    (9, ErrorName::SecurityExpiredCertificateError),         // CERT_NOT_YET_VALID
    (10, ErrorName::SecurityExpiredCertificateError),        // CERT_HAS_EXPIRED
    (18, ErrorName::SecurityUntrustedCertificateIssuerError), // DEPTH_ZERO_SELF_SIGNED_CERT
    (19, ErrorName::SecurityUntrustedCertificateIssuerError), // SELF_SIGNED_CERT_IN_CHAIN
    (20, ErrorName::SecurityUntrustedCertificateIssuerError), // UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    (21, ErrorName::SecurityUntrustedCertificateIssuerError), // UNABLE_TO_VERIFY_LEAF_SIGNATURE
    (23, ErrorName::SecurityRevokedCertificateError),        // CERT_REVOKED
    (24, ErrorName::SecurityUntrustedCertificateIssuerError), // INVALID_CA (79 since OpenSSL 3)
    (26, ErrorName::SecurityInadequateKeyUsageError),        // INVALID_PURPOSE
    (27, ErrorName::SecurityUntrustedCertificateIssuerError), // CERT_UNTRUSTED
    (32, ErrorName::SecurityInadequateKeyUsageError),        // KEYUSAGE_NO_CERTSIGN
    (47, ErrorName::SecurityUntrustedCertificateIssuerError), // PERMITTED_VIOLATION
    (48, ErrorName::SecurityUntrustedCertificateIssuerError), // EXCLUDED_VIOLATION
    (62, ErrorName::SecurityCertificateDomainMismatchError), // HOSTNAME_MISMATCH
    (64, ErrorName::SecurityCertificateDomainMismatchError), // IP_ADDRESS_MISMATCH
    (66, ErrorName::SecurityCertificateSignatureAlgorithmDisabledError), // EE_KEY_TOO_SMALL
    (67, ErrorName::SecurityCertificateSignatureAlgorithmDisabledError), // CA_KEY_TOO_SMALL
    (68, ErrorName::SecurityCertificateSignatureAlgorithmDisabledError), // CA_MD_TOO_WEAK
    (79, ErrorName::SecurityUntrustedCertificateIssuerError), // INVALID_CA
  ];

  /// Reasons of libssl (sslerr.h). A received alert N has the reason 1000 + N.
  const PROTOCOL_NAMES: &[(i32, ErrorName)] = &[
    (258, ErrorName::SecurityUnsupportedTLSVersionError), // UNSUPPORTED_PROTOCOL
    (294, ErrorName::NetworkInterruptError),              // UNEXPECTED_EOF_WHILE_READING
    (1042, ErrorName::SecurityBadCertificateError),       // alert bad_certificate
    (1043, ErrorName::SecurityUnsupportedCertificateTypeError), // alert unsupported_certificate
    (1070, ErrorName::SecurityUnsupportedTLSVersionError), // alert protocol_version
    (1116, ErrorName::SecurityNoCertificateError),        // alert certificate_required
  ];

  /// OpenSSL left no reason: that is how it reports an end of file.
  pub(super) const UNTOLD_REASON: ErrorName = ErrorName::NetworkInterruptError;

  /// native-tls carries the verify result but shows its number only in its `Debug` form, at the very end, where no
  /// text that a peer chose can come after it.
  pub(super) fn verify_reason(error: &native_tls::Error) -> Option<ErrorName> {
    verify_name(&format!("{error:?}"))
  }

  pub(super) fn verify_name(debug: &str) -> Option<ErrorName> {
    let (_, result) = debug.rsplit_once("X509VerifyResult { code: ")?;
    let code: i32 = result.split_once(',')?.0.parse().ok()?;
    VERIFY_NAMES
      .iter()
      .find(|(known, _)| *known == code)
      .map(|(_, name)| *name)
  }

  pub(super) fn protocol_reason(source: &(dyn Error + 'static)) -> ErrorName {
    let Some(stack) = source.downcast_ref::<ErrorStack>() else {
      return ErrorName::SecurityError;
    };
    let reasons = stack.errors().iter().map(|error| error.reason_code());
    let known = |reason: i32| {
      PROTOCOL_NAMES
        .iter()
        .find(|(code, _)| *code == reason)
        .map(|(_, name)| *name)
    };
    reasons
      .into_iter()
      .find_map(known)
      .unwrap_or(ErrorName::SecurityError)
  }

  /// The name of an error that TLS, not TCP, reported on an established stream.
  pub(super) fn tls_reason(error: &io::Error) -> Option<ErrorName> {
    let tls = error.get_ref()?.downcast_ref::<ssl::Error>()?;
    tls.ssl_error().map(|stack| protocol_reason(stack))
  }

  /// OpenSSL falls back to the subject's common name where a certificate has no DNS name among its subject alternative
  /// names. Firefox and RFC 9525 section 6.3 do not.
  pub(super) fn check_peer<S: io::Read + io::Write>(
    what: &str,
    server_name: &str,
    stream: &TlsStream<S>,
  ) -> Result<(), SocketError> {
    let der = stream
      .peer_certificate()
      .ok()
      .flatten()
      .and_then(|certificate| certificate.to_der().ok());
    let Some(certificate) = der.and_then(|der| X509::from_der(&der).ok()) else {
      return Err(SocketError::new(
        ErrorName::SecurityError,
        format!("{what}: no certificate to check"),
      ));
    };
    let is_address = server_name.parse::<IpAddr>().is_ok();
    let names = certificate.subject_alt_names();
    if is_address || names.is_some_and(|names| names.iter().any(|name| name.dnsname().is_some())) {
      return Ok(());
    }
    Err(SocketError::new(
      ErrorName::SecurityCertificateDomainMismatchError,
      format!("{what}: the certificate has no DNS name among its subject alternative names"),
    ))
  }
}

#[cfg(any(target_vendor = "apple", windows))]
mod backend {
  //! Secure Transport and SChannel say little: every failure that is not one of the network is `SecurityError`.

  use std::{error::Error, io};

  use tokio_native_tls::native_tls::TlsStream;

  use crate::net::{ErrorName, SocketError};

  pub(super) const UNTOLD_REASON: ErrorName = ErrorName::SecurityError;

  pub(super) fn verify_reason(_error: &native_tls::Error) -> Option<ErrorName> {
    None
  }

  pub(super) fn protocol_reason(_source: &(dyn Error + 'static)) -> ErrorName {
    ErrorName::SecurityError
  }

  pub(super) fn tls_reason(_error: &io::Error) -> Option<ErrorName> {
    None
  }

  pub(super) fn check_peer<S: io::Read + io::Write>(
    _what: &str,
    _server_name: &str,
    _stream: &TlsStream<S>,
  ) -> Result<(), SocketError> {
    Ok(())
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
  fn text_that_is_no_certificate_is_refused_with_a_reason() {
    assert!(check_ca(b"hello").is_err());
    assert!(check_ca(b"").is_err());
    assert!(check_ca(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
  }

  #[cfg(not(any(target_vendor = "apple", windows)))]
  #[test]
  fn the_last_verify_result_in_the_debug_form_counts() {
    let debug =
      |code: i32, error: &str| format!("Ssl(Error, X509VerifyResult {{ code: {code}, error: \"{error}\" }})");
    let name = |code| backend::verify_name(&debug(code, "reason"));
    assert_eq!(name(10), Some(ErrorName::SecurityExpiredCertificateError));
    assert_eq!(name(62), Some(ErrorName::SecurityCertificateDomainMismatchError));
    assert_eq!(name(23), Some(ErrorName::SecurityRevokedCertificateError));
    assert_eq!(name(0), None);
    assert_eq!(backend::verify_name(&(debug(10, "x") + &debug(0, "ok"))), None);
    assert_eq!(backend::verify_name("unexpected EOF"), None);
  }
}
