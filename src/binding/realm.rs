//! One JavaScript realm: the function of the facade that takes its events, and how many sockets hold it. A test runner
//! loads the facade once for each of its sandboxes, all in the same environment, and each copy is a realm of its own.

use std::{cell::Cell, ptr};

use napi::{Env, Result, check_status, sys};

use super::inbound::Inbound;

/// Where the events of one realm's sockets and listeners go.
pub(super) struct Realm {
  dispatch: Callback,
  /// Sockets and listeners that are not closed. While there are any, the realm is kept from collection.
  live: Cell<u32>,
  pub(super) inbound: Inbound,
}

impl Realm {
  /// `dispatch`, a value of this call, is the JavaScript function that is called with each event.
  pub(super) fn new(env: &Env, dispatch: sys::napi_value) -> Result<Self> {
    Ok(Self {
      dispatch: Callback::new(env, dispatch)?,
      live: Cell::new(0),
      inbound: Inbound::default(),
    })
  }

  /// Calls `dispatch(…arguments)` as a task. The caller has an open handle scope in `env`.
  pub(super) fn dispatch(&self, env: sys::napi_env, arguments: &[sys::napi_value]) {
    self.dispatch.call(env, arguments);
  }

  /// There is a socket or listener more.
  pub(super) fn opened(&self) {
    self.live.set(self.live.get() + 1);
    if self.live.get() == 1 {
      self.dispatch.hold();
    }
  }

  /// One of them is closed.
  pub(super) fn closed(&self) {
    self.live.set(self.live.get() - 1);
    if self.live.get() == 0 {
      self.dispatch.let_go();
      self.inbound.let_go();
    }
  }

  /// Whether there is any.
  pub(super) fn is_live(&self) -> bool {
    self.live.get() > 0
  }
}

/// A JavaScript function that is kept alive only when asked to.
struct Callback {
  env: sys::napi_env,
  reference: sys::napi_ref,
}

impl Callback {
  fn new(env: &Env, function: sys::napi_value) -> Result<Self> {
    let mut reference = ptr::null_mut();
    // SAFETY: `function` is a live value of this call; a count of 0 makes the reference weak.
    check_status!(unsafe { sys::napi_create_reference(env.raw(), function, 0, &raw mut reference) })?;
    Ok(Self {
      env: env.raw(),
      reference,
    })
  }

  fn hold(&self) {
    // SAFETY: on the JavaScript thread (nothing here is `Send`), with a reference that lives until `drop`.
    unsafe { sys::napi_reference_ref(self.env, self.reference, ptr::null_mut()) };
  }

  fn let_go(&self) {
    // SAFETY: as in `hold`.
    unsafe { sys::napi_reference_unref(self.env, self.reference, ptr::null_mut()) };
  }

  /// Calls the function, unless it was collected, which can only be while it is not held. What it throws becomes an uncaught
  /// exception, with the very value that was thrown.
  fn call(&self, env: sys::napi_env, arguments: &[sys::napi_value]) {
    let (mut function, mut global, mut result) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the caller has an open handle scope in `env`; `arguments` are values of that scope.
    unsafe {
      sys::napi_get_reference_value(env, self.reference, &raw mut function);
      if function.is_null() {
        return;
      }
      sys::napi_get_global(env, &raw mut global);
      // A task: Node runs microtasks after it. Within the doorbell's own task, that comes when the doorbell is done.
      let status = sys::napi_make_callback(
        env,
        ptr::null_mut(),
        global,
        function,
        arguments.len(),
        arguments.as_ptr(),
        &raw mut result,
      );
      if status == sys::Status::napi_pending_exception {
        let mut thrown = ptr::null_mut();
        sys::napi_get_and_clear_last_exception(env, &raw mut thrown);
        sys::napi_fatal_exception(env, thrown);
      }
    }
  }
}

impl Drop for Callback {
  fn drop(&mut self) {
    // SAFETY: as in `hold`; nobody uses the reference after this.
    unsafe { sys::napi_delete_reference(self.env, self.reference) };
  }
}
