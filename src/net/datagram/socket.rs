//! The handle to one datagram socket: bound at once, it receives on the owner's thread until it is closed. A datagram is received when the
//! owner takes it; what nobody takes stays in the kernel, which drops the newest when its buffer is full. So there is no queue of
//! datagrams in here that a sender could fill.

use std::{
  cell::RefCell,
  io::{self, ErrorKind},
  net::{IpAddr, SocketAddr},
  panic::{AssertUnwindSafe, catch_unwind},
  rc::{Rc, Weak},
  sync::Arc,
};

use socket2::SockRef;

use super::{
  bind::bind,
  groups::{Groups, Membership},
  options::DatagramOptions,
  trouble::is_fatal,
  unsent::{Addressed, Unsent},
};
use crate::net::{
  Context, ErrorName, Event, SocketError, SocketId,
  context::Member,
  event::Notice,
  names::resolve::resolve,
  readiness::{Interest, Ready, WatchedDatagrams},
};

/// The most bytes of a datagram. Memory of that size cuts none.
pub const MOST_BYTES: usize = 65_535;

/// Errors about earlier datagrams that are passed over before others have their turn.
const MOST_ERRORS: usize = 16;

/// A datagram socket, seen from its owner. Dropping it closes it.
#[derive(Debug)]
pub struct DatagramSocket {
  id: SocketId,
  local: SocketAddr,
  context: Context,
  inner: RefCell<Inner>,
}

/// The inside of a [`DatagramSocket`].
#[derive(Debug)]
struct Inner {
  id: SocketId,
  context: Context,
  /// Where it can send.
  family: AddressFamily,
  /// `None` once it is closed.
  socket: Option<WatchedDatagrams>,
  suspended: bool,
  /// The owner was told that something can be taken, and has not looked.
  announced: bool,
  unsent: Unsent,
  groups: Groups,
  /// Datagrams that were not sent, as far as the system said so.
  dropped: u32,
}

/// To which addresses a socket can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressFamily {
  V4,
  V6Only,
  Both,
}

impl DatagramSocket {
  /// Binds before it returns. Tells `Readable` when [`DatagramSocket::take`] has something, and `Failed` should it end by itself.
  ///
  /// # Errors
  /// The system's own: address in use, permission denied, address not available, too many open files, …
  pub fn bind(context: &Context, options: &DatagramOptions) -> io::Result<Rc<Self>> {
    let socket = bind(options)?;
    let local = socket.local_addr()?;
    let id = context.next_id();
    let mut socket = context.reactor().datagrams(id, socket)?;
    socket.watch(READING)?;
    let family = match options.address {
      IpAddr::V4(_) => AddressFamily::V4,
      IpAddr::V6(_) if options.ipv6_only => AddressFamily::V6Only,
      IpAddr::V6(_) => AddressFamily::Both,
    };
    let inner = Inner {
      id,
      context: context.clone(),
      family,
      socket: Some(socket),
      suspended: false,
      announced: false,
      unsent: Unsent::default(),
      groups: Groups::default(),
      dropped: 0,
    };
    let socket = Rc::new(Self {
      id,
      local,
      context: context.clone(),
      inner: RefCell::new(inner),
    });
    let member: Weak<Self> = Rc::downgrade(&socket);
    context.add(id, member);
    Ok(socket)
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.id
  }

  /// The address it receives at, with the real port.
  pub fn local_addr(&self) -> SocketAddr {
    self.local
  }

  /// Datagrams that were not sent, as far as the system said so, or because too many waited.
  pub fn dropped(&self) -> u32 {
    self.inner.borrow().dropped
  }

  /// Receives a datagram into `memory`, which has [`MOST_BYTES`]. `None` where there is none now; `Readable` is told when that has changed.
  pub fn take(&self, memory: &mut [u8]) -> Option<(usize, SocketAddr)> {
    self.inner.borrow_mut().take(memory)
  }

  /// Receives nothing until [`DatagramSocket::resume`].
  pub fn suspend(&self) {
    self.drive(|inner| inner.suspend(true));
  }

  /// Receives again.
  pub fn resume(&self) {
    self.drive(|inner| inner.suspend(false));
  }

  /// Sends `bytes` to an address, or drops them: nobody hears which. What the kernel does not take now waits for it.
  pub fn send(&self, bytes: &[u8], to: SocketAddr) {
    self.drive(|inner| inner.send(bytes, to));
  }

