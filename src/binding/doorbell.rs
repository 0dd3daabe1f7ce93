//! A threadsafe function that wakes the JavaScript thread of an environment. It carries no data: it only makes that thread call a
//! [`LoopClient`], once for each ring. Events wait in a queue of ours, where their order is kept and their memory is ours.
//!
//! Node is used directly here because what matters is exactly what wrappers hide: one item is one task (Node runs
//! `process.nextTick` and microtasks after it), and an item that arrives without an environment must do nothing.
//!
//! What the JavaScript thread itself has to tell, such as that everything is written, need not cross threads: where the
//! loop watches a poll set, that thread's ring sets the alarm of the set instead, which makes the loop look at it.

use std::{
  ffi::c_void,
  ptr,
  thread::{self, ThreadId},
};

use napi::{Error, Result, Status, check_status, sys};

use super::{
  loop_client::{LoopClient, guarded},
  poll_set::Alarm,
  queue::Bell,
};

/// A handle to the threadsafe function. Rings from any thread; the rest belongs to the JavaScript thread.
pub(super) struct Doorbell {
  function: sys::napi_threadsafe_function,
  /// The JavaScript thread.
  owner: ThreadId,
  /// What that thread sets instead of ringing, where there is a poll set.
  alarm: Option<Alarm>,
}

// SAFETY: Node-API allows `napi_call_threadsafe_function` from any thread. The handle stays valid until the
// environment's cleanup, and the queue loses its doorbell, under the lock that every ring holds, before that.
unsafe impl Send for Doorbell {}

impl Doorbell {
  /// Makes a doorbell that calls [`LoopClient::doorbell_rang`], and does not keep the process alive. `alarm` is what makes the
  /// loop call the client on the JavaScript thread itself.
  pub(super) fn new(env: sys::napi_env, client: Box<dyn LoopClient>, alarm: Option<Alarm>) -> Result<Self> {
    let call = |client: &dyn LoopClient, env| client.doorbell_rang(env);
    Self::answered_by(env, Answer { client, call }, alarm)
  }

  /// Makes a doorbell that calls [`LoopClient::loop_came_round`]. Rung by what another doorbell calls, it calls in the next
  /// iteration of the loop: libuv answers each handle once in an iteration.
  pub(super) fn later(env: sys::napi_env, client: Box<dyn LoopClient>) -> Result<Self> {
    let call = |client: &dyn LoopClient, _env| client.loop_came_round();
    Self::answered_by(env, Answer { client, call }, None)
  }

  fn answered_by(env: sys::napi_env, called: Answer, alarm: Option<Alarm>) -> Result<Self> {
    let resource = async_resource(env)?;
    let name = c"moz-tcp-socket".to_bytes();
    let context = Box::into_raw(Box::new(called)).cast::<c_void>();
    let mut resource_name = ptr::null_mut();
    let mut function = ptr::null_mut();
    // SAFETY: `env` is the current environment on its own thread. `context` is given back by `finalize`, which Node calls
    // after the last `answer`.
    let status = unsafe {
      sys::napi_create_string_utf8(
        env,
        name.as_ptr().cast(),
        name.len() as isize,
        &raw mut resource_name,
      );
      sys::napi_create_threadsafe_function(
        env,
        ptr::null_mut(),
        resource,
        resource_name,
        0, // Unbounded; the queue never has more than one ring outstanding.
        1,
        ptr::null_mut(),
        Some(finalize),
        context,
        Some(answer),
        &raw mut function,
      )
    };
    if status != sys::Status::napi_ok {
      // SAFETY: Node did not take the box.
      drop(unsafe { Box::from_raw(context.cast::<Answer>()) });
      return Err(Error::new(
        Status::from(status),
        "cannot create the threadsafe function",
      ));
    }
    let doorbell = Self {
      function,
      owner: thread::current().id(),
      alarm,
    };
    doorbell.keep_alive(env, false)?;
    Ok(doorbell)
  }

  /// Whether the event loop waits for this doorbell. JavaScript thread only.
  pub(super) fn keep_alive(&self, env: sys::napi_env, keep: bool) -> Result<()> {
    // SAFETY: on the JavaScript thread, with its environment.
    check_status!(unsafe {
      if keep {
        sys::napi_ref_threadsafe_function(env, self.function)
      } else {
        sys::napi_unref_threadsafe_function(env, self.function)
      }
    })
  }
}

impl Bell for Doorbell {
  /// Makes the JavaScript thread call the client once.
  fn ring(&self) {
    if let Some(alarm) = &self.alarm
      && thread::current().id() == self.owner
    {
      return alarm.set();
    }
    // SAFETY: see `Send`. A queue that is closing answers with an error, which is fine: nobody is there.
    unsafe {
      sys::napi_call_threadsafe_function(
        self.function,
        ptr::null_mut(),
        sys::ThreadsafeFunctionCallMode::nonblocking,
      )
    };
  }
}

/// Who answers a doorbell, and how.
struct Answer {
  client: Box<dyn LoopClient>,
  call: fn(&dyn LoopClient, sys::napi_env),
}

/// The object that stands for the doorbell where tools list what is open. It says that it is nothing to wait for:
/// sockets are, and are listed themselves.
fn async_resource(env: sys::napi_env) -> Result<sys::napi_value> {
  unsafe extern "C" fn has_ref(env: sys::napi_env, _info: sys::napi_callback_info) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: called by Node with its environment.
    unsafe { sys::napi_get_boolean(env, false, &raw mut value) };
    value
  }
  let (mut resource, mut function) = (ptr::null_mut(), ptr::null_mut());
  // SAFETY: `env` is the current environment on its own thread.
  unsafe {
    check_status!(sys::napi_create_object(env, &raw mut resource))?;
    check_status!(sys::napi_create_function(
      env,
      ptr::null(),
      0,
      Some(has_ref),
      ptr::null_mut(),
      &raw mut function
    ))?;
    check_status!(sys::napi_set_named_property(
      env,
      resource,
      c"hasRef".as_ptr(),
      function
    ))?;
  }
  Ok(resource)
}

/// What Node calls on the JavaScript thread, once for each ring; without an environment when it is tearing down.
unsafe extern "C" fn answer(
  env: sys::napi_env,
  _function: sys::napi_value,
  context: *mut c_void,
  _data: *mut c_void,
) {
  if env.is_null() {
    return;
  }
  // SAFETY: the box made in `answered_by`, alive until `finalize`.
  let Answer { client, call } = unsafe { &*context.cast::<Answer>() };
  guarded(&**client, |client| call(client, env));
}

unsafe extern "C" fn finalize(_env: sys::napi_env, _data: *mut c_void, context: *mut c_void) {
  // SAFETY: the box made in `answered_by`, given back once.
  drop(unsafe { Box::from_raw(context.cast::<Answer>()) });
}
