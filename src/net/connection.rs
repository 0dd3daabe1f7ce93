//! The task behind a [`Socket`](super::Socket): connect, move bytes both ways, upgrade, close. It reports facts and
//! takes orders; it never decides what they mean.

use std::{
  cell::RefCell,
  io::{self, IoSlice},
  net::TcpStream as StdStream,
  pin::Pin,
  sync::Arc,
  task::{Context, Poll},
  time::Instant,
};

use bytes::{BufMut, Bytes};
use tokio::{
  io::{AsyncRead, AsyncWrite},
  net::TcpStream,
  time::{self, Sleep},
};
use tokio_util::io::poll_read_buf;

use super::{
  Ends, ErrorName, Event, LocalEnd, SocketError, SocketId,
  accept_error::{ROOM_DELAY, is_exhausted},
  connect::connect as connect_tcp,
  deadlines::not_taken,
  progress::Progress,
  recv_buffer::{CHUNK, End, LIMIT},
  send_queue::{MOST_SLICES, Next},
  settle::{Settled, poll_drop_input, settle},
  shared::{Shared, State, ended_before_tls, leftover, panicked, plaintext_after_upgrade},
  socket::Peer,
  tls::{self, ClientTls, Security},
  transport::{InKernel, Tcp, Transport},
};

/// One read from the kernel.
pub const READ_SIZE: usize = CHUNK;

/// So many bytes are worth waking their owner for, while there is more to read.
const WORTH_WAKING: usize = LIMIT / 2;