  /// Sends `bytes` to the address of a name, when that is known. Names are looked up one after the other, in the order of these calls.
  pub fn send_to_name(&self, bytes: &[u8], host: String, port: u16) {
    self.drive(|inner| inner.send_to_name(bytes, host, port));
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

  /// Stops receiving. When this returns the port is free, memberships have ended, and what was not sent never will be.
  pub fn close(&self) {
    self.inner.borrow_mut().close();
  }

  /// A closed socket belongs to no group.
  fn with_groups(&self, change: impl FnOnce(&mut Groups, &SockRef<'_>) -> io::Result<()>) -> io::Result<()> {
    let Inner { socket, groups, .. } = &mut *self.inner.borrow_mut();
    socket
      .as_ref()
      .map_or(Ok(()), |socket| change(groups, &socket.socket()))
  }

  /// Gives an order. A socket that panics over it fails.
  fn drive(&self, order: impl FnOnce(&mut Inner)) {
    let mut inner = self.inner.borrow_mut();
    if catch_unwind(AssertUnwindSafe(|| order(&mut inner))).is_err() {
      let panicked = "internal error: the datagram socket panicked";
      inner.end(SocketError::new(ErrorName::NetworkError, panicked));
    }
  }
}

impl Member for DatagramSocket {
  fn ready(&self, ready: Ready) -> bool {
    self.drive(|inner| inner.ready(ready));
    ready.write
  }

  fn write(&self) {
    self.drive(Inner::write);
  }

  fn notice(&self, notice: Notice) {
    if let Notice::LookedUp(addresses) = notice {
      self.drive(|inner| inner.looked_up(&addresses));
    }
  }

  fn abort(&self) {
    self.close();
  }

  fn is_over(&self) -> bool {
    self.inner.borrow().socket.is_none()
  }
}

impl Drop for DatagramSocket {
  fn drop(&mut self) {
    self.close();
    self.context.remove(self.id);
  }
}

const READING: Interest = Interest {
  read: true,
  end: false,
  write: false,
};

impl Inner {
  /// Watches for what it waits for.
  fn watch(&mut self) {
    let interest = Interest {
      read: !self.suspended,
      end: false,
      write: self.unsent.waits_for_kernel(),
    };
    if let Some(socket) = &mut self.socket
      && let Err(error) = socket.watch(interest)
    {
      // Nobody would hear of it any more.
      self.end(SocketError::from_io("watch a datagram socket", &error));
    }
  }

  fn ready(&mut self, ready: Ready) {
    if let Some(socket) = &mut self.socket {
      socket.told(ready);
    }
    if ready.read && !self.suspended {
      self.announce();
    }
  }

  fn announce(&mut self) {
    if !self.announced {
      self.announced = true;
      self.context.tell(self.id, Event::Readable);
    }
  }

  fn take(&mut self, memory: &mut [u8]) -> Option<(usize, SocketAddr)> {
    self.announced = false;
    if self.suspended {
      return None;
    }
    for _ in 0..MOST_ERRORS {
      match self.socket.as_ref()?.receive(memory) {
        Ok(datagram) => {
          // There may be more, which costs less to try than to ask for. Others come first.
          self.announce();
          return Some(datagram);
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
          self.watch();
          return None;
        }
        Err(error) if is_fatal(&error) => {
          self.end(SocketError::from_io("receive a datagram", &error));
          return None;
        }
        // Somebody refused what was sent to them. It is said once each.
        Err(_) => {}
      }
    }
    self.announce();
    None
  }

  fn suspend(&mut self, suspended: bool) {
    self.suspended = suspended;
    self.watch();
    if !suspended {
      // What came meanwhile is not told again everywhere.
      self.announce();
    }
  }

  fn send(&mut self, bytes: &[u8], to: SocketAddr) {
    let Some(to) = self.family.address(to) else {
      return self.drop_one();
    };
    if !self.unsent.waits_for_kernel() && self.try_send(bytes, to) {
      return;
    }
    if !self.unsent.push_addressed(to, bytes) {
      self.drop_one();
    }
    self.watch();
  }

  /// `false` where the kernel takes nothing now.
  fn try_send(&mut self, bytes: &[u8], to: SocketAddr) -> bool {
    let Some(socket) = &self.socket else { return true };
    match socket.send(bytes, to) {
      Ok(_) => {}
      Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
      Err(error) if is_fatal(&error) => self.end(SocketError::from_io("send a datagram", &error)),
      Err(_) => self.drop_one(),
    }
    true
  }

  fn write(&mut self) {
    let mut unsent = std::mem::take(&mut self.unsent);
    unsent.send(|Addressed { to, bytes }| self.try_send(bytes, *to));
    if self.socket.is_some() {
      self.unsent = unsent;
    }
    self.watch();
  }

  fn send_to_name(&mut self, bytes: &[u8], host: String, port: u16) {
    let is_first = self.unsent.next_name().is_none();
    if !self.unsent.push_named(host, port, bytes) {
      self.drop_one();
    } else if is_first {
      self.look_up();
    }
  }

  /// Has the first name looked up that waits.
  fn look_up(&self) {
    let Some(named) = self.unsent.next_name() else {
      return;
    };
    let (host, port) = (named.host.clone(), named.port);
    let (sink, id) = (Arc::clone(self.context.sink()), self.id);
    self.context.spawn(async move {
      let addresses = resolve(&host, port).await.unwrap_or_default();
      sink.push(id, Notice::LookedUp(addresses).into());
    });
  }

  fn looked_up(&mut self, addresses: &[SocketAddr]) {
    if let Some(named) = self.unsent.looked_up() {
      match addresses.iter().find_map(|&address| self.family.address(address)) {
        Some(to) => self.send(&named.bytes, to),
        None => self.drop_one(),
      }
    }
    self.look_up();
  }

  fn drop_one(&mut self) {
    self.dropped = self.dropped.saturating_add(1);
  }

  fn close(&mut self) {
    self.socket = None;
    self.unsent = Unsent::default();
  }

  fn end(&mut self, error: SocketError) {
    if self.socket.is_some() {
      self.close();
      self.context.tell(self.id, Event::Failed(error));
    }
  }
}

impl AddressFamily {
  /// `address` as a socket of this family writes it; `None` where it cannot send there.
  fn address(self, address: SocketAddr) -> Option<SocketAddr> {
    match (self, address) {
      (Self::V4, SocketAddr::V4(_)) | (Self::V6Only | Self::Both, SocketAddr::V6(_)) => Some(address),
      (Self::Both, SocketAddr::V4(v4)) => Some((v4.ip().to_ipv6_mapped(), v4.port()).into()),
      (Self::V4, SocketAddr::V6(v6)) => {
        let ip = v6.ip().to_ipv4_mapped()?;
        Some((ip, v6.port()).into())
      }
      (Self::V6Only, SocketAddr::V4(_)) => None,
    }
  }
}
