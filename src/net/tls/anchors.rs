//! Where trust anchors are.

use std::{
  env,
  ffi::{OsStr, OsString},
  path::PathBuf,
};

use super::backend;

/// Files with trust anchors. There are none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anchors {
  /// The system's, in one file, unless the backend knows where they are.
  pub file: Option<PathBuf>,
  /// The same, in directories that OpenSSL can search.
  pub directories: Vec<PathBuf>,
  /// What counts as the system's besides.
  pub extra: Option<PathBuf>,
}

impl Anchors {
  /// Those of the system, and what the environment says of that now. Belongs on a thread that may read the environment,
  /// which nobody may change meanwhile.
  pub fn of_environment() -> Self {
    let (file, directories) = backend::system_anchors();
    Self {
      file,
      directories,
      // Node's own way to add trust anchors for a whole process.
      extra: variable("NODE_EXTRA_CA_CERTS").map(PathBuf::from),
    }
  }
}

/// Empty is as if absent.
pub(super) fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
  env::var_os(name).filter(|value| !value.is_empty())
}
