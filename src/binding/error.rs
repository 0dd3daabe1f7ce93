//! Errors that are thrown at the caller, as opposed to events. The facade turns them into the API's exceptions.

use std::io;

/// An operating system error while listening. The number is carried in front, for the facade to name (`EADDRINUSE`).
pub(super) fn bind_error(error: &io::Error) -> napi::Error {
  napi::Error::from_reason(format!("{}:{error}", error.raw_os_error().unwrap_or_default()))
}
