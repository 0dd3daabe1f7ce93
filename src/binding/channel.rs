//! The way into one JavaScript realm. A test runner loads the facade once for each of its sandboxes, all in the same
//! environment; each copy registers its callbacks here.

use std::{cell::Cell, ptr, rc::Rc};

use napi::{
  Env, JsValue, Result,
  bindgen_prelude::{Function, Unknown},
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
  /// `dispatch(id, kind, …)` is called with each event, see `EventKind`. `in_loop`: the environment's own loop may watch plain connections. The first channel of an environment decides.
  #[napi(constructor, catch_unwind)]
  pub fn new(env: &Env, dispatch: Function<'_, Unknown<'_>, Unknown<'_>>, in_loop: bool) -> Result<Self> {
    crate::fault::point("EventChannel");
    let dispatch = Callback::new(env, dispatch.raw())?;
    Ok(Self {
      inner: Rc::new(Channel {
        hub: Hub::of(env, in_loop)?,
        dispatch,
        live: Cell::new(0),
      }),
    })
  }

  /// Where bytes go that are sent in a turn: an arena of `ARENA` bytes, and the functions of
  /// [`outbound`](super::outbound) on it. All sockets of this channel share it.
  #[napi(
    catch_unwind,
    ts_return_type = "{ writeText(at: number, text: string): number; writeBytes(at: number, bytes: Uint8Array): number; stage(id: number, start: number, end: number): number; flush(id: number, start: number, end: number, reportDrained: boolean): number }"
  )]
  pub fn outbound(&self, env: &Env) -> Result<Unknown<'_>> {
    let object = super::outbound::object(env, Rc::clone(&self.inner.hub))?;
    // SAFETY: a value that was made just now, in the scope of this call.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), object) })
  }
}

/// Bytes of the arena of [`EventChannel::outbound`].
#[napi]
pub const ARENA: u32 = super::outbound::ARENA as u32;

/// The inside of an [`EventChannel`].
pub(super) struct Channel {
  pub(super) hub: Rc<Hub>,
  dispatch: Callback,
  /// Sockets and listeners that are not closed. While there are any, the realm is kept from collection.
  live: Cell<u32>,
}

impl Channel {
  pub(super) fn dispatch(&self, env: sys::napi_env, arguments: &[sys::napi_value]) {
    self.dispatch.call(env, arguments);
  }

  pub(super) fn opened(&self) {
    self.live.set(self.live.get() + 1);
    if self.live.get() == 1 {
      self.dispatch.hold();
    }
  }

  pub(super) fn closed(&self) {
    self.live.set(self.live.get() - 1);
    if self.live.get() == 0 {
      self.dispatch.let_go();
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
