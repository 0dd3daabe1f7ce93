//! The way into one JavaScript realm. A test runner loads the facade once for each of its sandboxes, all in the same
//! environment; each copy registers its callbacks here.

use std::{cell::Cell, ptr, rc::Rc};

use napi::{
  Env, JsValue, Result,
  bindgen_prelude::{Buffer, Function, Unknown},
  check_status, sys,
};
use napi_derive::napi;

use super::hub::Hub;

/// Where the events of one realm's sockets go.
#[napi]
pub struct EventChannel {
  pub(super) inner: Rc<Channel>,
}

#[napi]
impl EventChannel {
  /// `dispatch(id, kind, …)` is called with each event, see `EventKind`. `defer()` is called when the event loop
  /// should run before more events are delivered; it must call `resumeDelivery` from a later turn of the loop.
  /// `in_loop`: the environment's own loop may watch plain connections. The first channel of an environment decides.
  #[napi(constructor, catch_unwind)]
  pub fn new(
    env: &Env,
    dispatch: Function<'_, Unknown<'_>, Unknown<'_>>,
    defer: Function<'_, (), Unknown<'_>>,
    in_loop: bool,
  ) -> Result<Self> {
    crate::fault::point("EventChannel");
    let (dispatch, defer) = (
      Callback::new(env, dispatch.raw())?,
      Callback::new(env, defer.raw())?,
    );
    Ok(Self {
      inner: Rc::new(Channel {
        hub: Hub::of(env, in_loop)?,
        dispatch,
        defer,
        live: Cell::new(0),
      }),
    })
  }

  /// Makes the function `flush(id, start, end, reportDrained)`, which sends `arena[start..end]` on the socket `id`,
  /// behind everything staged, and returns how many bytes of the socket are not written then. With `reportDrained`,
  /// `Drained` follows once.
  #[napi(
    catch_unwind,
    ts_return_type = "(id: number, start: number, end: number, reportDrained: boolean) => number"
  )]
  pub fn flusher(&self, env: &Env, arena: Buffer) -> Result<Unknown<'_>> {
    let function = super::flush::function(env, Rc::clone(&self.inner.hub), arena)?;
    // SAFETY: a value that was made just now, in the scope of this call.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), function) })
  }
}

/// The inside of an [`EventChannel`].
pub(super) struct Channel {
  pub(super) hub: Rc<Hub>,
  dispatch: Callback,
  defer: Callback,
  /// Sockets and listeners that are not closed. While there are any, the realm is kept from collection.
  live: Cell<u32>,
}

impl Channel {
  pub(super) fn dispatch(&self, env: sys::napi_env, arguments: &[sys::napi_value]) {
    self.dispatch.call(env, arguments);
  }

  /// `false` when the realm is gone, so that nobody will call `resumeDelivery`.
  pub(super) fn defer(&self, env: sys::napi_env) -> bool {
    self.defer.call(env, &[])
  }

  pub(super) fn opened(&self) {
    self.live.set(self.live.get() + 1);
    if self.live.get() == 1 {
      self.dispatch.hold();
      self.defer.hold();
    }
  }

  pub(super) fn closed(&self) {
    self.live.set(self.live.get() - 1);
    if self.live.get() == 0 {
      self.dispatch.let_go();
      self.defer.let_go();
    }
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

  /// Calls the function. What it throws becomes an uncaught exception, with the very value that was thrown. `false`
  /// when the function was collected, which can only be while it is not held.
  fn call(&self, env: sys::napi_env, arguments: &[sys::napi_value]) -> bool {
    let (mut function, mut global, mut result) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the caller has an open handle scope in `env`; `arguments` are values of that scope.
    unsafe {
      sys::napi_get_reference_value(env, self.reference, &raw mut function);
      if function.is_null() {
        return false;
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
    true
  }
}

impl Drop for Callback {
  fn drop(&mut self) {
    // SAFETY: as in `hold`; nobody uses the reference after this.
    unsafe { sys::napi_delete_reference(self.env, self.reference) };
  }
}
