//! Connectors, made once for each distinct profile: building one reads and parses the system's trust store, which takes
//! tens of milliseconds.
//!
//! One without a key of the owner's is kept for the next connection, however long that takes. One with a key lives as long
//! as options or connections that use it, so that the key is in memory no longer than that.

use std::{
  collections::HashMap,
  fmt,
  sync::{Arc, LazyLock, OnceLock, Weak},
};

use tokio::{
  sync::{Semaphore, watch},
  task, time,
};

use super::{
  backend::{self, Connector},
  failure::Unbuilt,
  files::read_regular,
  handshake::HANDSHAKE_DEADLINE,
  profile::{Key, Profile, key},
};
use crate::net::{
  ErrorName, SocketError,
  blocking::blocking,
  sync::{Mutex, lock},
};

/// How many profiles without a key keep their connector. One more, and the one is given up that was not used for longest.
const MOST_KEPT: usize = 64;

/// How many connectors are built at a time. Each takes a thread; one that reads the system's anchors keeps it for as long as a file
/// system hangs, so that those do not count among the others.
const MOST_BUILDS: usize = 4;

/// Bytes of `NODE_EXTRA_CA_CERTS`.
const MOST_EXTRA: u64 = 16 << 20;

static READING_BUILDS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MOST_BUILDS)));
static OTHER_BUILDS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MOST_BUILDS)));

/// By the digest of their profile, which has secrets in it.
static CONNECTORS: LazyLock<Mutex<Connectors>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Connectors {
  by_key: HashMap<Key, Kept>,
  /// Counts uses.
  clock: u64,
}

enum Kept {
  Always { slot: Arc<Slot>, used: u64 },
  WhileUsed(Weak<Slot>),
}

impl Connectors {
  fn find(&mut self, key: &Key) -> Option<Arc<Slot>> {
    self.clock += 1;
    match self.by_key.get_mut(key)? {
      Kept::Always { slot, used } => {
        *used = self.clock;
        Some(Arc::clone(slot))
      }
      Kept::WhileUsed(slot) => slot.upgrade(),
    }
  }

  fn add(&mut self, key: Key, has_secret: bool) -> Arc<Slot> {
    self
      .by_key
      .retain(|_, kept| !matches!(kept, Kept::WhileUsed(slot) if slot.strong_count() == 0));
    let slot = Arc::new(Slot::default());
    let kept = if has_secret {
      Kept::WhileUsed(Arc::downgrade(&slot))
    } else {
      self.make_room();
      let (slot, used) = (Arc::clone(&slot), self.clock);
      Kept::Always { slot, used }
    };
    self.by_key.insert(key, kept);
    slot
  }

  fn make_room(&mut self) {
    let ages = self.by_key.iter().filter_map(|(key, kept)| match kept {
      Kept::Always { used, .. } => Some((*used, *key)),
      Kept::WhileUsed(_) => None,
    });
    let (count, oldest) = ages.fold((0, None), |(count, oldest), age| {
      (
        count + 1,
        Some(oldest.map_or(age, |oldest: (u64, Key)| oldest.min(age))),
      )
    });
    if let Some((_, oldest)) = oldest.filter(|_| count >= MOST_KEPT) {
      self.by_key.remove(&oldest);
    }
  }
}

/// A connector, or what there is of it so far.
#[derive(Default)]
pub(super) struct Slot(watch::Sender<State>);

#[derive(Default)]
enum State {
  #[default]
  Idle,
  Building,
  Built(Connector),
  Failed(SocketError),
}

impl Slot {
  /// Builds unless that is done or under way. The task goes on when the connection that began it is given up: others may wait
  /// for the same.
  fn begin(self: &Arc<Self>, profile: &Profile) {
    let mut begins = false;
    self.0.send_if_modified(|state| {
      if matches!(state, State::Idle | State::Failed(_)) {
        *state = State::Building;
        begins = true;
      }
      begins
    });
    if begins {
      let (slot, profile) = (Arc::clone(self), profile.clone());
      task::spawn(async move {
        // A task of its own, whose panic is an outcome: others wait for one.
        slot.0.send_replace(match task::spawn(build(profile)).await {
          Ok(Ok(connector)) => State::Built(connector),
          Ok(Err(error)) => State::Failed(error),
          Err(panicked) => State::Failed(failed(ErrorName::NetworkError, &panicked.to_string())),
        });
      });
    }
  }

