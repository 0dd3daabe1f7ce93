//! What is asked of the kernel for a connection: calls that do not wait, and are made again where a signal interrupted
//! them.

use std::{
  io::{self, ErrorKind, IoSlice, Read},
  net::SocketAddr,
};

use socket2::{SockRef, Socket as RawSocket};

/// Keeps a write from raising SIGPIPE: whether the process ignores that is up to the application.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;

/// Elsewhere sockets are made so that they never raise it, or there is no such signal.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const NO_SIGNAL: i32 = 0;

/// 0 is the peer's end.
pub(in crate::net) fn receive(socket: &SockRef<'_>, memory: &mut [u8]) -> io::Result<usize> {
  let mut socket: &RawSocket = socket;
  again(|| socket.read(memory))
}

/// A datagram, which is cut where `memory` is shorter, and who sent it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::net) fn receive_from(
  socket: &SockRef<'_>,
  memory: &mut [u8],
) -> io::Result<(usize, SocketAddr)> {
  let memory: *mut [u8] = memory;
  // SAFETY: it is the same memory, and nobody writes to it what is not initialized: the kernel writes bytes.
  let memory = unsafe { &mut *(memory as *mut [std::mem::MaybeUninit<u8>]) };
  let (length, from) = again(|| socket.recv_from(memory))?;
  let from = from.as_socket().ok_or(ErrorKind::InvalidData)?;
  Ok((length, from))
}

pub(in crate::net) fn send(socket: &SockRef<'_>, bytes: &[u8]) -> io::Result<usize> {
  written(|| socket.send_with_flags(bytes, NO_SIGNAL))
}

pub(in crate::net) fn send_vectored(socket: &SockRef<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
  written(|| socket.send_vectored_with_flags(slices, NO_SIGNAL))
}

/// Begins to connect `socket`, which does not block. When it is writable, that is decided.
pub(in crate::net) fn begin_connect(socket: &RawSocket, address: SocketAddr) -> io::Result<()> {
  match again(|| socket.connect(&address.into())) {
    Err(error) if is_under_way(&error) => Ok(()),
    outcome => outcome,
  }
}

#[cfg(unix)]
fn is_under_way(error: &io::Error) -> bool {
  // After an interruption the attempt goes on by itself.
  matches!(
    error.raw_os_error(),
    Some(libc::EINPROGRESS | libc::EALREADY | libc::EISCONN)
  )
}

#[cfg(windows)]
fn is_under_way(error: &io::Error) -> bool {
  error.kind() == ErrorKind::WouldBlock
}

fn written(send: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
  match again(send) {
    Ok(0) => Err(ErrorKind::WriteZero.into()),
    other => other,
  }
}

/// Makes a call that does not wait, again where a signal interrupted it.
pub(in crate::net) fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
  loop {
    match call() {
      Err(error) if error.kind() == ErrorKind::Interrupted => {}
      other => return other,
    }
  }
}
