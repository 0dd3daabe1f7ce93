//! The wire as tokio-native-tls wants it. During a handshake the library owns its end of the connection, inside a future
//! that gives it away to nobody; so that end is a handle, and the engine has another.
//!
//! The two are never used at the same time, and each holds the lock only while it copies bytes or makes one system call.

use std::{
  io::{self, ErrorKind, Read, Write},
  pin::Pin,
  sync::Arc,
  task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::{
  sync::{Mutex, lock},
  tls::Wire,
};

/// See the module. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipe(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
  wire: Wire,
  /// The library has been told that nothing is there, since this was last taken.
  was_empty: bool,
}

impl Pipe {
  pub(super) fn with<T>(&self, f: impl FnOnce(&mut Wire) -> T) -> T {
    f(&mut lock(&self.0).wire)
  }

  /// Whether the library has found nothing to read since this was asked last.
  pub(super) fn take_was_empty(&self) -> bool {
    std::mem::take(&mut lock(&self.0).was_empty)
  }
}

impl AsyncRead for Pipe {
  fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, memory: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    let mut ends = lock(&self.0);
    match ends.wire.read(memory.initialize_unfilled()) {
      Ok(bytes) => {
        memory.advance(bytes);
        Poll::Ready(Ok(()))
      }
      // Nobody is woken: the engine asks again when it has received something.
      Err(error) if error.kind() == ErrorKind::WouldBlock => {
        ends.was_empty = true;
        Poll::Pending
      }
      Err(error) => Poll::Ready(Err(error)),
    }
  }
}

/// Memory takes all of it, at once.
impl AsyncWrite for Pipe {
  fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    Poll::Ready(self.with(|wire| wire.write(bytes)))
  }

  fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
    Poll::Ready(Ok(()))
  }

  fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
    Poll::Ready(Ok(()))
  }
}
