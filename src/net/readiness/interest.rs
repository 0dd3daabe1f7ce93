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

impl Ready {
  pub(super) const READ: Self = Self {
    read: true,
    end: false,
    write: false,
  };
  pub(super) const WRITE: Self = Self {
    read: false,
    end: false,
    write: true,
  };
}

impl Interest {
  /// The directions of it that were not found.
  pub(super) fn without(self, found: Ready) -> Self {
    Self {
      read: self.read && !found.read,
      end: false,
      write: self.write && !found.write,
    }
  }
}
