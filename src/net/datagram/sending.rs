//! How a datagram socket sends: at once, where the kernel takes it and the address is known, and otherwise from its outbox.

use std::{
  io::{self, ErrorKind},
  net::SocketAddr,
};

use super::{
  lookup::Lookup,
  options::Destination,
  outbox::Outbox,
  state::{Life, State},
  told::Way,
  trouble::is_fatal,
  unsent::Addressed,
};
use crate::net::{Event, SocketError};

/// A datagram that was not sent.
struct Refusal {
  /// The socket can be used no more.
  is_fatal: bool,
  error: SocketError,
}

impl State {
  /// `bytes` leave with what else is staged, at the latest when [`State::flush`] is called.
  pub(super) fn stage(&mut self, bytes: &[u8], to: SocketAddr) {
    if !self.is_open() {
      return;
    }
    match self.family.address(to) {
      Some(to) if self.staged.push(to, bytes) => {
        if self.staged.is_full() {
          self.flush();
        }
      }
      _ => self.drop_one(),
    }
  }

  /// Sends what is staged. What the kernel does not take now waits for it.
  pub(super) fn flush(&mut self) {
    if self.staged.is_empty() {
      return;
    }
    let mut staged = std::mem::take(&mut self.staged);
    self.send_all(&staged.iter().collect::<Vec<_>>());
    staged.clear();
    self.staged = staged;
    if self.outbox.waits_for_kernel() {
      self.watch();
    }
  }

  fn send_all(&mut self, mut datagrams: &[(SocketAddr, &[u8])]) {
    while let Life::Open(socket) = &self.life
      && !self.outbox.waits_for_kernel()
      && !datagrams.is_empty()
    {
      let sent = match socket.send_many(datagrams, self.sends_runs) {
        Err(error) if self.sends_runs && error.kind() != ErrorKind::WouldBlock => {
          let one_by_one = socket.send_many(datagrams, false);
          // Then it was that which cannot be done here.
          self.sends_runs = one_by_one.is_err();
          one_by_one
        }
        sent => sent,
      };
      match sent {
        Ok(sent) => datagrams = &datagrams[sent..],
        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
        Err(error) => {
          self.not_sent(&error);
          datagrams = &datagrams[1..];
        }
      }
    }
    if let (Life::Open(_), Outbox::Unsent(unsent, _)) = (&self.life, &mut self.outbox) {
      let refused = datagrams
        .iter()
        .filter(|(to, bytes)| !unsent.push_addressed(*to, bytes));
      let refused = refused.count();
      self.dropped = self.dropped.saturating_add(refused as u32);
    }
  }

  fn not_sent(&mut self, error: &io::Error) {
    if is_fatal(error) {
      self.end(SocketError::from_io("send to the network", error));
    } else {
      self.drop_one();
    }
  }

  /// `false` where the kernel takes nothing now.
  fn try_send(&mut self, bytes: &[u8], to: SocketAddr) -> bool {
    let Life::Open(socket) = &self.life else {
      return true;
    };
    match socket.send(bytes, Some(to)) {
      Ok(_) => {}
      Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
      Err(error) => self.not_sent(&error),
    }
    true
  }

  /// The kernel takes something again.
  pub(super) fn write(&mut self) {
    match &mut self.outbox {
      Outbox::Told(_) => return self.go_on(),
      Outbox::Unsent(unsent, lookup) => {
        let (mut unsent, lookup) = (std::mem::take(unsent), lookup.take());
        unsent.send(|Addressed { to, bytes }| self.try_send(bytes, *to));
        if self.is_open() {
          self.outbox = Outbox::Unsent(unsent, lookup);
        }
      }
    }
    self.watch();
  }

  pub(super) fn send_to_name(&mut self, bytes: &[u8], host: String, port: u16) {
    let Outbox::Unsent(unsent, lookup) = &mut self.outbox else {
      return;
    };
    if !unsent.push_named(host, port, bytes) {
      self.drop_one();
    } else if lookup.is_none() {
      self.look_up();
    }
  }

  /// Has the first name looked up that waits.
  fn look_up(&mut self) {
    if let Outbox::Unsent(unsent, lookup) = &mut self.outbox {
      let begin = |host: &str, port| Lookup::begin(&self.context, self.id, host.to_owned(), port);
      *lookup = unsent.next_name().map(|named| begin(&named.host, named.port));
    }
  }

