//! Datagrams that could not be sent at once: the kernel's buffer is full, or the address of a name is still looked up. Both wait in an
//! order of their own, so that one to an address is not held up by one to a name.
//!
//! What waits is bounded, in bytes and in number. Beyond that the newest is dropped, as a network would.

use std::{collections::VecDeque, net::SocketAddr};

/// Bytes that wait, of one socket, names and addresses together.
const MOST_BYTES: usize = 1024 * 1024;

/// Datagrams that wait.
const MOST_DATAGRAMS: usize = 1024;

/// What a datagram costs besides its bytes.
const OVERHEAD: usize = 64;

/// To an address.
#[derive(Debug)]
pub(super) struct Addressed {
  pub(super) to: SocketAddr,
  pub(super) bytes: Box<[u8]>,
}

/// To a name, whose address is not known yet.
#[derive(Debug)]
pub(super) struct Named {
  pub(super) host: String,
  pub(super) port: u16,
  pub(super) bytes: Box<[u8]>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unsent {
  addressed: VecDeque<Addressed>,
  named: VecDeque<Named>,
  room: Room,
}

impl Unsent {
  /// Whether a datagram to an address waits for the kernel.
  pub(super) fn waits_for_kernel(&self) -> bool {
    !self.addressed.is_empty()
  }

  /// A copy of `bytes` waits, unless that is too much. `false` where it is dropped.
  pub(super) fn push_addressed(&mut self, to: SocketAddr, bytes: &[u8]) -> bool {
    let Some(bytes) = self.room.take(bytes) else {
      return false;
    };
    self.addressed.push_back(Addressed { to, bytes });
    true
  }

  /// The same for one to a name.
  pub(super) fn push_named(&mut self, host: String, port: u16, bytes: &[u8]) -> bool {
    let Some(bytes) = self.room.take(bytes) else {
      return false;
    };
    self.named.push_back(Named { host, port, bytes });
    true
  }

  /// Sends those to addresses by `send`, in order, until it says that the kernel takes no more.
  pub(super) fn send(&mut self, mut send: impl FnMut(&Addressed) -> bool) {
    while let Some(first) = self.addressed.front() {
      if !send(first) {
        return;
      }
      if let Some(sent) = self.addressed.pop_front() {
        self.room.give_back(sent.bytes.len());
      }
    }
  }

  /// The first whose name is to be looked up. It stays until [`Unsent::looked_up`].
  pub(super) fn next_name(&self) -> Option<&Named> {
    self.named.front()
  }

  /// The lookup of the first is over.
  pub(super) fn looked_up(&mut self) -> Option<Named> {
    let named = self.named.pop_front()?;
    self.room.give_back(named.bytes.len());
    Some(named)
  }
}

/// What may wait.
#[derive(Debug, Default)]
pub(super) struct Room {
  bytes: usize,
  datagrams: usize,
}

impl Room {
  /// A copy of `bytes`, where there is room. No memory is the same as no room.
  pub(super) fn take(&mut self, bytes: &[u8]) -> Option<Box<[u8]>> {
    let cost = bytes.len() + OVERHEAD;
    if self.bytes + cost > MOST_BYTES || self.datagrams >= MOST_DATAGRAMS {
      return None;
    }
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).ok()?;
    copy.extend_from_slice(bytes);
    self.bytes += cost;
    self.datagrams += 1;
    Some(copy.into())
  }

  /// One of `bytes` waits no more.
  pub(super) fn give_back(&mut self, bytes: usize) {
    self.bytes -= bytes + OVERHEAD;
    self.datagrams -= 1;
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn to(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
  }

  #[test]
  fn what_waits_is_sent_in_order_until_the_kernel_takes_no_more() {
    let mut unsent = Unsent::default();
    for port in 1..=4 {
      assert!(unsent.push_addressed(to(port), &[0; 10]));
    }
    let mut sent = Vec::new();
    unsent.send(|datagram| {
      if sent.len() == 3 {
        return false;
      }
      sent.push(datagram.to.port());
      true
    });
    assert_eq!(sent, [1, 2, 3]);
    assert!(unsent.waits_for_kernel());
    unsent.send(|_| true);
    assert!(!unsent.waits_for_kernel());
    assert_eq!(unsent.room.bytes, 0);
  }

  #[test]
  fn names_wait_apart_from_addresses() {
    let mut unsent = Unsent::default();
    assert!(unsent.push_named("a.test".into(), 1, b"first"));
    assert!(unsent.push_named("b.test".into(), 2, b"second"));
    assert!(!unsent.waits_for_kernel());
    assert_eq!(
      unsent.next_name().map(|named| named.host.as_str()),
      Some("a.test")
    );
    assert_eq!(&*unsent.looked_up().unwrap().bytes, b"first");
    assert_eq!(unsent.next_name().map(|named| named.port), Some(2));
  }

  #[test]
  fn the_newest_is_dropped_where_too_many_wait_and_where_they_are_too_large() {
    let mut many = Unsent::default();
    for _ in 0..MOST_DATAGRAMS {
      assert!(many.push_addressed(to(1), &[]));
    }
    assert!(!many.push_named("a.test".into(), 1, &[]));
    let mut large = Unsent::default();
    while large.push_addressed(to(1), &[0; 65_507]) {}
    assert!(large.room.bytes <= MOST_BYTES);
    large.send(|_| true);
    assert!(large.push_addressed(to(1), &[0; 65_507]), "there is room again");
  }
}
