//! The one native call that a turn with sends costs: `flush(id, start, end, reportDrained)`. Written by hand, because it
//! is called for every message, and a generated method takes ten times as long to find its object and its arguments.

use std::{
  ffi::c_void,
  panic::{AssertUnwindSafe, catch_unwind},
  ptr,
  rc::Rc,
};

use napi::{Env, Error, JsError, Result, bindgen_prelude::Buffer, check_status, sys};

use super::hub::Hub;

/// What the function knows, for as long as it lives.
struct Flusher {
  hub: Rc<Hub>,
  /// Keeps the memory of JavaScript that bytes are taken from, which nobody but the facade has.
  arena: Buffer,
}

/// Makes `flush(id, start, end, reportDrained)`: accepts `arena[start..end]` for socket `id`, lets everything that the
/// socket accepted be written, and returns how many bytes are not written then. With `reportDrained`, `Drained` follows
/// once. It copies what it does not write. For a socket that is closed it returns 0.
pub(super) fn function(env: &Env, hub: Rc<Hub>, arena: Buffer) -> Result<sys::napi_value> {
  let data = Box::into_raw(Box::new(Flusher { hub, arena })).cast::<c_void>();
  let (env, mut function) = (env.raw(), ptr::null_mut());
  // SAFETY: on the JavaScript thread, with its environment. `data` is given back by `finalize`, which Node calls when
  // the function was collected, after the last `flush`.
  unsafe {
    let name = c"flush";
    let made = check_status!(sys::napi_create_function(
      env,
      name.as_ptr(),
      name.count_bytes() as isize,
      Some(flush),
      data,
      &raw mut function
    ))
    .and_then(|()| {
      let finalize: sys::napi_finalize = Some(finalize);
      check_status!(sys::napi_add_finalizer(
        env,
        function,
        data,
        finalize,
        ptr::null_mut(),
        ptr::null_mut()
      ))
    });
    if let Err(error) = made {
      drop(Box::from_raw(data.cast::<Flusher>()));
      return Err(error);
    }
  }
  Ok(function)
}

unsafe extern "C" fn finalize(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
  // SAFETY: the box made in `function`, given back once.
  drop(unsafe { Box::from_raw(data.cast::<Flusher>()) });
}

unsafe extern "C" fn flush(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
  let (mut arguments, mut count, mut data) = ([ptr::null_mut(); 4], 4, ptr::null_mut());
  let (mut id, mut start, mut end, mut report_drained) = (0, 0, 0, false);
  // SAFETY: called by Node with its environment. What is not a number or a boolean leaves its variable as it is, and
  // `data` is the box made in `function`.
  let flusher = unsafe {
    sys::napi_get_cb_info(
      env,
      info,
      &raw mut count,
      arguments.as_mut_ptr(),
      ptr::null_mut(),
      &raw mut data,
    );
    sys::napi_get_value_uint32(env, arguments[0], &raw mut id);
    sys::napi_get_value_uint32(env, arguments[1], &raw mut start);
    sys::napi_get_value_uint32(env, arguments[2], &raw mut end);
    sys::napi_get_value_bool(env, arguments[3], &raw mut report_drained);
    &*data.cast::<Flusher>()
  };
  let flushed = catch_unwind(AssertUnwindSafe(|| {
    crate::fault::point("flush");
    let bytes = flusher.arena.get(start as usize..end as usize)?;
    Some(flusher.hub.flush(id, bytes, report_drained))
  }));
  let mut result = ptr::null_mut();
  // SAFETY: as above. Without a result, `undefined` is returned, or the exception is thrown.
  unsafe {
    match flushed {
      Ok(Some(unwritten)) => {
        sys::napi_create_double(env, unwritten as f64, &raw mut result);
      }
      Ok(None) => {
        sys::napi_throw_range_error(env, ptr::null(), c"flush: out of bounds".as_ptr());
      }
      Err(panic) => {
        let reason = panic
          .downcast_ref::<String>()
          .map_or("flush panicked", |text| text);
        JsError::from(Error::from_reason(reason)).throw_into(env);
      }
    }
  }
  result
}
