//! Places where the tests make the engine panic, to show that a panic ends one socket and never the process. Empty
//! unless the crate is built with the feature `fault-hooks`, which no release is.

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
