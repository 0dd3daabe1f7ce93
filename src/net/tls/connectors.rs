//! Connectors, made once for each distinct profile: building one reads and parses the system's trust store, which takes
//! tens of milliseconds.

use std::{
  collections::HashMap,
  fs,
  hash::{Hash, Hasher},
  sync::Arc,
};

use once_cell::sync::Lazy;
use sha2::{Digest, Sha256};
use tokio::{sync::OnceCell, task};

use super::{
  Profile,
  backend::{self, Connector},
};
use crate::net::{
  ErrorName, SocketError,
  sync::{Mutex, lock},
};

/// How many distinct profiles keep their connector.
const MOST_CONNECTORS: usize = 64;

type Slot = Arc<OnceCell<Connector>>;

/// By the digest of their profile, which has secrets in it.
static CONNECTORS: Lazy<Mutex<HashMap<Key, Slot>>> = Lazy::new(Mutex::default);

/// The connector for `profile`, and for no other.
///
/// # Errors
/// `SecurityError` where the profile cannot be had, `NetworkError` where building it panicked.
pub(super) async fn connector(profile: &Profile) -> Result<Connector, SocketError> {
  let slot = {
    let key = key(profile);
    let mut connectors = lock(&CONNECTORS);
    if connectors.len() >= MOST_CONNECTORS && !connectors.contains_key(&key) {
      connectors.clear();
    }
    Arc::clone(connectors.entry(key).or_default())
  };
  if let Some(connector) = slot.get() {
    return Ok(connector.clone());
  }
  let profile = profile.clone();
  let build = || async {
    let built = task::spawn_blocking(move || {
      // A file that cannot be read is ignored, as Node does.
      let extra = profile
        .anchors
        .extra
        .as_ref()
        .and_then(|path| fs::read(path).ok());
      backend::connector(&profile, extra.as_deref())
    });
    let built = built.await;
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

/// A connector for `profile` was asked for, so that nothing was found to be wrong with that.
pub(super) fn is_known(profile: &Profile) -> bool {
  lock(&CONNECTORS).contains_key(&key(profile))
}

type Key = [u8; 32];

/// What tells `profile` from all others. What it hashes says where each part ends, so that no two are the same bytes; but
/// for paths, which come from the environment alone.
fn key(profile: &Profile) -> Key {
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
  use std::collections::HashSet;

  use super::*;
  use crate::net::tls::Identity;

  fn presenting(cert: &[u8], pem: &[u8]) -> Profile {
    let identity = Identity::Pem {
      cert: cert.to_vec(),
      key: pem.to_vec(),
      passphrase: None,
    };
    Profile {
      identity: Some(identity),
      ..Profile::default()
    }
  }

  #[test]
  fn equal_profiles_share_a_connector_and_others_never_do() {
    let plain = Profile::default();
    assert_eq!(key(&plain), key(&plain.clone()));
    let strict = Profile {
      ca_only: true,
      ..Profile::default()
    };
    let revoking = Profile {
      crl: vec![b"ab".to_vec()],
      ..Profile::default()
    };
    let trusting = |ca: &[&[u8]]| Profile {
      ca: ca.iter().map(|pem| pem.to_vec()).collect(),
      ..Profile::default()
    };
    let all = [
      plain,
      strict,
      revoking,
      trusting(&[b"ab"]),
      trusting(&[b"a", b"b"]),
      trusting(&[b"", b"ab"]),
      presenting(b"a", b"bc"),
      presenting(b"ab", b"c"),
    ];
    let keys: HashSet<Key> = all.iter().map(key).collect();
    assert_eq!(keys.len(), all.len());
  }
}
