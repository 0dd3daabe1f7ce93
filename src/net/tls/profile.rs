//! What an owner may choose about TLS. Values are kept as they were given; a backend reads them, and says what is wrong
//! with them before a connection is made.

use std::{
  fmt,
  hash::{Hash, Hasher},
  time::Duration,
};

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::Anchors;

/// A version of the protocol. Older ones are never spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
  /// TLS 1.2, RFC 5246.
  Tls12,
  /// TLS 1.3, RFC 8446.
  Tls13,
}

/// A certificate with its key, to be presented to the peer. `Debug` shows no secret, and none is left in memory when it is
/// dropped.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Identity {
  /// In PEM, as most files are.
  Pem {
    /// The certificate of the key first, then those that lead to an anchor.
    cert: Vec<u8>,
    /// PKCS #8, or what else the backend reads.
    key: Vec<u8>,
    /// For a key that is encrypted.
    passphrase: Option<String>,
  },
  /// PKCS #12: one file with everything.
  Pfx {
    /// The file.
    data: Vec<u8>,
    /// May be empty.
    passphrase: String,
  },
}

impl Drop for Identity {
  fn drop(&mut self) {
    match self {
      Self::Pem { key, passphrase, .. } => {
        key.zeroize();
        passphrase.zeroize();
      }
      Self::Pfx { data, passphrase } => {
        data.zeroize();
        passphrase.zeroize();
      }
    }
  }
}

impl fmt::Debug for Identity {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match self {
      Self::Pem { .. } => "Identity::Pem(…)",
      Self::Pfx { .. } => "Identity::Pfx(…)",
    })
  }
}

/// What all connections of an equal sort have in common. It is what connectors are kept for: each distinct value has
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
  /// Chain and name are verified. Only a peer that is pinned, or an owner who wants no security, does without.
  pub verify: bool,
  /// The system's trust anchors.
  pub anchors: Anchors,
  /// Trust anchors besides those, each one or several certificates in PEM.
  pub ca: Vec<Vec<u8>>,
  /// Trust `ca` alone, and not the system's anchors.
  pub ca_only: bool,
  /// Revocation lists in PEM. If there is one, every certificate of a chain must be covered by one.
  pub crl: Vec<Vec<u8>>,
  /// What to present to a server that asks.
  pub identity: Option<Identity>,
  /// Protocols to offer, the best first (RFC 7301); each 1 to 255 bytes.
  pub alpn: Vec<String>,
  /// The oldest version to speak.
  pub min_version: Version,
  /// The newest version to speak; `None` for the newest there is.
  pub max_version: Option<Version>,
}

impl Default for Profile {
  fn default() -> Self {
    Self {
      verify: true,
      anchors: Anchors::default(),
      ca: Vec::new(),
      ca_only: false,
      crl: Vec::new(),
      identity: None,
      alpn: Vec::new(),
      min_version: Version::Tls12,
      max_version: None,
    }
  }
}

/// TLS as a server.
#[derive(Clone, Debug)]
pub struct ServerTls {
  /// What to present to clients.
  pub identity: Identity,
  /// Protocols to choose from, the best first; each 1 to 255 bytes. A client that offers others only is refused.
  pub alpn: Vec<String>,
  /// The oldest version to speak.
  pub min_version: Version,
  /// The newest version to speak; `None` for the newest there is.
  pub max_version: Option<Version>,
  /// How long a client may take for its handshake.
  pub deadline: Duration,
}

/// What an established TLS connection turned out to be, as far as the backend tells.
#[derive(Clone, Debug, Default)]
pub struct TlsInfo {
  /// `TLSv1.2` or `TLSv1.3`.
  pub protocol: Option<&'static str>,
  /// The cipher suite, in IANA's words.
  pub cipher: Option<String>,
  /// What was agreed on by ALPN.
  pub alpn: Option<String>,
  /// The name that was asked for by SNI.
  pub server_name: Option<String>,
  /// The handshake took up an earlier session, rather than a certificate.
  pub resumed: Option<bool>,
  /// The peer's certificate, in DER.
  pub peer_certificate: Option<Vec<u8>>,
  /// The peer is who it was to be, by chain and name or by the pin: not where nothing is verified, and not on a server.
  pub is_peer_proven: bool,
}

/// What tells a profile from all others.
pub(super) type Key = [u8; 32];

/// The key of `profile`. What it hashes says where each part ends, so that no two are the same bytes; but
/// for paths, which come from the environment alone.
pub(super) fn key(profile: &Profile) -> Key {
  let mut digest = Digesting(Sha256::new());
  profile.hash(&mut digest);
  digest.0.finalize().into()
}

struct Digesting(Sha256);

impl Hasher for Digesting {
  fn write(&mut self, bytes: &[u8]) {
    self.0.update(bytes);
  }

  /// Nobody asks for so few bits.
  fn finish(&self) -> u64 {
    0
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn a_secret_is_not_shown() {
    let identity = Identity::Pfx {
      data: b"key".to_vec(),
      passphrase: "open sesame".into(),
    };
    assert!(!format!("{identity:?}").contains("sesame"));
  }
}
