//! Where trust anchors are. Only the environment is read here; the places themselves are looked at where connectors are
//! built, on a thread that may wait for a file system.

use std::{
  env,
  ffi::{OsStr, OsString},
  path::PathBuf,
};

/// Places with trust anchors. There are none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anchors {
  /// Those of the system count, where none of the two below takes their place.
  pub system: bool,
  /// `SSL_CERT_FILE`, in place of the system's file. The backends of Windows and Apple's systems have their own.
  pub file: Option<PathBuf>,
  /// `SSL_CERT_DIR`, in place of the system's directories. The same.
  pub directories: Option<Vec<PathBuf>>,
  /// `NODE_EXTRA_CA_CERTS`: what counts as the system's besides.
  pub extra: Option<PathBuf>,
}

impl Anchors {
  /// Those of the system, and what the environment says of that now. Belongs on a thread that may read the environment,
  /// which nobody may change meanwhile.
  pub fn of_environment() -> Self {
    Self {
      system: true,
      file: variable("SSL_CERT_FILE").map(PathBuf::from),
      directories: variable("SSL_CERT_DIR").map(|list| env::split_paths(&list).collect()),
      // Node's own way to add trust anchors for a whole process.
      extra: variable("NODE_EXTRA_CA_CERTS").map(PathBuf::from),
    }
  }
}

/// Empty is as if absent.
fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
  env::var_os(name).filter(|value| !value.is_empty())
}
