//! Readiness by Tokio: its reactor, on the runtime's thread, wakes us by telling the owner's queue. There is no task for a
//! stream, only a waker for each direction that is watched. The owner reads and writes itself.
//!
//! What Tokio knows of a descriptor holds until a call finds nothing; so calls are made through Tokio, which takes notice.

use std::{
  cell::Cell,
  io,
  net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
  pin::pin,
  sync::Arc,
  task::{Context, Poll, Wake, Waker},
};

use socket2::SockRef;
use tokio::{io::Interest as TokioInterest, runtime::Handle};

use super::{
  datagrams::RegisteredDatagrams,
  interest::{Interest, Ready},
};
use crate::net::{
  EventSink, SocketId,
  event::Notice,
  sys::{direct, kernel},
};

/// See the module.
#[derive(Clone)]
pub(in crate::net) struct Runtime {
  handle: Handle,
  sink: Arc<dyn EventSink>,
}

impl Runtime {
  pub(super) fn new(handle: Handle, sink: Arc<dyn EventSink>) -> Self {
    Self { handle, sink }
  }

  pub(super) fn stream(&self, id: SocketId, stream: TcpStream) -> io::Result<RegisteredStream> {
    let _runtime = self.handle.enter();
    Ok(RegisteredStream {
      stream: tokio::net::TcpStream::from_std(stream)?,
      reader: self.waker(id, Ready::READ),
      writer: self.waker(id, Ready::WRITE),
      interest: Interest::default(),
      asked: Cell::default(),
      has_forgotten: Cell::default(),
    })
  }

  pub(super) fn listener(&self, id: SocketId, listener: TcpListener) -> io::Result<RegisteredListener> {
    let _runtime = self.handle.enter();
    Ok(RegisteredListener {
      listener: tokio::net::TcpListener::from_std(listener)?,
      waker: self.waker(id, Ready::READ),
      runtime: self.handle.clone(),
    })
  }

  pub(super) fn datagrams(&self, id: SocketId, socket: UdpSocket) -> io::Result<RegisteredDatagrams> {
    let _runtime = self.handle.enter();
    RegisteredDatagrams::new(socket, self.waker(id, Ready::READ), self.waker(id, Ready::WRITE))
  }

  fn waker(&self, id: SocketId, ready: Ready) -> Waker {
    let sink = Arc::clone(&self.sink);
    Arc::new(Telling { sink, id, ready }).into()
  }
}

/// Tells the owner when it is woken.
struct Telling {
  sink: Arc<dyn EventSink>,
  id: SocketId,
  ready: Ready,
}

impl Wake for Telling {
  fn wake(self: Arc<Self>) {
    self.wake_by_ref();
  }

  fn wake_by_ref(self: &Arc<Self>) {
    self.sink.push(self.id, Notice::Ready(self.ready).into());
  }
}

/// A stream that Tokio watches.
#[derive(Debug)]
pub(in crate::net) struct RegisteredStream {
  stream: tokio::net::TcpStream,
  reader: Waker,
  writer: Waker,
  interest: Interest,
  /// The directions that Tokio was asked for, and has not told of.
  asked: Cell<Interest>,
  /// Tokio was made to forget that there is something to read, and nobody has read so far that there was nothing left.
  has_forgotten: Cell<bool>,
}

impl RegisteredStream {
  pub(super) fn watch(&mut self, interest: Interest) {
    self.interest = interest;
    let mut asked = self.asked.get();
    let wants_news = interest.read || interest.end;
    if interest.end && !interest.read && !self.has_peer_ended() {
      // Only the end is asked for. Tokio tells of bytes as well: it is made to forget those that it knows of, so that it tells of what
      // comes after them.
      self.has_forgotten.set(true);
      let _ = self.stream.try_io(TokioInterest::READABLE, || {
        io::Result::<()>::Err(io::ErrorKind::WouldBlock.into())
      });
    }
    if wants_news && !asked.read {
      asked.read = true;
      let mut cx = Context::from_waker(&self.reader);
      // An error is found by the call that is made then.
      if self.stream.poll_read_ready(&mut cx).is_ready() {
        self.reader.wake_by_ref();
      }
    }
    // Bytes may wait of which Tokio knows nothing any more.
    if interest.read && self.has_forgotten.get() {
      self.reader.wake_by_ref();
    }
    if interest.write && !asked.write {
      asked.write = true;
      let mut cx = Context::from_waker(&self.writer);
      if self.stream.poll_write_ready(&mut cx).is_ready() {
        self.writer.wake_by_ref();
      }
    }
    self.asked.set(asked);
  }

  pub(super) fn interest(&self) -> Interest {
    self.interest
  }

  pub(super) fn told(&self, ready: Ready) {
    self.asked.set(self.asked.get().without(ready));
  }

  pub(super) fn receive(&self, memory: &mut [u8]) -> io::Result<usize> {
    let most = memory.len();
    let received = self.call(TokioInterest::READABLE, most, |socket| {
      direct::receive(socket, memory)
    });
    if !matches!(received, Ok(bytes) if bytes == most) {
      self.has_forgotten.set(false);
    }
    received
  }

  pub(super) fn send(
    &self,
    bytes: usize,
    send: impl FnMut(&SockRef<'_>) -> io::Result<usize>,
  ) -> io::Result<usize> {
    self.call(TokioInterest::WRITABLE, bytes, send)
  }

  /// Makes a call of the system for up to `most` bytes, also where Tokio has not heard yet that it can be made.
  fn call(
    &self,
    interest: TokioInterest,
    most: usize,
    mut call: impl FnMut(&SockRef<'_>) -> io::Result<usize>,
  ) -> io::Result<usize> {
    let socket = SockRef::from(&self.stream);
    let mut outcome = None;
    let noticed = self.stream.try_io(interest, || {
      let result = call(&socket);
      // Fewer bytes than could have been: there are no more, which Tokio shall know without a further call.
      let is_exhausted = matches!(&result, Ok(bytes @ 1..) if *bytes < most);
      outcome = Some(result);
      match &outcome {
        Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Err(error.kind().into()),
        _ if is_exhausted => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
      }
    });
    drop(noticed);
    outcome.unwrap_or_else(|| call(&socket))
  }

  pub(super) fn socket(&self) -> SockRef<'_> {
    SockRef::from(&self.stream)
  }

  /// As far as Tokio has heard.
  pub(super) fn has_peer_ended(&self) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    let ready = pin!(self.stream.ready(TokioInterest::READABLE)).poll(&mut cx);
    matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
  }

  pub(super) fn waiting(&self) -> usize {
    kernel::waiting(&self.stream).unwrap_or(0)
  }

  pub(super) fn into_stream(self) -> io::Result<TcpStream> {
    self.stream.into_std()
  }
}

/// A listener that Tokio watches.
#[derive(Debug)]
pub(in crate::net) struct RegisteredListener {
  listener: tokio::net::TcpListener,
  waker: Waker,
  runtime: Handle,
}

impl RegisteredListener {
  /// Tokio tells by itself when another connection is there, once accepting has found none.
  pub(super) fn watch(&self, read: bool) {
    if read {
      self.waker.wake_by_ref();
    }
  }

  pub(super) fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
    let _runtime = self.runtime.enter();
    match self.listener.poll_accept(&mut Context::from_waker(&self.waker)) {
      Poll::Ready(accepted) => {
        let (stream, address) = accepted?;
        Ok((stream.into_std()?, address))
      }
      Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
  }
}
