//! Places where the tests make the engine panic, to show that a panic ends one socket and never the process; and where they refuse
//! OpenSSL its memory. Empty unless the crate is built with the feature `fault-hooks`, which no release is.

/// Panics when the environment variable `MOZ_TCP_SOCKET_PANIC` names this place.
#[cfg(feature = "fault-hooks")]
pub fn point(place: &str) {
  assert!(
    std::env::var("MOZ_TCP_SOCKET_PANIC").as_deref() != Ok(place),
    "fault hook: {place}"
  );
}

/// Does nothing in this build.
#[cfg(not(feature = "fault-hooks"))]
#[inline(always)]
pub fn point(_place: &str) {}

/// Whether OpenSSL gets no memory this time: a library that the tests preload decides that (`__test__/helpers/failsys.c`). Rust's own
/// allocations are left alone, because it ends the process where one fails.
#[cfg(all(feature = "fault-hooks", target_os = "linux"))]
pub fn refuses_memory() -> bool {
  use std::{ffi::c_int, sync::OnceLock};

  type Refuses = unsafe extern "C" fn() -> c_int;
  static REFUSES: OnceLock<Option<Refuses>> = OnceLock::new();
  let refuses = REFUSES.get_or_init(|| {
    let process = libloading::os::unix::Library::this();
    // SAFETY: the one library that has this symbol defines it so, and stays loaded.
    unsafe { process.get(b"failsys_refuses_memory\0").ok().map(|found| *found) }
  });
  // SAFETY: see above; it may be called from any thread.
  refuses.is_some_and(|refuses| unsafe { refuses() } != 0)
}

/// Never in this build.
#[cfg(not(all(feature = "fault-hooks", target_os = "linux")))]
#[inline(always)]
pub fn refuses_memory() -> bool {
  false
}
