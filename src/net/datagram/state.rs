//! What happens to a datagram socket: it is bound or connected, receives what its owner wants, and sends.

use std::{
  io::{self, ErrorKind},
  net::{IpAddr, SocketAddr},
};

use super::{
  bind,
  family::AddressFamily,
  groups::Groups,
  lookup::Lookup,
  options::{DatagramOptions, Destination},
  outbox::Outbox,
  staged::Staged,
  told::usable,
  trouble::is_fatal,
};
use crate::net::{
  Context, Ends, Event, Received, SocketError, SocketId,
  event::Notice,
  readiness::{Interest, Ready, WatchedDatagrams},
};

/// Errors about earlier datagrams that are passed over before others have their turn.
const MOST_ERRORS: usize = 16;

/// The inside of a [`DatagramSocket`](super::socket::DatagramSocket).
#[derive(Debug)]
pub(super) struct State {
  pub(super) id: SocketId,
  pub(super) context: Context,
  pub(super) life: Life,
  /// Where it can send.
  pub(super) family: AddressFamily,
  /// What it is connected to.
  pub(super) peer: Option<Destination>,
  pub(super) ends: Option<Ends>,
  pub(super) local: Option<SocketAddr>,
  wanted: Wanted,
  /// The owner was told that something can be taken, and has not looked.
  announced: bool,
  pub(super) outbox: Outbox,
  /// Of this turn.
  pub(super) staged: Staged,
  /// Staged ones of one length that go to one place are sent as one, as long as the system can cut that.
  pub(super) sends_runs: bool,
  pub(super) groups: Groups,
  /// Datagrams that were not sent, as far as the system said so, and of which nobody was told.
  pub(super) dropped: u32,
}

#[derive(Debug)]
pub(super) enum Life {
  /// The address of its peer is being looked up, unless that is known.
  Opening {
    options: DatagramOptions,
    _lookup: Option<Lookup>,
  },
  Open(WatchedDatagrams),
  Over,
}

/// How many datagrams the owner still wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
  All,
  Some(u32),
}

impl Wanted {
  const NONE: Self = Self::Some(0);

  fn at_most(self, most: usize) -> usize {
    match self {
      Self::All => most,
      Self::Some(count) => most.min(count as usize),
    }
  }

  /// So many of them came.
  fn less(self, came: usize) -> Self {
    match self {
      Self::All => Self::All,
      Self::Some(count) => Self::Some(count.saturating_sub(came as u32)),
    }
  }
}

impl State {
  fn new(context: &Context, id: SocketId, life: Life, family: AddressFamily) -> Self {
    Self {
      id,
      context: context.clone(),
      life,
      family,
      peer: None,
      ends: None,
      local: None,
      wanted: Wanted::All,
      announced: false,
      outbox: Outbox::default(),
      staged: Staged::default(),
      sends_runs: true,
      groups: Groups::default(),
      dropped: 0,
    }
  }

  /// One that is bound.
  pub(super) fn bind(context: &Context, id: SocketId, options: &DatagramOptions) -> io::Result<Self> {
    let socket = bind::bind(options)?;
    let local = socket.local_addr()?;
    let watched = context.reactor().datagrams(id, socket)?;
    let family = AddressFamily::of(local.ip(), options.ipv6_only);
    let mut state = Self::new(context, id, Life::Open(watched), family);
    state.local = Some(local);
    let interest = state.interest();
    if let Life::Open(socket) = &mut state.life {
      socket.watch(interest)?;
    }
    Ok(state)
  }

  /// One that is about to be connected to `peer`. Tells `Opened` or `Failed`.
  pub(super) fn connect(
    context: &Context,
    id: SocketId,
    options: DatagramOptions,
    peer: Destination,
  ) -> Self {
    let lookup = match peer.host.parse::<IpAddr>() {
      Ok(ip) => {
        let found = Notice::LookedUp(Ok(vec![SocketAddr::new(ip, peer.port)]));
        context.sink().push(id, found.into());
        None
      }
      Err(_) => Some(Lookup::begin(context, id, peer.host.clone(), peer.port)),
    };
    let life = Life::Opening {
      options,
      _lookup: lookup,
    };
    let mut state = Self::new(context, id, life, AddressFamily::Both);
    state.peer = Some(peer);
    state
  }

  pub(super) fn tell(&self, event: Event) {
    self.context.tell(self.id, event);
  }

  /// What it waits for.
  fn interest(&self) -> Interest {
    Interest {
      read: self.wanted != Wanted::NONE,
      end: false,
      write: self.outbox.waits_for_kernel(),
    }
  }

  /// Watches for what it waits for.
  pub(super) fn watch(&mut self) {
    let interest = self.interest();
    if let Life::Open(socket) = &mut self.life
      && let Err(error) = socket.watch(interest)
    {
      // Nobody would hear of it any more.
      self.end(SocketError::from_io("watch a datagram socket", &error));
    }
  }

  pub(super) fn ready(&mut self, ready: Ready) {
    if let Life::Open(socket) = &mut self.life {
      socket.told(ready);
    }
    if !ready.read {
      return;
    }
    if self.wanted == Wanted::NONE {
      // It is only now that this costs something: mostly more is wanted before more comes.
      self.watch();
    } else {
      self.announce();
    }
  }

