//! Datagram sockets, each with whoever watches it, and the calls on them: the same for every kind of readiness.

use std::{
  cell::{Cell, RefCell},
  fmt, io,
  net::{SocketAddr, UdpSocket},
  pin::Pin,
  sync::Arc,
  task::{Context, Waker},
};

use socket2::SockRef;
use tokio::io::Interest as TokioInterest;

#[cfg(target_os = "linux")]
use super::poll_set;
use super::{
  counted::Counted,
  interest::{Interest, Ready},
};
#[cfg(target_os = "linux")]
use crate::net::sys::direct::again;
use crate::net::{
  batch::Received,
  sys::datagrams::{receive_many, send_many},
};

/// A datagram socket and who watches it. Dropping it closes the socket.
#[derive(Debug)]
pub(in crate::net) struct WatchedDatagrams {
  pub(super) kind: Datagrams,
  pub(super) _counted: Counted,
}

#[derive(Debug)]
pub(super) enum Datagrams {
  #[cfg(target_os = "linux")]
  Member(poll_set::Member<UdpSocket>),
  Registered(RegisteredDatagrams),
}

impl WatchedDatagrams {
  /// Changes what it is watched for. What is found stays found: it is told again after the next call, if it is still so.
  ///
  /// # Errors
  /// No memory is left, or the system's limit of watched descriptors is reached.
  pub(in crate::net) fn watch(&mut self, interest: Interest) -> io::Result<()> {
    match &mut self.kind {
      #[cfg(target_os = "linux")]
      Datagrams::Member(member) => member.watch(interest),
      Datagrams::Registered(socket) => {
        socket.watch(interest);
        Ok(())
      }
    }
  }

  /// Its owner was told.
  pub(in crate::net) fn told(&self, ready: Ready) {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Datagrams::Member(_) => {}
      Datagrams::Registered(socket) => socket.told(ready),
    }
  }

  /// Receives what is there, at most `most` datagrams, into the places of `memory`, and adds them to `received`.
  ///
  /// # Errors
  /// The system's; `WouldBlock` where nothing is there. What came before an error is received; the error is then told by the next call.
  pub(in crate::net) fn receive(
    &self,
    memory: &mut [u8],
    most: usize,
    received: &mut Vec<Received>,
  ) -> io::Result<()> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Datagrams::Member(member) => receive_many(&SockRef::from(member.get()), memory, most, received),
      Datagrams::Registered(socket) => {
        let raw = SockRef::from(&*socket.socket);
        socket.receive(|| receive_many(&raw, memory, most, received))
      }
    }
  }

  /// Sends a datagram, without an address to the peer that it is connected to.
  ///
  /// # Errors
  /// The system's; `WouldBlock` where it takes nothing now.
  pub(in crate::net) fn send(&self, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Datagrams::Member(member) => {
        let socket = member.get();
        again(|| to.map_or_else(|| socket.send(bytes), |to| socket.send_to(bytes, to)))
      }
      Datagrams::Registered(socket) => socket.send(bytes, to),
    }
  }

  /// Sends `datagrams` in order, and returns how many the system has: one at least. `as_runs`: see [`send_many`].
  ///
  /// # Errors
  /// Of the first: the system's; `WouldBlock` where it takes nothing now.
  pub(in crate::net) fn send_many(
    &self,
    datagrams: &[(SocketAddr, &[u8])],
    as_runs: bool,
  ) -> io::Result<usize> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Datagrams::Member(member) => send_many(&SockRef::from(member.get()), datagrams, as_runs),
      Datagrams::Registered(socket) => socket.sending(|raw| send_many(raw, datagrams, as_runs)),
    }
  }

  /// The socket, for its options.
  pub(in crate::net) fn socket(&self) -> SockRef<'_> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Datagrams::Member(member) => SockRef::from(member.get()),
      Datagrams::Registered(socket) => SockRef::from(&*socket.socket),
    }
  }
}

