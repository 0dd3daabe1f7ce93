//! One way to take a lock: a panic elsewhere must not make a socket unusable.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, also when a thread panicked while it held it. Everything kept under these locks is valid between
/// any two statements, so there is nothing that poisoning would protect.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
  mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
