//! The task behind a [`Socket`](super::Socket): connect, move bytes both ways, upgrade, close. It reports facts and
//! takes orders; it never decides what they mean.

use std::{
  cell::RefCell,
  io::{self, IoSlice},
  pin::Pin,
  sync::Arc,
  task::{Context, Poll, ready},
  time::Duration,
};

use bytes::Bytes;
use tokio::{
  io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
  net::TcpStream,
  time,
};

use super::{
  ErrorName, Event, SocketError,
  connect::connect as connect_tcp,
  recv_buffer::{End, LIMIT},
  send_queue::Next,
  socket::{Peer, Shared, plaintext_after_upgrade},
  tls,
  transport::{Tcp, Transport},
};

/// One read from the kernel. Larger ones leave the cache and are slower.
const READ_SIZE: usize = 64 * 1024;

/// Pieces handed to one `writev`.
const MOST_SLICES: usize = 64;

/// How long, after FIN, what the peer still sends is read and dropped. Closing the descriptor on unread bytes would
/// make the kernel send RST, which can destroy what the peer has not read yet of ours (RFC 1122 section 4.2.2.13).
const LINGER: Duration = Duration::from_secs(5);

thread_local! {
  /// Where reads land before they are appended to their socket's buffer: one for all sockets of a runtime thread, so
  /// that an idle socket owns no read buffer.
  static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

/// The task of a client socket.
pub(super) async fn connect(shared: Arc<Shared>, peer: Peer, secure: bool) {
  let mut task = Task::new(shared);
  let establish = async {
    let stream = connect_tcp(&peer.host, peer.port).await?;
    let stream = Tcp::new(stream);
    if secure {
      tls::connect(stream, &peer.host, peer.port, &peer.tls).await
    } else {
      Ok(Transport::Plain(stream))
    }
  };
  let established = tokio::select! {
    biased;
    () = task.shared.cancel.cancelled() => return task.end(Event::Closed),
    established = establish => established,
  };
  match established {
    Ok(transport) => {
      task.shared.push(Event::Opened);
      task.run(transport, &peer).await;
    }
    Err(error) => task.end(Event::Failed(error)),
  }
}

/// The task of an accepted socket.
pub(super) async fn serve(shared: Arc<Shared>, peer: Peer, stream: TcpStream) {
  Task::new(shared)
    .run(Transport::Plain(Tcp::new(stream)), &peer)
    .await;
}

/// Reports the last event of a socket exactly once, also when the task panics or is dropped.
struct Task {
  shared: Arc<Shared>,
  ended: bool,
}

impl Task {
  fn new(shared: Arc<Shared>) -> Self {
    Self { shared, ended: false }
  }

  fn end(&mut self, last: Event) {
    if !std::mem::replace(&mut self.ended, true) {
      self.shared.push(last);
    }
  }

  async fn run(&mut self, transport: Transport, peer: &Peer) {
    let shared = Arc::clone(&self.shared);
    let last = tokio::select! {
      biased;
      () = shared.cancel.cancelled() => Event::Closed,
      last = self.converse(transport, peer) => last,
    };
    self.end(last);
  }

  /// The life of an established connection. Reports `Closed` itself where work remains after it.
  async fn converse(&mut self, mut transport: Transport, peer: &Peer) -> Event {
    loop {
      let mut pump = Pump {
        shared: &self.shared,
        transport: &mut transport,
        peer,
        reading: true,
      };
      match std::future::poll_fn(|cx| pump.poll(cx)).await {
        Step::Fail(error) => return Event::Failed(error),
        Step::Handshake => match self.handshake(transport, peer).await {
          Ok(secured) => transport = secured,
          Err(error) => return Event::Failed(error),
        },
        Step::Close => {
          // Fails when the peer is gone, which is no longer of interest: all was handed over.
          let _ = transport.shutdown().await;
          self.end(Event::Closed);
          let _ = time::timeout(LINGER, drop_input(&mut transport)).await;
          return Event::Closed;
        }
      }
    }
  }

  async fn handshake(&self, transport: Transport, peer: &Peer) -> Result<Transport, SocketError> {
    let Transport::Plain(stream) = transport else {
      return Err(SocketError::new(
        ErrorName::SecurityError,
        "internal error: TLS inside TLS",
      ));
    };
    let secured = tls::connect(stream, &peer.host, peer.port, &peer.tls).await?;
    self.shared.with(|state| {
      state.send.pass_barrier();
      state.upgrading = false;
    });
    Ok(secured)
  }
}

impl Drop for Task {
  fn drop(&mut self) {
    // Reached before `end` only by a panic: the socket must not just fall silent.
    self.end(Event::Failed(SocketError::new(
      ErrorName::NetworkError,
      "internal error: the socket's task panicked",
    )));
  }
}

/// Why the pump stopped.
enum Step {
  /// The plaintext before the STARTTLS barrier is out.
  Handshake,
  /// The owner closed and everything is written.
  Close,
  /// The connection is broken.
  Fail(SocketError),
}

/// Moves bytes in both directions until something else is to be done.
struct Pump<'a> {
  shared: &'a Shared,
  transport: &'a mut Transport,
  peer: &'a Peer,
  /// The peer has not ended its stream.
  reading: bool,
}

