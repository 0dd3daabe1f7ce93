//! Errors that are thrown at the caller, as opposed to events, which the facade turns into the API's exceptions; and what
//! applications throw at us.

use std::io;

use napi::{
  Env, Result,
  bindgen_prelude::{JsValue, Unknown},
  check_status, sys,
};
use napi_derive::napi;

/// Reports what a handler threw as an uncaught exception. Returns where a listener of the process takes it. JavaScript
/// itself could only throw it once more, from a function that is called later; but those that call later are what test
/// runners replace.
#[napi(catch_unwind)]
pub fn report_exception(env: &Env, thrown: Unknown<'_>) -> Result<()> {
  // SAFETY: on the JavaScript thread, with a value of this call.
  check_status!(unsafe { sys::napi_fatal_exception(env.raw(), thrown.raw()) })
}

/// An operating system error while listening. The number is carried in front, for the facade to name (`EADDRINUSE`).
pub(super) fn bind_error(error: &io::Error) -> napi::Error {
  napi::Error::from_reason(format!("{}:{error}", error.raw_os_error().unwrap_or_default()))
}
