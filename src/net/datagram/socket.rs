//! The handle to one datagram socket, which receives on the owner's thread until it is closed. A datagram is received when the owner takes
//! it; what nobody takes stays in the kernel, which drops the newest when its buffer is full. So there is no queue of datagrams in here
//! that a sender could fill.

use std::{
  cell::RefCell,
  io,
  net::SocketAddr,
  panic::{AssertUnwindSafe, catch_unwind},
  rc::{Rc, Weak},
};

use socket2::SockRef;

use super::{
  groups::{Groups, Membership},
  options::{DatagramOptions, Destination},
  state::{Life, State},
};
use crate::net::{
  Context, Ends, ErrorName, Received, SocketError, SocketId, context::Member, event::Notice, readiness::Ready,
};

/// A datagram socket, seen from its owner. Dropping it closes it.
#[derive(Debug)]
pub struct DatagramSocket {
  id: SocketId,
  context: Context,
  state: RefCell<State>,
}

impl DatagramSocket {
  /// Binds before it returns. Tells `Readable` when [`DatagramSocket::take`] has something, and `Failed` should it end by itself.
  ///
  /// # Errors
  /// The system's own: address in use, permission denied, address not available, too many open files, …
  pub fn bind(context: &Context, options: &DatagramOptions) -> io::Result<Rc<Self>> {
    let id = context.next_id();
    let state = State::bind(context, id, options)?;
    Ok(Self::new(context, id, state))
  }

  /// Connects to `peer`, which looks its name up, and binds before that where the options have a place: what comes from elsewhere is not
  /// received. Tells `Opened`, and then what others tell; or `Failed`.
  pub fn connect(context: &Context, options: DatagramOptions, peer: Destination) -> Rc<Self> {
    let id = context.next_id();
    let state = State::connect(context, id, options, peer);
    Self::new(context, id, state)
  }

  fn new(context: &Context, id: SocketId, state: State) -> Rc<Self> {
    let socket = Rc::new(Self {
      id,
      context: context.clone(),
      state: RefCell::new(state),
    });
    let member: Weak<Self> = Rc::downgrade(&socket);
    context.add(id, member);
    socket
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.id
  }

  /// The address it receives at, with the real port. `None` before it is open.
  pub fn local_addr(&self) -> Option<SocketAddr> {
    self.state.borrow().local
  }

  /// Where it receives and where its peer does. `None` before it is connected, and of one that has no peer.
  pub fn ends(&self) -> Option<Ends> {
    self.state.borrow().ends
  }

  /// Datagrams that were not sent, as far as the system said so, or because too many waited, and whose end nobody was told.
  pub fn dropped(&self) -> u32 {
    self.state.borrow().dropped
  }

  /// Receives datagrams that are there and wanted, at most `most`, into `memory`, which has [`MEMORY`](crate::net::batch::MEMORY) bytes, and adds
  /// them to `received`, which is empty. Where there are none, `Readable` is told when that has changed.
  pub fn take(&self, memory: &mut [u8], most: usize, received: &mut Vec<Received>) {
    self.state.borrow_mut().take(memory, most, received);
  }

  /// From now on, before any event, the end of each datagram is told that is [written](Self::write), and nothing is received but what is
  /// [wanted](Self::want).
  pub fn tell_of_each(&self) {
    self.drive(State::tell_of_each);
  }

  /// So many datagrams are wanted from now on. Each that is taken is one of them.
  pub fn want(&self, count: u32) {
    self.drive(|state| state.want(Some(count)));
  }

  /// So many more are wanted than before.
  pub fn want_more(&self, count: u32) {
    self.drive(|state| state.want_more(count));
  }

  /// Receives nothing until [`DatagramSocket::resume`].
  pub fn suspend(&self) {
    self.drive(|state| state.want(Some(0)));
  }

  /// Receives again.
  pub fn resume(&self) {
    self.drive(|state| state.want(None));
  }

  /// Sends `bytes` to an address, or drops them: nobody hears which. What the kernel does not take now waits for it. They leave with what
  /// else is staged, when [`Self::flush`] is called at the latest, and not after [`Self::close`].
  pub fn stage(&self, bytes: &[u8], to: SocketAddr) {
    self.drive(|state| state.stage(bytes, to));
  }

  /// Sends what is staged.
  pub fn flush(&self) {
    self.drive(State::flush);
  }

  /// Both.
  pub fn send(&self, bytes: &[u8], to: SocketAddr) {
    self.stage(bytes, to);
    self.flush();
  }

  /// Sends `bytes` to the address of a name, when that is known. Names are looked up one after the other, in the order of these calls.
  pub fn send_to_name(&self, bytes: &[u8], host: String, port: u16) {
    self.drive(|state| state.send_to_name(bytes, host, port));
  }

  /// Sends `bytes`, without a destination to the peer. `true` when the system has them. Otherwise `Drained` or `WriteFailed` follows, in the
  /// order of these calls. Only of one that [tells of each](Self::tell_of_each).
  pub fn write(&self, bytes: &[u8], to: Option<Destination>) -> bool {
    let mut is_sent = false;
    self.drive(|state| is_sent = state.send_told(bytes, to));
    is_sent
  }

  /// Joins a multicast group, at the interface that the system chooses. To have joined it already is no error.
  ///
  /// # Errors
  /// The system's own: too many memberships, no interface for multicast, the address is of another family, …
  pub fn join(&self, membership: Membership) -> io::Result<()> {
    self.with_groups(|groups, socket| groups.join(socket, membership))
  }

  /// Leaves a multicast group. Not to belong to it is no error.
  ///
  /// # Errors
  /// The system's own.
  pub fn leave(&self, membership: Membership) -> io::Result<()> {
    self.with_groups(|groups, socket| groups.leave(socket, membership))
  }

  /// Stops receiving. When this returns the port is free, memberships have ended, and what the kernel has not taken never will be sent.
  pub fn close(&self) {
    self.drive(State::close);
  }

  /// One that is not open belongs to no group.
  fn with_groups(&self, change: impl FnOnce(&mut Groups, &SockRef<'_>) -> io::Result<()>) -> io::Result<()> {
    let State { life, groups, .. } = &mut *self.state.borrow_mut();
    match life {
      Life::Open(socket) => change(groups, &socket.socket()),
      Life::Opening { .. } | Life::Over => Ok(()),
    }
  }

  /// Gives an order. A socket that panics over it fails.
  fn drive(&self, order: impl FnOnce(&mut State)) {
    let mut state = self.state.borrow_mut();
    if catch_unwind(AssertUnwindSafe(|| order(&mut state))).is_err() {
      let panicked = "internal error: the datagram socket panicked";
      state.end(SocketError::new(ErrorName::NetworkError, panicked));
    }
  }
}

impl Member for DatagramSocket {
  fn ready(&self, ready: Ready) -> bool {
    self.drive(|state| state.ready(ready));
    ready.write
  }

  fn write(&self) {
    self.drive(State::write);
  }

  fn notice(&self, notice: Notice) {
    if let Notice::LookedUp(found) = notice {
      self.drive(|state| state.looked_up(found));
    }
  }

  fn abort(&self) {
    self.close();
  }

  fn is_over(&self) -> bool {
    self.state.borrow().is_over()
  }
}

impl Drop for DatagramSocket {
  fn drop(&mut self) {
    self.close();
    self.context.remove(self.id);
  }
}
