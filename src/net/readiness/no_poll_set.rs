//! Where there is no epoll there is no poll set. The types are there all the same, and have no value: so the owner of a
//! context need not ask which system this is.

use std::{ffi::c_int, io};

/// None.
#[derive(Debug)]
pub enum PollSet {}

/// That of no set.
#[derive(Clone, Debug)]
pub enum Alarm {}

impl PollSet {
  /// Says that there is none.
  ///
  /// # Errors
  /// Always.
  pub fn new() -> io::Result<Self> {
    Err(io::ErrorKind::Unsupported.into())
  }

  /// Of no set.
  pub fn descriptor(&self) -> c_int {
    match *self {}
  }

  /// Of no set.
  pub fn alarm(&self) -> &Alarm {
    match *self {}
  }
}

impl Alarm {
  /// Never rings.
  pub fn set(&self) {
    match *self {}
  }
}
