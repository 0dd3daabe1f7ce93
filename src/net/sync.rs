//! What threads share goes through these types, and there is one way to take a lock: a panic elsewhere must not make a
//! socket unusable.
//!
//! Under `cfg(loom_model)` the unit tests get loom's lock and atomics instead of the standard ones, and the models among
//! them try every order in which threads can use them:
//! `RUSTFLAGS="--cfg loom_model" cargo test --release --lib --target-dir target/loom loom_model`

use std::sync::PoisonError;

#[cfg(all(test, loom_model))]
pub use loom::sync::{
  Mutex, MutexGuard,
  atomic::{AtomicBool, AtomicUsize},
};
#[cfg(not(all(test, loom_model)))]
pub use std::sync::{
  Mutex, MutexGuard,
  atomic::{AtomicBool, AtomicUsize},
};

/// Locks `mutex`, also when a thread panicked while it held it. Everything kept under these locks is valid between
/// any two statements, so there is nothing that poisoning would protect.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
  mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
