//! One stream type for plain and TLS connections.

use std::{
  io,
  mem::MaybeUninit,
  pin::Pin,
  task::{Context, Poll, ready},
};

use bytes::BytesMut;
use socket2::SockRef;
#[cfg(any(target_os = "linux", target_os = "android"))]
use tokio::io::Interest;
use tokio::{
  io::{AsyncRead, AsyncWrite, ReadBuf},
  net::TcpStream,
};
use tokio_util::io::poll_read_buf;

use super::{Ends, secured::Secured, socket::Peer};

/// Keeps a write from raising SIGPIPE: whether the process ignores that is up to the application.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;

/// Elsewhere sockets are made so that they never raise it, or there is no such signal.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const NO_SIGNAL: i32 = 0;

/// A connected stream.
#[derive(Debug)]
pub enum Transport {
  /// TCP as it is.
  Plain(Tcp),
  /// TLS over TCP, after a successful handshake.
  Tls(Secured),
}

/// A TCP stream that retries what a signal interrupted, and remembers whether the peer's FIN was read. TLS libraries
/// report a FIN and a close_notify alike; only the latter is the peer's word that nothing is missing (RFC 8446 section
/// 6.1).
#[derive(Debug)]
pub struct Tcp {
  stream: TcpStream,
  eof: bool,
  /// The system's number for what a write failed with. It says that once, and TLS libraries do not always pass it on.
  write_error: Option<i32>,
  /// What was read and not yet asked for. `None` where nothing is read ahead.
  ahead: Option<BytesMut>,
}

/// How much is read ahead. A record of TLS has 16 KiB at most.
const READ_AHEAD: usize = 64 * 1024;

impl Tcp {
  /// Watches `stream` from here on.
  pub fn new(stream: TcpStream) -> Self {
    Self {
      stream,
      eof: false,
      write_error: None,
      ahead: None,
    }
  }

  /// For TLS, which asks for the five bytes that begin a record, and then for the rest of it: takes more than that
  /// from the kernel at a time.
  pub fn reading_ahead(self) -> Self {
    Self {
      ahead: Some(BytesMut::new()),
      ..self
    }
  }

  /// The peer's FIN was read.
  pub(super) fn is_at_end(&self) -> bool {
    self.eof
  }

  /// What the first write that failed failed with, if the system said so.
  pub(super) fn write_error(&self) -> Option<io::Error> {
    self.write_error.map(io::Error::from_raw_os_error)
  }

  fn note_write(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Err(error)) = &written {
      self.write_error = self.write_error.or_else(|| error.raw_os_error());
    }
    written
  }

  fn peek(&self) -> io::Result<usize> {
    SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()])
  }

  /// The stream, for another reactor than Tokio's.
  ///
  /// # Errors
  /// The system refuses to stop watching it.
  pub fn into_std(self) -> io::Result<std::net::TcpStream> {
    self.stream.into_std()
  }
}

/// A stream of which the kernel tells what it has.
pub trait InKernel {
  /// How many bytes of TCP wait, at most 1; 0 is the peer's FIN. What a reactor has heard of by now does not matter.
  ///
  /// # Errors
  /// Nothing waits, or the stream is broken.
  fn peek(&self) -> io::Result<usize>;

  /// Bytes of TCP that the peer has not acknowledged, those included that have not left yet.
  ///
  /// # Errors
  /// The system does not tell.
  fn unacknowledged(&self) -> io::Result<usize>;
}

impl InKernel for Transport {
  fn peek(&self) -> io::Result<usize> {
    match self {
      Self::Plain(tcp) => tcp.peek(),
      Self::Tls(secured) => secured.with_tcp(Tcp::peek),
    }
  }

  fn unacknowledged(&self) -> io::Result<usize> {
    let ask = |tcp: &Tcp| crate::os::unacknowledged(&tcp.stream);
    match self {
      Self::Plain(tcp) => ask(tcp),
      Self::Tls(secured) => secured.with_tcp(ask),
    }
  }
}

