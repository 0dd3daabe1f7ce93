//! What the system may answer when a datagram is sent or received, and whether that is about this datagram alone. UDP promises nothing, so
//! what is about one datagram loses that one. Only what is wrong with the descriptor itself ends the socket.

use std::io;

/// Whether the socket cannot be used any more.
pub(super) fn is_fatal(error: &io::Error) -> bool {
  error.raw_os_error().is_some_and(|code| FATAL.contains(&code))
}

/// EBADF, ENOTSOCK.
#[cfg(target_os = "linux")]
const FATAL: &[i32] = &[9, 88];

#[cfg(all(unix, not(target_os = "linux")))]
const FATAL: &[i32] = &[9, 38];

/// WSAEBADF, WSAENOTSOCK, WSANOTINITIALISED.
#[cfg(windows)]
const FATAL: &[i32] = &[10_009, 10_038, 10_093];

#[cfg(all(test, target_os = "linux"))]
mod tests {
  use super::*;

  #[test]
  fn what_is_about_one_datagram_does_not_end_the_socket() {
    for (name, code) in [
      ("EPERM", 1),
      ("EACCES", 13),
      ("EMSGSIZE", 90),
      ("ENOBUFS", 105),
      ("ENETUNREACH", 101),
      ("EHOSTUNREACH", 113),
      ("ECONNREFUSED", 111),
    ] {
      assert!(!is_fatal(&io::Error::from_raw_os_error(code)), "{name}");
    }
    assert!(is_fatal(&io::Error::from_raw_os_error(9)), "EBADF");
  }
}
