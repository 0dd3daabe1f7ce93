//! What a descriptor is watched for, and what is found.

/// What a descriptor is watched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
  /// Bytes, the end of them, or an error.
  pub read: bool,
  /// The end of bytes, or an error, whether anybody reads or not.
  pub end: bool,
  /// Room for bytes, or an error.
  pub write: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
  /// Bytes, the end of them, or an error can be read.
  pub read: bool,
  /// The end can be read, perhaps behind bytes. Not every kind can tell.
  pub end: bool,
  /// The kernel takes bytes, or says why it does not.
  pub write: bool,
}
