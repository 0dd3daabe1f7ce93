//! Which version of the engine this is: a package manager can put the binary of one version beside the JavaScript of
//! another, and `lib/native.js` compares.

use napi_derive::napi;

/// The version in `Cargo.toml`, which is that of `package.json`.
#[napi(catch_unwind)]
#[must_use]
pub fn engine_version() -> &'static str {
  env!("CARGO_PKG_VERSION")
}
