//! What the event loop of a JavaScript environment calls, without knowing whom. The doorbell and libuv's handle are C's view
//! of it: they hold a [`LoopClient`], and see to it that no panic unwinds into C.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::sys;

/// All of it is called on the thread of the environment.
pub(super) trait LoopClient {
  /// The doorbell was rung, once. Node has begun a task for this call, and runs microtasks when it returns.
  fn doorbell_rang(&self, env: sys::napi_env);

  /// The doorbell that waits until the loop has come round was rung. As [`LoopClient::doorbell_rang`], a task.
  fn loop_came_round(&self);

  /// A descriptor that is watched is readable. Libuv calls, so that no task has begun.
  #[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "no descriptor is watched there")
  )]
  fn descriptor_is_readable(&self, env: sys::napi_env);

  /// One of the calls above panicked: what it was about to do next is still to be done.
  fn recover(&self);
}

/// Calls `client` from C.
pub(super) fn guarded(client: &dyn LoopClient, call: impl FnOnce(&dyn LoopClient)) {
  if catch_unwind(AssertUnwindSafe(|| call(client))).is_err() {
    client.recover();
  }
}