impl Pump<'_> {
  fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
    // The waker is in place before anything is looked at, so that no order of the owner can be missed.
    let failure = self.shared.with(|state| {
      if !state
        .waker
        .as_ref()
        .is_some_and(|waker| waker.will_wake(cx.waker()))
      {
        state.waker = Some(cx.waker().clone());
      }
      state.failure.take()
    });
    if let Some(error) = failure {
      return Poll::Ready(Step::Fail(error));
    }
    if let Poll::Ready(step) = self.poll_write(cx) {
      return Poll::Ready(step);
    }
    self.poll_read(cx)
  }

  fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
    let mut slices = Vec::new();
    loop {
      let (next, generation, closed) = self.shared.with(|state| {
        let next = state.send.next(&mut slices, MOST_SLICES);
        (
          next,
          state.send.generation(),
          state.closing && state.send.is_empty(),
        )
      });
      match next {
        Next::Idle if closed => return Poll::Ready(Step::Close),
        Next::Idle => return Poll::Pending,
        Next::Handshake => return Poll::Ready(Step::Handshake),
        Next::Write => {}
      }
      crate::fault::point("write");
      let written = match ready!(write_slices(self.transport, cx, &slices)) {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        other => other,
      };
      match written {
        Ok(written) => {
          if self.shared.with(|state| state.send.advance(generation, written)) {
            self.shared.push(Event::Drained);
          }
        }
        Err(error) => return Poll::Ready(self.write_failed(cx, &error)),
      }
    }
  }

  /// What the peer said before it went away is still worth delivering.
  fn write_failed(&mut self, cx: &mut Context<'_>, error: &io::Error) -> Step {
    let step = Step::Fail(self.stream_error("write to", error));
    match self.poll_read(cx) {
      // A TLS alert explains a failed write better than "broken pipe" does.
      Poll::Ready(Step::Fail(reason)) => Step::Fail(reason),
      _ => step,
    }
  }

  fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
    let mut taken = 0;
    while self.reading {
      let room = self
        .shared
        .with(|state| if state.upgrading { 0 } else { state.recv.room() });
      if room == 0 {
        return Poll::Pending;
      }
      if taken >= LIMIT {
        // Others want to be served too.
        cx.waker().wake_by_ref();
        return Poll::Pending;
      }
      crate::fault::point("read");
      let outcome = ready!(
        SCRATCH.with_borrow_mut(|scratch| self.poll_read_into(cx, &mut scratch[..room.min(READ_SIZE)]))
      );
      match outcome {
        Ok(0) => self.finish(End::Eof),
        Ok(read) => taken += read,
        Err(ReadError::Plaintext) => return Poll::Ready(Step::Fail(plaintext_after_upgrade())),
        Err(ReadError::Io(error)) => {
          let error = self.stream_error("read from", &error);
          // The owner closed: nobody takes input any more, and a write would fail as well.
          if self.shared.with(|state| state.closing) {
            return Poll::Ready(Step::Fail(error));
          }
          self.finish(End::Failed(error));
        }
      }
    }
    Poll::Pending
  }

  fn poll_read_into(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<Result<usize, ReadError>> {
    let mut buf = ReadBuf::new(scratch);
    ready!(Pin::new(&mut *self.transport).poll_read(cx, &mut buf)).map_err(ReadError::Io)?;
    let read = buf.filled();
    if read.is_empty() {
      return Poll::Ready(Ok(0));
    }
    let readable = self.shared.with(|state| {
      // The owner may have called upgrade while the read was under way.
      if state.upgrading {
        Err(ReadError::Plaintext)
      } else {
        Ok(state.recv.append(read))
      }
    })?;
    if readable {
      self.shared.push(Event::Readable);
    }
    Poll::Ready(Ok(read.len()))
  }

  fn finish(&mut self, end: End) {
    self.reading = false;
    if self.shared.with(|state| state.recv.finish(end)) {
      self.shared.push(Event::Readable);
    }
  }

  fn stream_error(&self, what: &str, error: &io::Error) -> SocketError {
    tls::stream_error(
      &format!("{what} {} port {}", self.peer.host, self.peer.port),
      error,
    )
  }
}

enum ReadError {
  Io(io::Error),
  /// Bytes came in the clear after the owner had asked for TLS.
  Plaintext,
}

fn write_slices(
  transport: &mut Transport,
  cx: &mut Context<'_>,
  slices: &[Bytes],
) -> Poll<io::Result<usize>> {
  let mut vector = [IoSlice::new(&[]); MOST_SLICES];
  for (io, slice) in vector.iter_mut().zip(slices) {
    *io = IoSlice::new(slice);
  }
  Pin::new(transport).poll_write_vectored(cx, &vector[..slices.len()])
}

async fn drop_input(transport: &mut Transport) {
  let mut read = |cx: &mut Context<'_>| {
    SCRATCH.with_borrow_mut(|scratch| {
      let mut buf = ReadBuf::new(scratch);
      ready!(Pin::new(&mut *transport).poll_read(cx, &mut buf))?;
      Poll::Ready(io::Result::Ok(buf.filled().len()))
    })
  };
  while let Ok(1..) = std::future::poll_fn(&mut read).await {}
}

#[cfg(test)]
mod tests {
  use super::*;

  fn size<A, B, C, F>(_task: fn(A, B, C) -> F) -> usize {
    size_of::<F>()
  }

  #[test]
  fn the_task_of_an_idle_connection_is_small() {
    assert!(size(connect) <= 1280, "{} bytes", size(connect));
    assert!(size(serve) <= 1280, "{} bytes", size(serve));
  }
}
