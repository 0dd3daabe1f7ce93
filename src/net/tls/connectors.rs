//! Connectors, made once for each distinct profile: building one reads and parses the system's trust store, which takes
//! tens of milliseconds.

use std::{collections::HashMap, fs, sync::Arc};

use once_cell::sync::Lazy;
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

static CONNECTORS: Lazy<Mutex<HashMap<Profile, Slot>>> = Lazy::new(Mutex::default);

/// The connector for `profile`, and for no other.
///
/// # Errors
/// `SecurityError` where the profile cannot be had, `NetworkError` where building it panicked.
pub(super) async fn connector(profile: &Profile) -> Result<Connector, SocketError> {
  let slot = {
    let mut connectors = lock(&CONNECTORS);
    if connectors.len() >= MOST_CONNECTORS && !connectors.contains_key(profile) {
      connectors.clear();
    }
    Arc::clone(connectors.entry(profile.clone()).or_default())
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
  lock(&CONNECTORS).contains_key(profile)
}
