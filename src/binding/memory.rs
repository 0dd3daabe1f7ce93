//! Memory of JavaScript for bytes that arrive. An ArrayBuffer is made by the engine of JavaScript, is exactly as long as
//! the data, belongs to the application, and can be transferred. One that wraps our memory could not be: Node marks
//! those as untransferable.

use std::{ptr, slice};

use napi::{Env, Result, check_status, sys};

/// From this size on, memory that is not zeroed first pays for the Buffer that comes with it.
const UNZEROED: usize = 2048;

/// Makes an ArrayBuffer of `length` bytes, whose content `fill` must provide: it is not zeroed. Where there is no memory,
/// `fill` is not called.
pub(super) fn array_buffer(
  env: &Env,
  length: usize,
  fill: impl FnOnce(&mut [u8]),
) -> Result<sys::napi_value> {
  let made = make(env, length, fill);
  if made.is_err() {
    forget_exception(env);
  }
  made
}

fn make(env: &Env, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<sys::napi_value> {
  let (env, mut value, mut memory) = (env.raw(), ptr::null_mut(), ptr::null_mut());
  // SAFETY: on the JavaScript thread, in an open handle scope. The engine gives `length` bytes of new memory, which the
  // value keeps, and which nobody else knows yet.
  unsafe {
    if length < UNZEROED {
      check_status!(sys::napi_create_arraybuffer(
        env,
        length,
        &raw mut memory,
        &raw mut value
      ))?;
    } else {
      let mut buffer = ptr::null_mut();
      check_status!(sys::napi_create_buffer(
        env,
        length,
        &raw mut memory,
        &raw mut buffer
      ))?;
      // The ArrayBuffer below it, all of which it spans; what is not asked for is not written.
      check_status!(sys::napi_get_typedarray_info(
        env,
        buffer,
        ptr::null_mut(),
        ptr::null_mut(),
        ptr::null_mut(),
        &raw mut value,
        ptr::null_mut(),
      ))?;
    }
    if length > 0 {
      fill(slice::from_raw_parts_mut(memory.cast::<u8>(), length));
    }
  }
  Ok(value)
}

/// No memory is an exception, which must not meet whatever JavaScript is called next.
fn forget_exception(env: &Env) {
  let mut exception = ptr::null_mut();
  // SAFETY: on the JavaScript thread.
  unsafe { sys::napi_get_and_clear_last_exception(env.raw(), &raw mut exception) };
}