thread_local! {
  /// Where reads land before they are appended to their socket's buffer: one for all sockets of a runtime thread, so
  /// that an idle socket owns no read buffer. Empty between reads.
  static LANDING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
  /// Where what nobody wants lands.
  pub(super) static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

/// The task of a client socket, with TLS from the first byte or without. With `hand_over` it ends when the connection is
/// established.
pub(super) async fn connect(
  shared: Arc<Shared>,
  peer: Arc<Peer>,
  local: LocalEnd,
  secure: Option<Arc<ClientTls>>,
  hand_over: bool,
) {
  let mut task = Task::new(Arc::clone(&shared));
  let establish = async {
    // In a box, so that an idle connection does not keep room for what made it.
    let stream = match Box::pin(connect_tcp(&peer.host, peer.port, &local)).await {
      // What only waits for a peer to end makes room for what is wanted now.
      Err(error)
        if (error.is_exhaustion() || (error.name == ErrorName::DomainNotFoundError && is_exhausted()))
          && shared.make_room() =>
      {
        time::sleep(ROOM_DELAY).await;
        Box::pin(connect_tcp(&peer.host, peer.port, &local)).await?
      }
      connected => connected?,
    };
    let ends = Ends::of(&stream, &peer);
    shared.with(|state| state.ends = ends);
    let stream = Tcp::new(stream);
    match secure {
      // In a box, as below: an idle connection should not keep room for a handshake.
      Some(options) => Box::pin(tls::connect(stream, &peer.host, peer.port, &options)).await,
      None => Ok(Transport::Plain(stream)),
    }
  };
  let established = tokio::select! {
    biased;
    () = task.shared.cancel.cancelled() => {
      let last = task.shared.last_word();
      return task.end(last);
    }
    established = establish => established,
  };
  match established {
    Ok(Transport::Plain(stream)) if hand_over => match stream.into_std() {
      Ok(stream) => {
        task.shared.with(|state| {
          state.established();
          state.handed_over = true;
        });
        task.end(Event::Connected(stream));
      }
      Err(error) => task.end(Event::Failed(SocketError::from_io(
        "hand over the connection",
        &error,
      ))),
    },
    Ok(transport) => {
      task.shared.with(|state| state.note(&transport));
      task.shared.push(Event::Opened);
      task.run(transport, &peer).await;
    }
    Err(error) => task.end(Event::Failed(error)),
  }
}

/// Makes a task for an established connection, with what its owner has done to it so far.
pub(super) fn spawn(
  context: &super::Context,
  peer: &Arc<Peer>,
  id: SocketId,
  stream: StdStream,
  state: State,
) -> Arc<Shared> {
  let ends = state.ends.or_else(|| Ends::of(&stream, peer));
  let shared = Shared::new(context, id, State { ends, ..state });
  context.spawn(serve(Arc::clone(&shared), Arc::clone(peer), stream));
  shared
}

/// As [`spawn`], for a connection that is secure already.
pub(super) fn spawn_secured(
  context: &super::Context,
  peer: &Arc<Peer>,
  id: SocketId,
  transport: Transport,
) -> Arc<Shared> {
  let mut state = State {
    ends: transport.ends(peer),
    ..State::default()
  };
  state.note(&transport);
  let shared = Shared::new(context, id, state);
  let mut task = Task::new(Arc::clone(&shared));
  let peer = Arc::clone(peer);
  context.spawn(async move { task.run(transport, &peer).await });
  shared
}

async fn serve(shared: Arc<Shared>, peer: Arc<Peer>, stream: StdStream) {
  let mut task = Task::new(shared);
  match TcpStream::from_std(stream) {
    Ok(stream) => task.run(Transport::Plain(Tcp::new(stream)), &peer).await,
    Err(error) => task.end(Event::Failed(SocketError::from_io(
      "take over the connection",
      &error,
    ))),
  }
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
      self.shared.with(|state| {
        // The descriptor must not outlive the task.
        state.secured = None;
        state.debt = None;
        state.ended = true;
      });
      self.shared.push(last);
    }
  }

  async fn run(&mut self, transport: Transport, peer: &Peer) {
    let shared = Arc::clone(&self.shared);
    let last = tokio::select! {
      biased;
      () = shared.cancel.cancelled() => shared.last_word(),
      last = self.converse(transport, peer) => last,
    };
    self.end(last);
  }

  /// The life of an established connection.
  async fn converse(&mut self, mut transport: Transport, peer: &Peer) -> Event {
    loop {
      let mut pump = Pump {
        shared: &self.shared,
        transport: &mut transport,
        peer,
        reading: true,
        broken: None,
        unannounced: false,
        stalled: None,
      };
      match std::future::poll_fn(|cx| pump.poll(cx)).await {
        Step::Fail(error) => return Event::Failed(error),
        Step::Handshake(security) => match self.handshake(transport, peer, &security).await {
          Ok(secured) => transport = secured,
          Err(error) => return Event::Failed(error),
        },
        // In a box, as a handshake is.
        Step::Close { reading } => return Box::pin(self.close(transport, peer, reading)).await,
      }
    }
  }

  /// The owner closed, and everything is written: ends our side, and sees to what the peer is still owed. Reports
  /// `Closed` itself where work remains after it. `reading` unless the peer ended before.
  async fn close(&mut self, mut transport: Transport, peer: &Peer, reading: bool) -> Event {
    let mut dropping = reading;
    let mut progress = Progress::new(transport.unacknowledged().unwrap_or(0), Instant::now());
    loop {
      let shutdown = std::future::poll_fn(|cx| {
        self.shared.wait_for_owner(cx);
        let ended = self.poll_shutdown(cx, &mut transport);
        // A peer that writes before it reads makes no room for a close_notify otherwise.
        if ended.is_pending() && dropping {
          dropping = poll_drop_input(&mut transport, cx, &mut 0).is_pending();
        }
        ended
      });
      if time::timeout_at(progress.due().into(), shutdown).await.is_ok() {
        break;
      }
      let left = transport.unacknowledged().unwrap_or(0);
      if !progress.goes_on(left, Instant::now()) {
        return Event::Failed(not_taken(peer, left));
      }
    }
    // A peer that was sent nothing has nothing to lose by a reset; but TLS always sends something.
    let (owed, debt) = self.shared.with(|state| {
      let has_sent = state.send.has_sent() || transport.secured().is_some();
      (reading && has_sent && !state.abandoned, state.debt.take())
    });
    if !owed {
      if reading {
        std::future::poll_fn(|cx| {
          // What has come by now; more than that nobody waits for.
          let _ = poll_drop_input(&mut transport, cx, &mut 0);
          Poll::Ready(())
        })
        .await;
      }
      return Event::Closed { settling: false };
    }
    let place = self.shared.settlers.enter();
    self.end(Event::Closed { settling: true });
    let settled = Settled {
      sink: &*self.shared.sink,
      id: self.shared.id,
    };
    settle(settled, &mut transport, place, debt).await;
    Event::Closed { settling: true }
  }

  /// Ends our side. Fails when the peer is gone, which is no longer of interest: all was handed over.
  fn poll_shutdown(&self, cx: &mut Context<'_>, transport: &mut Transport) -> Poll<()> {
    if let Some(secured) = transport.secured()
      && self.shared.with(|state| state.abandoned)
    {
      secured.shutdown_now();
      return Poll::Ready(());
    }
    Pin::new(transport).poll_shutdown(cx).map(drop)
  }

  async fn handshake(
    &self,
    transport: Transport,
    peer: &Peer,
    security: &Security,
  ) -> Result<Transport, SocketError> {
    let Transport::Plain(stream) = transport else {
      return Err(SocketError::new(
        ErrorName::SecurityError,
        "internal error: TLS inside TLS",
      ));
    };
    let secured = Box::pin(security.secure(stream, &peer.host, peer.port)).await?;
    self.shared.with(|state| {
      state.send.pass_barrier();
      state.upgrading = None;
      state.note(&secured);
    });
    Ok(secured)
  }
}

