//! Datagrams of one turn, which leave with one system call, or as few as that takes.

use std::net::SocketAddr;

use crate::net::batch::MOST_DATAGRAMS;

/// With that much, they leave before the turn ends.
const MOST_BYTES: usize = 64 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Staged {
  bytes: Vec<u8>,
  /// Where each goes, and where it ends.
  datagrams: Vec<(SocketAddr, usize)>,
}

impl Staged {
  /// A copy of `bytes` is to leave. `false` where there is no memory for it.
  pub(super) fn push(&mut self, to: SocketAddr, bytes: &[u8]) -> bool {
    let has_room = self.bytes.try_reserve(bytes.len()).is_ok() && self.datagrams.try_reserve(1).is_ok();
    if has_room {
      self.bytes.extend_from_slice(bytes);
      self.datagrams.push((to, self.bytes.len()));
    }
    has_room
  }

  /// Whether they should leave now.
  pub(super) fn is_full(&self) -> bool {
    self.datagrams.len() >= MOST_DATAGRAMS || self.bytes.len() >= MOST_BYTES
  }

  pub(super) fn is_empty(&self) -> bool {
    self.datagrams.is_empty()
  }

  /// All of them, in order.
  pub(super) fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
    let mut start = 0;
    self.datagrams.iter().map(move |&(to, end)| {
      let bytes = &self.bytes[start..end];
      start = end;
      (to, bytes)
    })
  }

  /// There are none any more. Memory for large ones is given back.
  pub(super) fn clear(&mut self) {
    self.datagrams.clear();
    self.bytes.clear();
    self.bytes.shrink_to(MOST_BYTES);
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn they_are_kept_in_order_until_there_are_enough() {
    let mut staged = Staged::default();
    let to = |port| SocketAddr::from(([127, 0, 0, 1], port));
    for port in 0..MOST_DATAGRAMS as u16 {
      assert!(!staged.is_full());
      assert!(staged.push(to(port), &vec![7; port as usize]));
    }
    assert!(staged.is_full());
    for (port, (address, bytes)) in staged.iter().enumerate() {
      assert_eq!((address, bytes.len()), (to(port as u16), port));
    }
    staged.clear();
    assert!(staged.is_empty() && staged.push(to(1), &[0; 65_507]) && staged.push(to(1), &[0; 65_507]));
    assert!(staged.is_full());
    staged.clear();
    assert!(staged.bytes.capacity() <= MOST_BYTES);
  }
}
