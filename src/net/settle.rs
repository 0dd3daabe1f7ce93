//! What a connection still owes its peer after our FIN.

use std::{
  net::TcpStream as StdStream,
  pin::Pin,
  sync::Arc,
  task::{Context as TaskContext, Poll, ready},
  time::Duration,
};

use tokio::{
  io::{AsyncRead, ReadBuf},
  net::TcpStream,
  time,
};

use super::{
  Context, Event, EventSink, SocketId,
  connection::SCRATCH,
  transport::{Tcp, Transport},
};

/// How long, after the peer has acknowledged everything, what it still sends is read and dropped. Closing the descriptor
/// on unread bytes would make the kernel send RST, which can destroy what the peer has received and not read (RFC 1122
/// section 4.2.2.13).
const LINGER: Duration = Duration::from_secs(5);

/// How long a peer may acknowledge nothing of what it is still owed before it is given up.
const STALL: Duration = Duration::from_secs(30);

/// How long to wait before what the peer acknowledged is looked at again: not long at first.
const PROBE: Duration = Duration::from_millis(5);
const LONGEST_PROBE: Duration = Duration::from_millis(500);

/// Makes a task for what remains to be done after FIN, see [`settle`].
pub(super) fn spawn(context: &Context, id: SocketId, stream: StdStream) {
  let (cancel, sink) = (context.child_token(), Arc::clone(context.sink()));
  context.spawn(async move {
    let settled = Settled { sink: &*sink, id };
    if let Ok(stream) = TcpStream::from_std(stream) {
      let mut transport = Transport::Plain(Tcp::new(stream));
      cancel.run_until_cancelled(settle(settled, &mut transport)).await;
    }
  });
}

/// Reports `Settled` when it is dropped.
pub(super) struct Settled<'a> {
  pub(super) sink: &'a dyn EventSink,
  pub(super) id: SocketId,
}

impl Drop for Settled<'_> {
  fn drop(&mut self) {
    self.sink.push(self.id, Event::Settled);
  }
}

/// After FIN: drops what still comes, until the peer ends as well or there is no more use in it. Only then is it
/// `settled`.
pub(super) async fn settle(_settled: Settled<'_>, transport: &mut Transport) {
  let mut probe = PROBE;
  let (mut least, mut since) = (usize::MAX, time::Instant::now());
  loop {
    match transport.unacknowledged() {
      Ok(0) | Err(_) => break,
      Ok(bytes) if bytes < least => (least, since) = (bytes, time::Instant::now()),
      Ok(_) if since.elapsed() >= STALL => break,
      Ok(_) => {}
    }
    if time::timeout(probe, drop_input(transport)).await.is_ok() {
      return;
    }
    probe = (probe * 2).min(LONGEST_PROBE);
  }
  let _ = time::timeout(LINGER, drop_input(transport)).await;
}

async fn drop_input(transport: &mut Transport) {
  std::future::poll_fn(|cx| poll_drop_input(transport, cx)).await;
}

/// Drops what comes, until the end of it.
pub(super) fn poll_drop_input(transport: &mut Transport, cx: &mut TaskContext<'_>) -> Poll<()> {
  SCRATCH.with_borrow_mut(|scratch| {
    loop {
      let mut buf = ReadBuf::new(scratch);
      let read = ready!(Pin::new(&mut *transport).poll_read(cx, &mut buf));
      if read.is_err() || buf.filled().is_empty() {
        return Poll::Ready(());
      }
    }
  })
}
