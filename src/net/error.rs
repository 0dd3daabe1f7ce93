//! What can go wrong, in Gecko's words: the one table from an operating system or TLS condition to the name, class
//! and number that applications see. Contract sections 6.2 and 6.3.

use std::{fmt, io};

use super::exhaustion::is_exhaustion;

/// Gecko's three classes of error, the `message` of a `TCPSocketErrorEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
  /// The network or the peer.
  Network,
  /// The TLS protocol.
  SecurityProtocol,
  /// The peer's certificate.
  SecurityCertificate,
}

impl ErrorClass {
  /// The class as Gecko spells it.
  pub fn as_str(self) -> &'static str {
    match self {
      Self::Network => "Network",
      Self::SecurityProtocol => "SecurityProtocol",
      Self::SecurityCertificate => "SecurityCertificate",
    }
  }
}

macro_rules! error_names {
  ($($(#[$doc:meta])* $variant:ident, $class:ident, $code:literal;)*) => {
    /// Every error name of the API. Each variant is spelled to applications exactly as it is here.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ErrorName { $($(#[$doc])* $variant,)* }

    impl ErrorName {
      /// All names, for tests and documentation.
      pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

      /// The name as applications read it.
      pub fn as_str(self) -> &'static str {
        match self { $(Self::$variant => stringify!($variant),)* }
      }

      /// The class Gecko files it under.
      pub fn class(self) -> ErrorClass {
        match self { $(Self::$variant => ErrorClass::$class,)* }
      }

      /// Gecko's nsresult, the event's `errorCode`.
      pub fn code(self) -> u32 {
        match self { $(Self::$variant => $code,)* }
      }
    }
  };
}

error_names! {
  /// Nobody listens there, or the way there is closed.
  ConnectionRefusedError, Network, 0x804B_000D;
  /// The operating system, or our handshake deadline, gave up waiting.
  NetworkTimeoutError, Network, 0x804B_000E;
  /// The name could not be resolved.
  DomainNotFoundError, Network, 0x804B_001E;
  /// The stream ended where it must not: inside or without the end of TLS.
  NetworkInterruptError, Network, 0x804B_0047;
  /// Anything else between the peer and us, a reset above all.
  NetworkError, Network, 0x804B_0014;
  /// The certificate is not valid at this time.
  SecurityExpiredCertificateError, SecurityCertificate, 0x805A_1FF5;
  /// The certificate was revoked.
  SecurityRevokedCertificateError, SecurityCertificate, 0x805A_1FF4;
  /// Self-signed, or signed by nobody we trust.
  SecurityUntrustedCertificateIssuerError, SecurityCertificate, 0x805A_1FF3;
  /// The certificate is not meant for a TLS server.
  SecurityInadequateKeyUsageError, SecurityCertificate, 0x805A_1FA6;
  /// Signed with an algorithm that is no longer safe.
  SecurityCertificateSignatureAlgorithmDisabledError, SecurityCertificate, 0x805A_1F50;
  /// The peer wants a certificate that we did not present.
  SecurityNoCertificateError, SecurityProtocol, 0x805A_2FFD;
  /// A certificate was malformed or not acceptable.
  SecurityBadCertificateError, SecurityProtocol, 0x805A_2FFC;
  /// A certificate of a type that the other side does not support.
  SecurityUnsupportedCertificateTypeError, SecurityProtocol, 0x805A_2FF8;
  /// No protocol version in common.
  SecurityUnsupportedTLSVersionError, SecurityProtocol, 0x805A_2FF7;
  /// The certificate is for another host.
  SecurityCertificateDomainMismatchError, SecurityCertificate, 0x805A_2FF4;
  /// Any other failure of TLS.
  SecurityError, SecurityProtocol, 0x805A_1FFF;
}

/// Why a socket failed. It always ends the socket.
#[derive(Clone, Debug)]
pub struct SocketError {
  /// Gecko's name.
  pub name: ErrorName,
  /// What failed and why, for a person: host, port, the system's or the TLS library's own words.
  pub detail: String,
  /// The operating system's error number, where there was one.
  pub os: Option<i32>,
  /// What the TLS library said, where it was TLS that failed: the end of `detail`.
  pub reason: Option<String>,
}

impl SocketError {
  /// A bug of ours.
  pub(crate) fn panicked() -> Self {
    Self::new(ErrorName::NetworkError, "internal error: the connection panicked")
  }

  /// The peer, or somebody on the way, has reset the connection.
  pub(crate) fn is_reset(&self) -> bool {
    let kind = self.os.map(|number| io::Error::from_raw_os_error(number).kind());
    kind == Some(io::ErrorKind::ConnectionReset)
  }

  /// An error that did not come from a system call.
  pub fn new(name: ErrorName, detail: impl Into<String>) -> Self {
    Self {
      name,
      detail: detail.into(),
      os: None,
      reason: None,
    }
  }

  /// An error of the operating system, while doing `what` (a phrase such as "connect to host port 25").
  pub fn from_io(what: &str, error: &io::Error) -> Self {
    Self {
      name: name_of_io(error),
      detail: format!("{what}: {error}"),
      os: error.raw_os_error(),
      reason: None,
    }
  }

  /// The system has no descriptor or no memory left.
  pub(super) fn is_exhaustion(&self) -> bool {
    let system = self.os.map(io::Error::from_raw_os_error);
    system.is_some_and(|error| is_exhaustion(&error))
  }
}

impl fmt::Display for SocketError {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}: {}", self.name.as_str(), self.detail)
  }
}

