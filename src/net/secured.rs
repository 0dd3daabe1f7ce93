//! A TLS connection, which its task and its owner share. The task reads, and does what takes time; but the owner may write
//! from its own thread, as long as nobody else is at the connection: waking a thread for each message would take longer
//! than encrypting it.

use std::{
  io,
  pin::Pin,
  sync::Arc,
  task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
  sync::{Mutex, lock},
  tls::{self, Stream, TlsInfo},
  transport::Tcp,
};

/// Clones are the same connection. The lock is held for single steps that do not block.
#[derive(Clone)]
pub struct Secured(Arc<Mutex<Stream>>);

impl Secured {
  /// After a successful handshake.
  pub fn new(stream: Stream) -> Self {
    Self(Arc::new(Mutex::new(stream)))
  }

  /// What the handshake led to.
  pub fn info(&self) -> TlsInfo {
    tls::tls_info(&lock(&self.0))
  }

  /// Writes what can be written of `data` without waiting; returns how many bytes. Whatever is in the way, the task will
  /// find as well, an error of the system in [`Tcp::write_error`]: what is left must be written by it next, from the same
  /// bytes.
  pub(super) fn try_write(&self, data: &[u8]) -> usize {
    let Ok(mut stream) = self.0.try_lock() else {
      return 0;
    };
    crate::fault::point("write");
    let mut cx = Context::from_waker(Waker::noop());
    let mut written = 0;
    while let Poll::Ready(Ok(more @ 1..)) = Pin::new(&mut *stream).poll_write(&mut cx, &data[written..]) {
      written += more;
      if written == data.len() {
        break;
      }
    }
    written
  }

  /// Ends our side without waiting for anything: with a close_notify if the kernel takes that now. Where a record is
  /// half written there can be none, and OpenSSL waits for the rest of that record without asking anybody to wake it.
  pub(super) fn shutdown_now(&self) {
    let mut stream = lock(&self.0);
    let mut cx = Context::from_waker(Waker::noop());
    // What fails or is pending is no longer of interest; FIN never is.
    let _ = Pin::new(&mut *stream).poll_shutdown(&mut cx);
    let _ = Pin::new(tls::tcp_mut(&mut stream)).poll_shutdown(&mut cx);
  }

  pub(super) fn with_tcp<T>(&self, f: impl FnOnce(&Tcp) -> T) -> T {
    f(tls::tcp(&lock(&self.0)))
  }
}

/// Where TCP failed to write, that and not what TLS made of it: OpenSSL calls it an error of its own, for which it has no
/// reason.
fn in_systems_words(stream: &Stream, error: io::Error) -> io::Error {
  tls::tcp(stream).write_error().unwrap_or(error)
}

impl AsyncRead for Secured {
  /// As any reader; but the end of the stream without close_notify is the error `UnexpectedEof`.
  fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    let mut stream = lock(&self.0);
    let before = buf.filled().len();
    ready!(Pin::new(&mut *stream).poll_read(cx, buf)).map_err(|error| match error.raw_os_error() {
      Some(_) => in_systems_words(&stream, error),
      // TLS itself, whose word explains more: an alert of the peer's.
      None => error,
    })?;
    if buf.filled().len() == before && tls::tcp(&stream).is_at_end() {
      return Poll::Ready(Err(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the peer ended the connection without ending TLS (no close_notify); data may be missing",
      )));
    }
    Poll::Ready(Ok(()))
  }
}

impl AsyncWrite for Secured {
  fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
    let mut stream = lock(&self.0);
    let written = ready!(Pin::new(&mut *stream).poll_write(cx, buf));
    Poll::Ready(written.map_err(|error| in_systems_words(&stream, error)))
  }

  fn poll_write_vectored(
    self: Pin<&mut Self>,
    cx: &mut Context<'_>,
    bufs: &[io::IoSlice<'_>],
  ) -> Poll<io::Result<usize>> {
    let mut stream = lock(&self.0);
    let written = ready!(Pin::new(&mut *stream).poll_write_vectored(cx, bufs));
    Poll::Ready(written.map_err(|error| in_systems_words(&stream, error)))
  }

  fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    Pin::new(&mut *lock(&self.0)).poll_flush(cx)
  }

  /// Ends our side: a close_notify first, which not every backend follows with FIN, so we do.
  fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    let mut stream = lock(&self.0);
    // A peer that is gone cannot take a close_notify; FIN is still owed.
    let _ = ready!(Pin::new(&mut *stream).poll_shutdown(cx));
    Pin::new(tls::tcp_mut(&mut stream)).poll_shutdown(cx)
  }
}

impl std::fmt::Debug for Secured {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.write_str("Secured")
  }
}
