//! What the operating system tells about a socket and no safe library passes on.

use std::io;

/// Bytes that were written to `socket` and that the peer has not acknowledged; FIN counts as one.
///
/// # Errors
/// The system does not tell.
#[cfg(target_os = "linux")]
pub(in crate::net) fn unacknowledged(socket: &impl std::os::fd::AsRawFd) -> io::Result<usize> {
  let mut bytes: libc::c_int = 0;
  // SAFETY: SIOCOUTQ, which is TIOCOUTQ, writes one int (tcp(7)). A descriptor that is no socket is an error.
  if unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) } == -1 {
    return Err(io::Error::last_os_error());
  }
  Ok(usize::try_from(bytes).unwrap_or(0))
}

/// Bytes that were written to `socket` and that the peer has not acknowledged.
///
/// # Errors
/// Nobody knows here.
#[cfg(not(target_os = "linux"))]
pub(in crate::net) fn unacknowledged<T>(_socket: &T) -> io::Result<usize> {
  Err(io::ErrorKind::Unsupported.into())
}

/// Bytes that wait to be read from `socket`.
///
/// # Errors
/// The system does not tell.
#[cfg(target_os = "linux")]
pub(in crate::net) fn waiting(socket: &impl std::os::fd::AsFd) -> io::Result<usize> {
  let bytes = rustix::io::ioctl_fionread(socket)?;
  Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Bytes that wait to be read.
///
/// # Errors
/// Nobody asks here.
#[cfg(not(target_os = "linux"))]
pub(in crate::net) fn waiting<T>(_socket: &T) -> io::Result<usize> {
  Err(io::ErrorKind::Unsupported.into())
}