impl std::error::Error for SocketError {}

/// Contract 6.3. Name resolution and TLS never come here; they know their names themselves.
fn name_of_io(error: &io::Error) -> ErrorName {
  use io::ErrorKind as Kind;
  match error.kind() {
    Kind::ConnectionRefused
    | Kind::HostUnreachable
    | Kind::NetworkUnreachable
    | Kind::AddrNotAvailable
    | Kind::PermissionDenied => ErrorName::ConnectionRefusedError,
    Kind::TimedOut => ErrorName::NetworkTimeoutError,
    Kind::UnexpectedEof => ErrorName::NetworkInterruptError,
    _ => ErrorName::NetworkError,
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn io_errors_map_to_gecko_names() {
    let table = [
      (io::ErrorKind::ConnectionRefused, "ConnectionRefusedError"),
      (io::ErrorKind::HostUnreachable, "ConnectionRefusedError"),
      (io::ErrorKind::NetworkUnreachable, "ConnectionRefusedError"),
      (io::ErrorKind::AddrNotAvailable, "ConnectionRefusedError"),
      (io::ErrorKind::PermissionDenied, "ConnectionRefusedError"),
      (io::ErrorKind::TimedOut, "NetworkTimeoutError"),
      (io::ErrorKind::UnexpectedEof, "NetworkInterruptError"),
      (io::ErrorKind::ConnectionReset, "NetworkError"),
      (io::ErrorKind::ConnectionAborted, "NetworkError"),
      (io::ErrorKind::BrokenPipe, "NetworkError"),
      (io::ErrorKind::OutOfMemory, "NetworkError"),
    ];
    for (kind, name) in table {
      assert_eq!(
        SocketError::from_io("read", &kind.into()).name.as_str(),
        name,
        "{kind:?}"
      );
    }
  }

  #[test]
  fn names_are_distinct_and_their_prefix_tells_their_class() {
    for (i, name) in ErrorName::ALL.iter().enumerate() {
      assert_eq!(
        name.as_str().starts_with("Security"),
        name.class() != ErrorClass::Network,
        "{name:?}"
      );
      for other in &ErrorName::ALL[..i] {
        assert_ne!(name.as_str(), other.as_str());
        assert_ne!(name.code(), other.code(), "{name:?} {other:?}");
      }
    }
  }

  #[test]
  fn the_system_error_number_and_the_place_are_kept() {
    let error = SocketError::from_io("connect to localhost port 2", &io::Error::from_raw_os_error(111));
    assert_eq!(error.os, Some(111));
    assert!(
      error.detail.starts_with("connect to localhost port 2: "),
      "{}",
      error.detail
    );
  }
}
