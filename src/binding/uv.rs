//! The event loop of the JavaScript thread, libuv's, as far as Node lends it: it watches one descriptor. What a program
//! that embeds no libuv does not export is looked up at run time, so that the addon loads there all the same. Linux only, as the
//! poll set is that there would be to watch.

use std::ffi::{c_int, c_void};

use napi::{Result, bindgen_prelude::Env, check_status, sys};
use once_cell::sync::OnceCell;

use super::loop_client::{LoopClient, guarded};

/// `uv_handle_type`, part of libuv's stable ABI.
const UV_POLL: c_int = 8;
/// `uv_poll_event`.
const UV_READABLE: c_int = 1;

/// Opaque; libuv says how large it is.
type Handle = c_void;
type PollCallback = unsafe extern "C" fn(*mut Handle, c_int, c_int);
type CloseCallback = unsafe extern "C" fn(*mut Handle);

struct Libuv {
  handle_size: unsafe extern "C" fn(c_int) -> usize,
  poll_init: unsafe extern "C" fn(*mut sys::uv_loop_s, *mut Handle, c_int) -> c_int,
  poll_start: unsafe extern "C" fn(*mut Handle, c_int, PollCallback) -> c_int,
  unref: unsafe extern "C" fn(*mut Handle),
  close: unsafe extern "C" fn(*mut Handle, CloseCallback),
  set_data: unsafe extern "C" fn(*mut Handle, *mut c_void),
  get_data: unsafe extern "C" fn(*const Handle) -> *mut c_void,
}

/// What the process exports; `None` where that is not all of it.
fn libuv() -> Option<&'static Libuv> {
  static LIBUV: OnceCell<Option<Libuv>> = OnceCell::new();
  LIBUV.get_or_init(look_up).as_ref()
}

fn look_up() -> Option<Libuv> {
  let process = libloading::os::unix::Library::this();
  // SAFETY: names and types as in libuv's uv.h, version 1, whose ABI is stable.
  unsafe {
    Some(Libuv {
      handle_size: *process.get(b"uv_handle_size\0").ok()?,
      poll_init: *process.get(b"uv_poll_init\0").ok()?,
      poll_start: *process.get(b"uv_poll_start\0").ok()?,
      unref: *process.get(b"uv_unref\0").ok()?,
      close: *process.get(b"uv_close\0").ok()?,
      set_data: *process.get(b"uv_handle_set_data\0").ok()?,
      get_data: *process.get(b"uv_handle_get_data\0").ok()?,
    })
  }
}

/// Whether [`watch`] can work here.
pub(super) fn is_there() -> bool {
  libuv().is_some()
}

struct Watch {
  env: sys::napi_env,
  client: Box<dyn LoopClient>,
  /// The memory of the handle, aligned for anything. Libuv has its address, so it is a Box again in `closed` only.
  memory: *mut [u128],
  /// What the end of the environment waits for.
  hook: sys::napi_async_cleanup_hook_handle,
}

/// Lets the loop of this environment call [`LoopClient::descriptor_is_readable`] whenever `descriptor` is, until the environment
/// ends. Does not keep the process alive.
pub(super) fn watch(env: &Env, descriptor: c_int, client: Box<dyn LoopClient>) -> Result<()> {
  let env = env.raw();
  let unavailable = || napi::Error::from_reason("no event loop to watch a descriptor with");
  let libuv = libuv().ok_or_else(unavailable)?;
  let mut uv_loop = std::ptr::null_mut();
  // SAFETY: on the JavaScript thread, which runs this loop. The handle is closed, and its memory given back, by
  // `unwatch` and `closed`, and nobody moves it before.
  unsafe {
    check_status!(sys::napi_get_uv_event_loop(env, &raw mut uv_loop))?;
    let memory = vec![0_u128; (libuv.handle_size)(UV_POLL).div_ceil(size_of::<u128>())];
    let memory = Box::into_raw(memory.into_boxed_slice());
    let handle = memory.cast::<Handle>();
    if (libuv.poll_init)(uv_loop, handle, descriptor) != 0 {
      // Libuv knows nothing of it.
      drop(Box::from_raw(memory));
      return Err(unavailable());
    }
    let watch = Box::new(Watch {
      env,
      client,
      memory,
      hook: std::ptr::null_mut(),
    });
    (libuv.set_data)(handle, Box::into_raw(watch).cast());
    (libuv.unref)(handle);
    let hooked = check_status!(sys::napi_add_async_cleanup_hook(
      env,
      Some(unwatch),
      handle,
      std::ptr::null_mut()
    ));
    if let Err(error) = hooked {
      (libuv.close)(handle, closed);
      return Err(error);
    }
    // Should it fail, the hook closes the handle.
    if (libuv.poll_start)(handle, UV_READABLE, readable) != 0 {
      return Err(unavailable());
    }
  }
  Ok(())
}

/// The descriptor is readable.
unsafe extern "C" fn readable(handle: *mut Handle, _status: c_int, _events: c_int) {
  let Some(libuv) = libuv() else { return };
  // SAFETY: called by the loop on the JavaScript thread, with the handle that `watch` gave it, before `closed`.
  let watch = unsafe { &*(libuv.get_data)(handle).cast::<Watch>() };
  guarded(&*watch.client, |client| client.descriptor_is_readable(watch.env));
}

/// The environment ends: it waits until the hook is removed.
unsafe extern "C" fn unwatch(hook: sys::napi_async_cleanup_hook_handle, handle: *mut c_void) {
  let Some(libuv) = libuv() else { return };
  // SAFETY: called by Node once, on the JavaScript thread. The watch lives until `closed`.
  unsafe {
    (*(libuv.get_data)(handle).cast::<Watch>()).hook = hook;
    (libuv.close)(handle, closed);
  }
}

unsafe extern "C" fn closed(handle: *mut Handle) {
  let Some(libuv) = libuv() else { return };
  // SAFETY: called by the loop once, after which it has forgotten the handle.
  unsafe {
    let watch = Box::from_raw((libuv.get_data)(handle).cast::<Watch>());
    if !watch.hook.is_null() {
      sys::napi_remove_async_cleanup_hook(watch.hook);
    }
    drop(Box::from_raw(watch.memory));
  }
}
