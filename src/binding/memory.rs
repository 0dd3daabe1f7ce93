//! Where plain connections are read to. Mostly that is one piece of memory for all of them, from which exact values are
//! copied. A connection that sends in bulk is read straight into memory of JavaScript, which needs no copy when a read
//! fills it.

use std::{ptr, slice};

use napi::{Result, check_status, sys};

use crate::net::connection::READ_SIZE;

/// See the module. Belongs to the JavaScript thread.
pub(super) struct Memory {
  shared: Vec<u8>,
  spare: Option<Spare>,
}

/// An ArrayBuffer of [`READ_SIZE`] bytes that nobody has seen yet. Must be dropped while its environment lives.
struct Spare {
  env: sys::napi_env,
  buffer: sys::napi_ref,
  bytes: *mut u8,
}

impl Memory {
  pub(super) fn new(in_use: bool) -> Self {
    Self {
      shared: vec![0; if in_use { READ_SIZE } else { 0 }],
      spare: None,
    }
  }

  /// Gives back what the environment has of it, which ends.
  pub(super) fn release(&mut self) {
    self.spare = None;
  }

  /// Where to read to. With `bulk`, what was read can become a value without a copy, by [`Memory::fill`].
  pub(super) fn read_to(&mut self, env: sys::napi_env, bulk: bool) -> &mut [u8] {
    if !bulk || self.shared.is_empty() {
      return &mut self.shared;
    }
    if self.spare.is_none() {
      self.spare = Spare::new(env).ok();
    }
    match &mut self.spare {
      // SAFETY: the reference keeps the memory, which JavaScript cannot reach yet.
      Some(spare) => unsafe { slice::from_raw_parts_mut(spare.bytes, READ_SIZE) },
      None => &mut self.shared,
    }
  }

  /// The ArrayBuffer that a bulk read has just filled to its end. `None` when there is none.
  pub(super) fn fill(&mut self, env: sys::napi_env) -> Option<sys::napi_value> {
    let spare = self.spare.take()?;
    let mut buffer = ptr::null_mut();
    // SAFETY: on the JavaScript thread, in an open handle scope.
    unsafe { sys::napi_get_reference_value(env, spare.buffer, &raw mut buffer) };
    array_buffer(env, buffer).ok()
  }
}

impl Spare {
  fn new(env: sys::napi_env) -> Result<Self> {
    let (mut bytes, mut buffer, mut reference) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: on the JavaScript thread, in an open handle scope.
    unsafe {
      check_status!(sys::napi_create_buffer(
        env,
        READ_SIZE,
        &raw mut bytes,
        &raw mut buffer
      ))?;
      check_status!(sys::napi_create_reference(env, buffer, 1, &raw mut reference))?;
    }
    Ok(Self {
      env,
      buffer: reference,
      bytes: bytes.cast(),
    })
  }
}

impl Drop for Spare {
  fn drop(&mut self) {
    // SAFETY: on the JavaScript thread, with a reference that is not used again.
    unsafe { sys::napi_delete_reference(self.env, self.buffer) };
  }
}

/// The ArrayBuffer below a Buffer, which spans the whole of it when Node made it on its own.
pub(super) fn array_buffer(env: sys::napi_env, buffer: sys::napi_value) -> Result<sys::napi_value> {
  let mut value = ptr::null_mut();
  // SAFETY: on the JavaScript thread; what is not asked for is not written.
  check_status!(unsafe {
    sys::napi_get_typedarray_info(
      env,
      buffer,
      ptr::null_mut(),
      ptr::null_mut(),
      ptr::null_mut(),
      &raw mut value,
      ptr::null_mut(),
    )
  })?;
  Ok(value)
}