  async fn wait(&self) -> Result<Connector, SocketError> {
    let mut changes = self.0.subscribe();
    let settled = |state: &State| matches!(state, State::Built(_) | State::Failed(_));
    // The sender is this slot's, which is alive.
    match changes.wait_for(settled).await.as_deref() {
      Ok(State::Built(connector)) => Ok(connector.clone()),
      Ok(State::Failed(error)) => Err(error.clone()),
      _ => Err(failed(ErrorName::NetworkError, "given up")),
    }
  }
}

async fn build(profile: Profile) -> Result<Connector, SocketError> {
  let builds = if profile.ca_only {
    &OTHER_BUILDS
  } else {
    &READING_BUILDS
  };
  let permit = Arc::clone(builds).acquire_owned().await;
  let permit = permit.map_err(|closed| failed(ErrorName::NetworkError, &closed.to_string()))?;
  let built = blocking(move || {
    // Given back when the thread ends, and not when nobody waits any more.
    let _permit = permit;
    let extra = profile.anchors.extra.as_ref().filter(|_| !profile.ca_only);
    let extra = extra.map_or(Ok(None), |path| read_regular(path, MOST_EXTRA))?;
    backend::connector(&profile, extra.as_deref())
  });
  match built.await {
    Ok(Ok(connector)) => Ok(connector),
    Ok(Err(Unbuilt::Refused(reason))) => Err(failed(ErrorName::SecurityError, &reason)),
    Ok(Err(Unbuilt::Exhausted(error))) => Err(SocketError::from_io(
      "set up TLS: read the certificates to trust",
      &error,
    )),
    Err(error) => Err(SocketError::from_io("set up TLS", &error)),
  }
}

fn failed(name: ErrorName, reason: &str) -> SocketError {
  SocketError::new(name, format!("set up TLS: {reason}"))
}

/// Keeps the connector of a profile. Belongs to the options that the profile is in, and to connections made with it.
#[derive(Default)]
pub struct Lease(OnceLock<(Key, Arc<Slot>)>);

impl Lease {
  fn slot(&self, profile: &Profile) -> Arc<Slot> {
    let key = key(profile);
    let (kept, slot) = self.0.get_or_init(|| (key, slot(key, profile)));
    // Not so if the profile was changed meanwhile.
    if *kept == key {
      return Arc::clone(slot);
    }
    self::slot(key, profile)
  }
}

/// A copy of options may be changed before it is used: it takes a connector for itself.
impl Clone for Lease {
  fn clone(&self) -> Self {
    Self::default()
  }
}

impl fmt::Debug for Lease {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("Lease")
  }
}

fn slot(key: Key, profile: &Profile) -> Arc<Slot> {
  let mut connectors = lock(&CONNECTORS);
  let known = connectors.find(&key);
  known.unwrap_or_else(|| connectors.add(key, profile.identity.is_some()))
}

/// The connector for `profile`, and for no other, and what keeps it.
///
/// # Errors
/// `SecurityError` where the profile cannot be had, `NetworkTimeoutError` where the files with certificates cannot be read in
/// time, `NetworkError` where the system had no descriptor or thread for that, or it panicked.
pub(super) async fn connector(
  profile: &Profile,
  lease: &Lease,
) -> Result<(Connector, Arc<Slot>), SocketError> {
  let slot = lease.slot(profile);
  slot.begin(profile);
  let connector = time::timeout(HANDSHAKE_DEADLINE, slot.wait()).await;
  let late = || {
    let reason = format!(
      "the certificates to trust could not be read within {} s",
      HANDSHAKE_DEADLINE.as_secs()
    );
    failed(ErrorName::NetworkTimeoutError, &reason)
  };
  Ok((connector.map_err(|_| late())??, slot))
}

/// A connector for `profile` was asked for, so that nothing was found to be wrong with that.
pub(super) fn is_known(profile: &Profile) -> bool {
  lock(&CONNECTORS).find(&key(profile)).is_some()
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
