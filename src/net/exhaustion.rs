//! When the system has no descriptor or memory left.

use std::{io, time::Duration};

use socket2::{Domain, Socket, Type};

/// How long to wait for connections to be closed that were to make room.
pub(super) const ROOM_DELAY: Duration = Duration::from_millis(5);

/// What the system says where there is no descriptor left now. A lookup needs some, and does not say that it had none.
pub(super) fn exhausted() -> Option<io::Error> {
  Socket::new(Domain::IPV4, Type::STREAM, None)
    .err()
    .filter(is_exhaustion)
}

/// The system has no descriptor or memory left.
pub(super) fn is_exhaustion(error: &io::Error) -> bool {
  const EXHAUSTED: &[i32] = if cfg!(windows) {
    &[10024, 10055] // WSAEMFILE, WSAENOBUFS
  } else if cfg!(target_vendor = "apple") {
    &[12, 23, 24, 55] // ENOMEM, ENFILE, EMFILE, ENOBUFS
  } else {
    &[12, 23, 24, 105] // ENOMEM, ENFILE, EMFILE, ENOBUFS
  };
  error.raw_os_error().is_some_and(|code| EXHAUSTED.contains(&code))
}