/// A datagram socket that Tokio watches.
#[derive(Debug)]
pub(super) struct RegisteredDatagrams {
  socket: Arc<tokio::net::UdpSocket>,
  reader: Waker,
  writer: Waker,
  /// The directions that Tokio was asked for, and has not told of.
  asked: Cell<Interest>,
  errors: Errors,
}

impl RegisteredDatagrams {
  /// Watched for nothing yet. Within a runtime of Tokio.
  ///
  /// # Errors
  /// The system cannot watch it.
  pub(super) fn new(socket: UdpSocket, reader: Waker, writer: Waker) -> io::Result<Self> {
    let is_connected = cfg!(any(target_os = "linux", target_os = "android")) && socket.peer_addr().is_ok();
    let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
    Ok(Self {
      errors: Errors(is_connected.then(|| RefCell::new(next_error(&socket)))),
      socket,
      reader,
      writer,
      asked: Cell::default(),
    })
  }

  fn watch(&self, interest: Interest) {
    let mut asked = self.asked.get();
    if interest.read && !asked.read {
      asked.read = true;
      let mut cx = Context::from_waker(&self.reader);
      // An error is found by the call that is made then.
      if self.errors.poll(&self.socket, &mut cx) || self.socket.poll_recv_ready(&mut cx).is_ready() {
        self.reader.wake_by_ref();
      }
    }
    if interest.write && !asked.write {
      asked.write = true;
      let mut cx = Context::from_waker(&self.writer);
      if self.socket.poll_send_ready(&mut cx).is_ready() {
        self.writer.wake_by_ref();
      }
    }
    self.asked.set(asked);
  }

  fn told(&self, ready: Ready) {
    self.asked.set(self.asked.get().without(ready));
  }

  fn receive(&self, mut receive: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    match self.socket.try_io(TokioInterest::READABLE, &mut receive) {
      // Tokio asks for one of them at a time.
      Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.errors.0.is_some() => {
        self.socket.try_io(TokioInterest::ERROR, receive)
      }
      received => received,
    }
  }

  fn send(&self, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
    self.sending(|socket| to.map_or_else(|| socket.send(bytes), |to| socket.send_to(bytes, &to.into())))
  }

  /// Calls `send`, also where Tokio has not heard yet that the kernel takes something.
  fn sending(&self, send: impl Fn(&SockRef<'_>) -> io::Result<usize>) -> io::Result<usize> {
    let socket = SockRef::from(&*self.socket);
    let mut outcome = None;
    let noticed = self.socket.try_io(TokioInterest::WRITABLE, || {
      let result = send(&socket);
      let is_full = matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
      outcome = Some(result);
      if is_full {
        Err(io::ErrorKind::WouldBlock.into())
      } else {
        Ok(())
      }
    });
    drop(noticed);
    outcome.unwrap_or_else(|| send(&socket))
  }
}

/// What a peer has refused, of a socket that has one: on Linux Tokio takes that for a matter of who sends, and whoever only receives would
/// not hear of it. `None` where there is no peer, or no need.
struct Errors(Option<RefCell<NextError>>);

type NextError = Pin<Box<dyn Future<Output = ()>>>;

fn next_error(socket: &Arc<tokio::net::UdpSocket>) -> NextError {
  let socket = Arc::clone(socket);
  Box::pin(async move { drop(socket.ready(TokioInterest::ERROR).await) })
}

impl Errors {
  /// Whether there is one. If not, the waker of `cx` is called when there is.
  fn poll(&self, socket: &Arc<tokio::net::UdpSocket>, cx: &mut Context<'_>) -> bool {
    let Some(next) = &self.0 else { return false };
    let next = &mut *next.borrow_mut();
    let is_there = next.as_mut().poll(cx).is_ready();
    if is_there {
      *next = next_error(socket);
    }
    is_there
  }
}

impl fmt::Debug for Errors {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("Errors")
  }
}