  /// The first name was looked up for which datagrams wait.
  pub(super) fn name_looked_up(&mut self, found: Result<Vec<SocketAddr>, SocketError>) {
    match &mut self.outbox {
      Outbox::Told(told) => {
        if let Err(error) = told.looked_up(found, self.family) {
          self.tell(Event::WriteFailed(error));
        }
        self.go_on();
      }
      Outbox::Unsent(unsent, _) => {
        if let Some(named) = unsent.looked_up() {
          let found = found.unwrap_or_default();
          match found.iter().find_map(|&address| self.family.address(address)) {
            Some(to) => {
              self.stage(&named.bytes, to);
              self.flush();
            }
            None => self.drop_one(),
          }
        }
        self.look_up();
      }
    }
  }

  /// `true` where the system has it.
  pub(super) fn send_told(&mut self, bytes: &[u8], destination: Option<Destination>) -> bool {
    let Outbox::Told(told) = &self.outbox else {
      return false;
    };
    let way = Way::to(destination.as_ref(), self.family);
    if told.is_empty()
      && let Some(sent) = self.try_way(bytes, &way, destination.as_ref())
    {
      let is_sent = sent.is_ok();
      self.tell_failure(sent);
      return is_sent;
    }
    if let Outbox::Told(told) = &mut self.outbox
      && let Err(error) = told.push(destination, way, bytes)
    {
      self.tell(Event::WriteFailed(error));
    }
    self.go_on();
    false
  }

  /// `None` where it has to wait.
  fn try_way(
    &self,
    bytes: &[u8],
    way: &Way,
    destination: Option<&Destination>,
  ) -> Option<Result<(), Refusal>> {
    let Life::Open(socket) = &self.life else {
      return None;
    };
    let try_one = |address| match socket.send(bytes, address) {
      Ok(_) => Some(Ok(())),
      Err(error) if error.kind() == ErrorKind::WouldBlock => None,
      Err(error) => Some(Err(error)),
    };
    let refused = |error: &io::Error| Refusal {
      is_fatal: is_fatal(error),
      error: match destination.or(self.peer.as_ref()) {
        Some(destination) => destination.peer().failed("send to", error),
        None => SocketError::from_io("send to nobody", error),
      },
    };
    match way {
      Way::Unknown => None,
      Way::Refused(error) => Some(Err(Refusal {
        is_fatal: false,
        error: error.clone(),
      })),
      Way::Peer => Some(try_one(None)?.map_err(|error| refused(&error))),
      Way::To(addresses) => {
        let mut failure = None;
        for &address in addresses {
          match try_one(Some(address))? {
            Ok(()) => return Some(Ok(())),
            Err(error) => drop(failure.get_or_insert(error)),
          }
        }
        failure.map(|error| Err(refused(&error)))
      }
    }
  }

  fn tell_failure(&mut self, sent: Result<(), Refusal>) {
    match sent {
      Ok(()) => {}
      Err(Refusal {
        is_fatal: true,
        error,
      }) => self.end(error),
      Err(Refusal { error, .. }) => self.tell(Event::WriteFailed(error)),
    }
  }

  /// Sends what waits, as far as that is possible now.
  pub(super) fn go_on(&mut self) {
    while let (Life::Open(_), Outbox::Told(told)) = (&self.life, &self.outbox)
      && let Some(first) = told.first()
    {
      if let Some(name) = told.name_to_look_up() {
        let lookup = Lookup::begin(&self.context, self.id, name.host.clone(), name.port);
        if let Outbox::Told(told) = &mut self.outbox {
          told.looking_up(lookup);
        }
        break;
      }
      let destination = first.destination.as_ref();
      let Some(sent) = self.try_way(&first.bytes, &first.way, destination) else {
        break;
      };
      if let Outbox::Told(told) = &mut self.outbox {
        told.pop();
      }
      if sent.is_ok() {
        self.tell(Event::Drained);
      }
      self.tell_failure(sent);
    }
    self.watch();
  }

  fn drop_one(&mut self) {
    self.dropped = self.dropped.saturating_add(1);
  }
}
