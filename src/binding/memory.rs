//! Memory of JavaScript. For bytes that arrive an ArrayBuffer is made by the engine of JavaScript: it is exactly as long as the data,
//! belongs to the application, and can be transferred. One that wraps our memory could not be: Node marks those as
//! untransferable. What leaves, or is to be read into, is a Uint8Array of the application's.

use std::{ptr, slice};

use napi::{Env, Result, check_status, sys};

/// From this size on, memory that the engine of JavaScript does not zero first pays for the Buffer that comes with it.
const UNZEROED: usize = 2048;

/// Makes an ArrayBuffer with a copy of `bytes`.
pub(super) fn copy(env: &Env, bytes: &[u8]) -> Result<sys::napi_value> {
  let (value, memory) = make(env, bytes.len())?;
  // SAFETY: `bytes.len()` bytes of new memory, which nobody else knows yet. An empty one may have no address.
  unsafe {
    if !bytes.is_empty() {
      ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
    }
  }
  Ok(value)
}

/// Makes an ArrayBuffer of `length` bytes, more than 0, which are zero until `fill` writes something else. Where there is no
/// memory, `fill` is not called.
pub(super) fn filled(env: &Env, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<sys::napi_value> {
  let (value, memory) = make(env, length)?;
  // SAFETY: as above. A slice must not be of memory that was never written.
  unsafe {
    ptr::write_bytes(memory, 0, length);
    fill(slice::from_raw_parts_mut(memory, length));
  }
  Ok(value)
}

/// A new ArrayBuffer, and where its bytes are.
fn make(env: &Env, length: usize) -> Result<(sys::napi_value, *mut u8)> {
  let made = if length < UNZEROED {
    zeroed(env.raw(), length)
  } else {
    unzeroed(env.raw(), length)
  };
  if made.is_err() {
    forget_exception(env.raw());
  }
  made
}

fn zeroed(env: sys::napi_env, length: usize) -> Result<(sys::napi_value, *mut u8)> {
  let (mut value, mut memory) = (ptr::null_mut(), ptr::null_mut());
  // SAFETY: on the JavaScript thread, in an open handle scope.
  check_status!(unsafe { sys::napi_create_arraybuffer(env, length, &raw mut memory, &raw mut value) })?;
  Ok((value, memory.cast()))
}

/// The ArrayBuffer below a new Buffer, if the Buffer spans all of it.
fn unzeroed(env: sys::napi_env, length: usize) -> Result<(sys::napi_value, *mut u8)> {
  let (mut buffer, mut value) = (ptr::null_mut(), ptr::null_mut());
  let (mut memory, mut whole, mut whole_length) = (ptr::null_mut(), ptr::null_mut(), 0);
  // SAFETY: on the JavaScript thread, in an open handle scope, with values of this call.
  unsafe {
    check_status!(sys::napi_create_buffer(
      env,
      length,
      &raw mut memory,
      &raw mut buffer
    ))?;
    check_status!(sys::napi_get_typedarray_info(
      env,
      buffer,
      ptr::null_mut(),
      ptr::null_mut(),
      ptr::null_mut(),
      &raw mut value,
      ptr::null_mut(),
    ))?;
    check_status!(sys::napi_get_arraybuffer_info(
      env,
      value,
      &raw mut whole,
      &raw mut whole_length
    ))?;
  }
  // A Buffer may be cut from a larger ArrayBuffer, which is nobody's but its own.
  if whole == memory && whole_length == length {
    Ok((value, memory.cast()))
  } else {
    zeroed(env, length)
  }
}

/// Where the bytes of a Uint8Array are now, and how many. `None` for anything else, and where its memory is gone. That is so until
/// JavaScript runs.
pub(super) fn of_uint8_array(env: sys::napi_env, value: sys::napi_value) -> Option<(*mut u8, usize)> {
  let (mut memory, mut length, mut kind) = (ptr::null_mut(), 0, 0);
  // SAFETY: on the JavaScript thread. Node-API answers for what is a typed array, and leaves the variables as they are otherwise.
  let status = unsafe {
    sys::napi_get_typedarray_info(
      env,
      value,
      &raw mut kind,
      &raw mut length,
      &raw mut memory,
      ptr::null_mut(),
      ptr::null_mut(),
    )
  };
  let is_bytes = status == sys::Status::napi_ok && kind == sys::TypedarrayType::uint8_array;
  (is_bytes && !memory.is_null()).then(|| (memory.cast(), length))
}

/// What Node-API could not do may have left an exception, which must not meet whatever JavaScript is called next.
pub(super) fn forget_exception(env: sys::napi_env) {
  let mut exception = ptr::null_mut();
  // SAFETY: on the JavaScript thread.
  unsafe { sys::napi_get_and_clear_last_exception(env, &raw mut exception) };
}