  fn announce(&mut self) {
    if !self.announced {
      self.announced = true;
      self.tell(Event::Readable);
    }
  }

  /// Adds to `received` what is there and wanted, at most `most` datagrams.
  pub(super) fn take(&mut self, memory: &mut [u8], most: usize, received: &mut Vec<Received>) {
    self.announced = false;
    for _ in 0..MOST_ERRORS {
      let most = self.wanted.at_most(most);
      let Life::Open(socket) = &self.life else { return };
      if most == 0 {
        return;
      }
      match socket.receive(memory, most, received) {
        Ok(()) => {
          let found = received.len();
          if let Some(ends) = self.ends {
            // From before it was connected.
            received.retain(|one| is_same(ends.remote, one.from));
          }
          self.wanted = self.wanted.less(received.len());
          if found == most && self.wanted != Wanted::NONE {
            // There may be more, which costs less to try than to ask for. Others come first.
            self.announce();
          } else {
            self.watch();
          }
          return;
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => return self.watch(),
        Err(error) if is_fatal(&error) => return self.end(self.receive_failed(&error)),
        // Somebody refused what was sent to them. It is said once each.
        Err(error) => {
          if self.ends.is_some() && self.outbox.is_telling() {
            self.tell(Event::ReadFailed(self.receive_failed(&error)));
          }
        }
      }
    }
    self.announce();
  }

  fn receive_failed(&self, error: &io::Error) -> SocketError {
    match &self.peer {
      Some(peer) => peer.peer().failed("receive from", error),
      None => SocketError::from_io("receive from the network", error),
    }
  }

  /// So many datagrams are wanted from now on, `None` being all.
  pub(super) fn want(&mut self, count: Option<u32>) {
    let before = self.wanted;
    self.wanted = count.map_or(Wanted::All, Wanted::Some);
    if before == Wanted::NONE && self.wanted != Wanted::NONE && self.is_open() {
      self.watch();
      // What came meanwhile is not told again everywhere.
      self.announce();
    }
  }

  /// So many more are wanted.
  pub(super) fn want_more(&mut self, count: u32) {
    if let Wanted::Some(before) = self.wanted {
      self.want(Some(before.saturating_add(count)));
    }
  }

  pub(super) fn is_open(&self) -> bool {
    matches!(self.life, Life::Open(_))
  }

  pub(super) fn is_over(&self) -> bool {
    matches!(self.life, Life::Over)
  }

  /// From now on the end of each datagram that is sent is told, and nothing is wanted yet.
  pub(super) fn tell_of_each(&mut self) {
    self.outbox = Outbox::telling();
    self.want(Some(0));
  }

  pub(super) fn looked_up(&mut self, found: Result<Vec<SocketAddr>, SocketError>) {
    if matches!(self.life, Life::Opening { .. }) {
      self.open(found);
    } else {
      self.name_looked_up(found);
    }
  }

  /// Connects to the first of `found` that the system lets it connect to.
  fn open(&mut self, found: Result<Vec<SocketAddr>, SocketError>) {
    let Life::Opening { options, .. } = std::mem::replace(&mut self.life, Life::Over) else {
      return;
    };
    match self.connected(&options, found) {
      Ok((socket, address)) => {
        let local = socket
          .socket()
          .local_addr()
          .ok()
          .and_then(|local| local.as_socket());
        let ip = local.unwrap_or(address).ip();
        self.family = AddressFamily::of(ip, options.ipv6_only);
        self.local = local;
        self.ends = self
          .peer
          .as_ref()
          .and_then(|peer| Ends::of(socket.socket(), peer.peer().address()));
        self.life = Life::Open(socket);
        self.tell(Event::Opened);
        self.watch();
        self.go_on();
      }
      Err(error) => self.tell(Event::Failed(error)),
    }
  }

  fn connected(
    &self,
    options: &DatagramOptions,
    found: Result<Vec<SocketAddr>, SocketError>,
  ) -> Result<(WatchedDatagrams, SocketAddr), SocketError> {
    let Some(destination) = &self.peer else {
      return Err(SocketError::panicked());
    };
    let ours = options.address.map_or(AddressFamily::Both, |local| {
      AddressFamily::of(local, options.ipv6_only)
    });
    let peer = destination.peer();
    let mut failure = None;
    for address in usable(found?, destination, ours)? {
      let connected = bind::connect(options, &peer, address).and_then(|socket| {
        let watched = self.context.reactor().datagrams(self.id, socket);
        watched.map_err(|error| peer.failed("watch the connection to", &error))
      });
      match connected {
        Ok(socket) => return Ok((socket, address)),
        Err(error) => drop(failure.get_or_insert(error)),
      }
    }
    Err(failure.unwrap_or_else(SocketError::panicked))
  }

  pub(super) fn close(&mut self) {
    self.flush();
    self.life = Life::Over;
    self.outbox.clear();
  }

  pub(super) fn end(&mut self, error: SocketError) {
    if !self.is_over() {
      self.close();
      self.tell(Event::Failed(error));
    }
  }
}

/// Whether both are the same place, in whatever way IPv6 writes it.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
  one.port() == other.port() && one.ip() == other.ip()
}
