//! What `setPolicy` decided, for the process: the addon is the one thing that all copies of the facade have in common, in
//! workers, in the sandboxes of test runners, and when it is loaded again. The facade alone knows what the number means.

use std::sync::atomic::{AtomicU32, Ordering};

use napi_derive::napi;

/// 0 until somebody decides. A number of its own, which orders nothing else.
static POLICY: AtomicU32 = AtomicU32::new(0);

/// From now on `processPolicy()` is `policy`, in every thread.
#[napi(catch_unwind)]
pub fn set_process_policy(policy: u32) {
  POLICY.store(policy, Ordering::Relaxed);
}

/// What was set last, in any thread; 0 if nothing was.
#[napi(catch_unwind)]
pub fn process_policy() -> u32 {
  POLICY.load(Ordering::Relaxed)
}