impl Drop for Task {
  fn drop(&mut self) {
    // Reached before `end` only by a panic: the socket must not just fall silent.
    self.end(Event::Failed(panicked()));
  }
}

/// Why the pump stopped.
enum Step {
  /// The plaintext before the STARTTLS barrier is out.
  Handshake(Security),
  /// The owner closed and everything is written. `reading` unless the peer ended before.
  Close { reading: bool },
  /// The connection is broken.
  Fail(SocketError),
}

/// Moves bytes in both directions until something else is to be done.
struct Pump<'a, T> {
  shared: &'a Shared,
  transport: &'a mut T,
  peer: &'a Peer,
  /// The peer has not ended its stream.
  reading: bool,
  /// Writing failed with this, and is not tried again. What the peer said before it went away is still worth delivering.
  broken: Option<SocketError>,
  /// The owner is yet to hear of what was read.
  unannounced: bool,
  /// The owner closed, and the peer does not take what is left as fast as it is written.
  stalled: Option<Stalled>,
}

/// See [`Pump::stalled`].
struct Stalled {
  progress: Progress,
  sleep: Pin<Box<Sleep>>,
}

impl<T: AsyncRead + AsyncWrite + InKernel + Unpin> Pump<'_, T> {
  fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
    // The waker is in place before anything is looked at, so that no order of the owner can be missed.
    let failure = self.shared.with(|state| {
      state.wait_for_owner(cx);
      state.failure.take()
    });
    if let Some(error) = failure {
      return fail(error);
    }
    if self.broken.is_none()
      && let Poll::Ready(step) = self.poll_write(cx)
    {
      return Poll::Ready(step);
    }
    let step = self.poll_read(cx);
    if std::mem::take(&mut self.unannounced) {
      self.shared.push(Event::Readable);
    }
    step
  }

  fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
    let mut slices = Vec::new();
    loop {
      let (next, closed, looked) = self.shared.with(|state| {
        let next = state.send.next(&mut slices, MOST_SLICES);
        let closed = state.closing && state.send.is_empty();
        let looked = state.upgrading.is_none() || std::mem::replace(&mut state.looked, true);
        (next, closed, looked)
      });
      // Before anything that was staged with the upgrade is written: the hello that answers it may come at once.
      if !looked && let Some(error) = leftover(&self.transport.peek(), self.peer) {
        return fail(error);
      }
      match next {
        Next::Idle if closed => {
          return Poll::Ready(Step::Close {
            reading: self.reading,
          });
        }
        Next::Idle => return Poll::Pending,
        Next::Handshake => match self.shared.with(|state| state.upgrading.clone()) {
          Some(security) => return Poll::Ready(Step::Handshake(security)),
          None => return Poll::Pending,
        },
        Next::Write => {}
      }
      crate::fault::point("write");
      let written = match write_slices(self.transport, cx, &slices) {
        Poll::Pending => return self.poll_stalled(cx),
        Poll::Ready(Ok(0)) => Err(io::ErrorKind::WriteZero.into()),
        Poll::Ready(other) => other,
      };
      match written {
        Ok(written) => {
          let drained = self.shared.with(|state| {
            state.activity.note();
            state.send.advance(written)
          });
          if drained {
            self.shared.push(Event::Drained);
          }
        }
        Err(error) => {
          self.broken = Some(self.peer.failed("write to", &error));
          self.shared.with(|state| {
            state.send.clear();
            // The owner must not go on behind what is lost.
            state.secured = None;
          });
          return Poll::Pending;
        }
      }
    }
  }

  /// The kernel takes nothing more now. A peer that takes too little of what it is owed at a close ends the connection.
  fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
    let owed = self
      .shared
      .with(|state| state.closing.then(|| state.send.unwritten()));
    let Some(unwritten) = owed else {
      return Poll::Pending;
    };
    // What the kernel has counts until the peer acknowledges it: the kernel takes more in large steps only.
    let left = unwritten + self.transport.unacknowledged().unwrap_or(0);
    let Stalled { progress, sleep } = self.stalled.get_or_insert_with(|| {
      let progress = Progress::new(left, Instant::now());
      let sleep = Box::pin(time::sleep_until(progress.due().into()));
      Stalled { progress, sleep }
    });
    while sleep.as_mut().poll(cx).is_ready() {
      if !progress.goes_on(left, Instant::now()) {
        return fail(not_taken(self.peer, left));
      }
      sleep.as_mut().reset(progress.due().into());
    }
    Poll::Pending
  }

  fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
    let mut taken = 0;
    while self.reading {
      let broken = self.broken.is_some();
      let room = self.shared.with(|state| match state.upgrading {
        Some(_) => None,
        None => Some(state.recv.room(broken)),
      });
      let Some(room) = room else {
        // Nothing is delivered any more, so that nothing comes before the error.
        return self.broken.clone().map_or(Poll::Pending, fail);
      };
      if room == 0 {
        return Poll::Pending;
      }
      if taken >= LIMIT {
        // Others want to be served too.
        cx.waker().wake_by_ref();
        return Poll::Pending;
      }
      crate::fault::point("read");
      let (read, outcome) = LANDING.with_borrow_mut(|chunk| self.poll_chunk(cx, chunk, room.min(READ_SIZE)));
      taken += read;
      let end = match outcome {
        Poll::Ready(Ok(1..)) => continue,
        Poll::Ready(Err(ReadError::Plaintext)) => return fail(plaintext_after_upgrade()),
        // The peer's last word, such as a TLS alert, explains more than "broken pipe" does. That it had none does not.
        Poll::Ready(Err(ReadError::Io(error)))
          if self.broken.is_none() || error.kind() != io::ErrorKind::UnexpectedEof =>
        {
          End::Failed(self.peer.failed("read from", &error))
        }
        Poll::Ready(_) => self.broken.clone().map_or(End::Eof, End::Failed),
        Poll::Pending => match &self.broken {
          // Tokio, which is yet to hear of them, will wake us.
          Some(_) if matches!(self.transport.peek(), Ok(1..)) => return Poll::Pending,
          Some(error) => End::Failed(error.clone()),
          None => return Poll::Pending,
        },
      };
      self.reading = false;
      if let Some(step) = self.finish(end) {
        return Poll::Ready(step);
      }
    }
    // The peer had ended before, and perhaps not all that it said was taken.
    let broken = self.broken.clone().map(End::Failed);
    broken
      .and_then(|end| self.finish(end))
      .map_or(Poll::Pending, Poll::Ready)
  }

  /// Appends up to `most` bytes to the socket's buffer, by way of `chunk`. Returns how many, and what ended the reading.
  fn poll_chunk(
    &mut self,
    cx: &mut Context<'_>,
    chunk: &mut Vec<u8>,
    most: usize,
  ) -> (usize, Poll<Result<usize, ReadError>>) {
    // Should a read have panicked half-way, what it left is another connection's.
    chunk.clear();
    chunk.reserve(READ_SIZE);
    // TLS gives a record of 16 KiB at a time, and appending each would cost more than the rest.
    let outcome = loop {
      let room = most - chunk.len();
      let mut rest = (&mut *chunk).limit(room);
      match poll_read_buf(Pin::new(&mut *self.transport), cx, &mut rest) {
        Poll::Ready(Ok(1..)) if chunk.len() < most => {}
        outcome => break outcome.map_err(ReadError::Io),
      }
    };
    let read = chunk.len();
    if read == 0 {
      return (0, outcome);
    }
    let appended = self.shared.with(|state| {
      state.activity.note();
      // The owner may have called upgrade while the read was under way.
      (state.upgrading.is_none()).then(|| (state.recv.append(chunk), state.recv.len()))
    });
    let Some((due, gathered)) = appended else {
      chunk.clear();
      return (read, Poll::Ready(Err(ReadError::Plaintext)));
    };
    self.unannounced |= due;
    // Waking the owner costs more than reading a chunk; but it need not wait for all.
    if gathered >= WORTH_WAKING && std::mem::take(&mut self.unannounced) {
      self.shared.push(Event::Readable);
    }
    (read, outcome)
  }

  /// Nothing more will be read. Leaves that for the owner to take, unless it ends the connection at once.
  fn finish(&self, end: End) -> Option<Step> {
    let broken = self.broken.is_some();
    let (due, step) = self.shared.with(|state| {
      // The owner may have called upgrade while the read was under way.
      let upgrading = state.upgrading.is_some();
      let unread = state.recv.is_discarding() || (broken && state.recv.is_empty());
      match end {
        End::Eof if upgrading => (false, Some(Step::Fail(ended_before_tls()))),
        // Nobody takes input any more, not even its end; or writing failed, which is told without it.
        End::Failed(error) if upgrading || unread => (false, Some(Step::Fail(error))),
        end => (state.recv.finish(end), None),
      }
    });
    if due {
      self.shared.push(Event::Readable);
    }
    step
  }
}

fn fail(error: SocketError) -> Poll<Step> {
  Poll::Ready(Step::Fail(error))
}

enum ReadError {
  Io(io::Error),
  /// Bytes came in the clear after the owner had asked for TLS.
  Plaintext,
}

fn write_slices(
  transport: &mut (impl AsyncWrite + Unpin),
  cx: &mut Context<'_>,
  slices: &[Bytes],
) -> Poll<io::Result<usize>> {
  let mut vector = [IoSlice::new(&[]); MOST_SLICES];
  for (io, slice) in vector.iter_mut().zip(slices) {
    *io = IoSlice::new(slice);
  }
  Pin::new(transport).poll_write_vectored(cx, &vector[..slices.len()])
}

#[cfg(test)]
mod tests {
  use super::*;

  fn size<A, B, C, D, E, F>(_task: fn(A, B, C, D, E) -> F) -> usize {
    size_of::<F>()
  }

  #[test]
  fn the_task_of_an_idle_connection_is_small() {
    assert!(size(connect) <= 1344, "{} bytes", size(connect));
  }
}

#[cfg(all(test, loom_model))]
#[path = "connection_model.rs"]
mod loom_model;
