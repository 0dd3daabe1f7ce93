//! What OpenSSL calls back. A panic must not unwind into C, where it would end the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `callback` answers, and `otherwise` where it panics.
pub(super) fn guarded<T>(otherwise: T, callback: impl FnOnce() -> T) -> T {
  catch_unwind(AssertUnwindSafe(callback)).unwrap_or(otherwise)
}