impl Transport {
  /// Its two ends.
  pub(super) fn ends(&self, peer: &Peer) -> Option<Ends> {
    let ask = |tcp: &Tcp| Ends::of(&tcp.stream, peer);
    match self {
      Self::Plain(tcp) => ask(tcp),
      Self::Tls(secured) => secured.with_tcp(ask),
    }
  }

  /// The connection, if it is a TLS one.
  pub fn secured(&self) -> Option<&Secured> {
    match self {
      Self::Plain(_) => None,
      Self::Tls(secured) => Some(secured),
    }
  }
}

impl AsyncRead for Transport {
  fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    match self.get_mut() {
      Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
      Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
    }
  }
}

impl AsyncWrite for Transport {
  fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
    match self.get_mut() {
      Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
      Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
    }
  }

  fn poll_write_vectored(
    self: Pin<&mut Self>,
    cx: &mut Context<'_>,
    bufs: &[io::IoSlice<'_>],
  ) -> Poll<io::Result<usize>> {
    match self.get_mut() {
      Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
      Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
    }
  }

  fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    match self.get_mut() {
      Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
      Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
    }
  }

  fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    match self.get_mut() {
      Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
      Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
    }
  }
}

impl AsyncRead for Tcp {
  fn poll_read(
    mut self: Pin<&mut Self>,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
  ) -> Poll<io::Result<()>> {
    let before = buf.filled().len();
    let Self {
      stream, eof, ahead, ..
    } = &mut *self;
    match ahead {
      Some(ahead) if !ahead.is_empty() || buf.remaining() < READ_AHEAD => {
        if ahead.is_empty() {
          ahead.reserve(READ_AHEAD);
          let read = retry(|| poll_read_buf(Pin::new(&mut *stream), cx, ahead));
          if ahead.is_empty() {
            // An idle connection owns no memory for this.
            *ahead = BytesMut::new();
          }
          ready!(read)?;
        }
        let now = ahead.len().min(buf.remaining());
        buf.put_slice(&ahead.split_to(now));
      }
      _ => ready!(retry(|| Pin::new(&mut *stream).poll_read(cx, buf)))?,
    }
    *eof |= buf.filled().len() == before && buf.remaining() > 0;
    Poll::Ready(Ok(()))
  }
}

impl AsyncWrite for Tcp {
  fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
    let written = retry(|| Pin::new(&mut self.stream).poll_write(cx, buf));
    self.note_write(written)
  }

  fn poll_write_vectored(
    mut self: Pin<&mut Self>,
    cx: &mut Context<'_>,
    bufs: &[io::IoSlice<'_>],
  ) -> Poll<io::Result<usize>> {
    let written = retry(|| poll_send_vectored(&mut self.stream, cx, bufs));
    self.note_write(written)
  }

  fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    Pin::new(&mut self.stream).poll_flush(cx)
  }

  fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    Pin::new(&mut self.stream).poll_shutdown(cx)
  }
}

/// Writes without SIGPIPE. The standard library's own `writev` raises it on a connection that the peer has reset.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn poll_send_vectored(
  stream: &mut TcpStream,
  cx: &mut Context<'_>,
  bufs: &[io::IoSlice<'_>],
) -> Poll<io::Result<usize>> {
  loop {
    ready!(stream.poll_write_ready(cx))?;
    let send = || SockRef::from(&*stream).send_vectored_with_flags(bufs, NO_SIGNAL);
    match stream.try_io(Interest::WRITABLE, send) {
      Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
      outcome => return Poll::Ready(outcome),
    }
  }
}

/// Elsewhere sockets are made so that they never raise SIGPIPE, or there is no such signal.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn poll_send_vectored(
  stream: &mut TcpStream,
  cx: &mut Context<'_>,
  bufs: &[io::IoSlice<'_>],
) -> Poll<io::Result<usize>> {
  Pin::new(stream).poll_write_vectored(cx, bufs)
}

fn retry<T>(mut call: impl FnMut() -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
  loop {
    match call() {
      Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
      other => return other,
    }
  }
}
