//! Which socket is read only when JavaScript asks for it. In between it is suspended, so that what nobody wants stays in the kernel. Whoever
//! asks may give the memory to read into; it is looked up when there is something to read, because it may be gone by then.

use std::{
  cell::{Cell, RefCell},
  ptr, slice,
};

use napi::{Env, Result, check_status, sys};

use super::memory::of_uint8_array;
use crate::net::Input;

/// What is asked for. Of a socket that is not read on demand, nothing ever is.
#[derive(Default)]
pub(super) struct Demand {
  is_used: Cell<bool>,
  memory: RefCell<Option<Memory>>,
}

impl Demand {
  /// From now on the socket is read on demand.
  pub(super) fn begin(&self) {
    self.is_used.set(true);
  }

  pub(super) fn is_used(&self) -> bool {
    self.is_used.get()
  }

  /// Gives the memory of `view`, a Uint8Array, to read into the next time. What is none of them gives nothing.
  pub(super) fn give(&self, env: sys::napi_env, view: sys::napi_value) -> Result<()> {
    let mut is_view = false;
    // SAFETY: on the JavaScript thread, with a value of this call.
    unsafe { sys::napi_is_typedarray(env, view, &raw mut is_view) };
    let memory = is_view.then(|| Memory::of(env, view)).transpose()?;
    self.memory.replace(memory);
    Ok(())
  }

  /// The demand was met, or nobody wants anything any more.
  pub(super) fn met(&self) {
    self.memory.take();
  }

  /// Calls `read` with the memory that was given. `None` where there is none, or it is gone.
  pub(super) fn with_memory(&self, env: &Env, read: impl FnOnce(&mut [u8]) -> Input) -> Option<Input> {
    let memory = self.memory.borrow();
    memory.as_ref()?.with(env, read)
  }
}

/// A Uint8Array of JavaScript's, which is not collected meanwhile.
struct Memory {
  env: sys::napi_env,
  reference: sys::napi_ref,
}

impl Memory {
  fn of(env: sys::napi_env, view: sys::napi_value) -> Result<Self> {
    let mut reference = ptr::null_mut();
    // SAFETY: `view` is a live object of this call.
    check_status!(unsafe { sys::napi_create_reference(env, view, 1, &raw mut reference) })?;
    Ok(Self { env, reference })
  }

  fn with(&self, env: &Env, read: impl FnOnce(&mut [u8]) -> Input) -> Option<Input> {
    let mut view = ptr::null_mut();
    // SAFETY: on the JavaScript thread, in an open handle scope.
    unsafe { sys::napi_get_reference_value(env.raw(), self.reference, &raw mut view) };
    match of_uint8_array(env.raw(), view) {
      // SAFETY: so many bytes of JavaScript's, which does not run while `read` has them.
      Some((memory, length @ 1..)) => Some(read(unsafe { slice::from_raw_parts_mut(memory, length) })),
      _ => None,
    }
  }
}

impl Drop for Memory {
  fn drop(&mut self) {
    // SAFETY: on the JavaScript thread (nothing here is `Send`); nobody uses the reference after this.
    unsafe { sys::napi_delete_reference(self.env, self.reference) };
  }
}
