//! Where there is no epoll there is no poll set either: no value of these types exists, and tasks move all bytes.

use std::{
  convert::Infallible,
  io,
  marker::PhantomData,
  net::{SocketAddr, TcpStream},
  rc::Rc,
};

use socket2::Socket as RawSocket;

use super::{SocketId, event::Readiness};

/// See the module.
#[derive(Debug)]
pub struct PollSet(Infallible);

impl PollSet {
  /// # Errors
  /// Always.
  pub fn new() -> io::Result<Self> {
    Err(io::ErrorKind::Unsupported.into())
  }

  /// Never called.
  pub fn descriptor(&self) -> i32 {
    match self.0 {}
  }

  /// Never called.
  pub fn members(&self) -> usize {
    match self.0 {}
  }

  /// Never called.
  pub fn alarm(&self) -> &Alarm {
    match self.0 {}
  }

  /// Never called.
  pub fn look(&self, _found: impl FnMut(SocketId, Readiness)) {
    match self.0 {}
  }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Alarm(Infallible);

impl Alarm {
  /// Never called.
  pub fn set(&self) {
    match self.0 {}
  }
}

/// See the module.
#[derive(Debug)]
pub struct Member<S = TcpStream>(Infallible, PhantomData<S>);

impl<S> Member<S> {
  /// Never called.
  pub fn new(set: &Rc<PollSet>, _id: SocketId, _stream: S) -> Self {
    match set.0 {}
  }

  /// Never called.
  pub fn stream(&self) -> &S {
    match self.0 {}
  }

  /// Never called.
  pub fn waits_for(&self) -> Readiness {
    match self.0 {}
  }

  /// Never called.
  ///
  /// # Errors
  /// None.
  pub fn wait_for(&mut self, _wanted: Readiness) -> io::Result<()> {
    match self.0 {}
  }

  /// Never called.
  pub fn into_stream(self) -> S {
    match self.0 {}
  }
}

impl Member {
  /// Never called.
  ///
  /// # Errors
  /// None.
  pub fn connecting(
    set: &Rc<PollSet>,
    _id: SocketId,
    _socket: RawSocket,
    _address: SocketAddr,
  ) -> io::Result<Self> {
    match set.0 {}
  }

  /// Never called.
  pub fn waiting(&self) -> usize {
    match self.0 {}
  }
}
