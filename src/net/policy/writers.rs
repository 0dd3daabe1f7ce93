//! In which order connections write whose kernel takes bytes again. What one of them writes can take a third of a
//! millisecond, and the kernel reports those that are always ready in the same order each time. So they take turns, a few
//! at each look, and what is only read does not wait for them.

use crate::net::SocketId;

/// The connections that can write, found by one look.
#[derive(Debug, Default)]
pub struct Writers {
  ready: Vec<SocketId>,
  /// Who wrote last.
  last: SocketId,
}

impl Writers {
  /// `id` can write.
  pub fn add(&mut self, id: SocketId) {
    self.ready.push(id);
  }

  /// Has some of them write: one at least, and then as long as it `goes_on`. The next call begins behind the last of them.
  /// `true` when some are left.
  pub fn take_turns(&mut self, mut write: impl FnMut(SocketId), mut goes_on: impl FnMut() -> bool) -> bool {
    self.ready.sort_unstable();
    self.ready.dedup();
    let first = self.ready.partition_point(|id| *id <= self.last);
    self.ready.rotate_left(first);
    let mut written = 0;
    for id in &self.ready {
      self.last = *id;
      write(*id);
      written += 1;
      if !goes_on() {
        break;
      }
    }
    self.ready.drain(..written);
    !self.ready.is_empty()
  }
}

#[cfg(test)]
mod tests {
  use std::cell::RefCell;

  use super::*;

  /// What writes when all of `ready` are found and `most` may write.
  fn look(writers: &mut Writers, ready: &[SocketId], most: usize) -> Vec<SocketId> {
    for id in ready {
      writers.add(*id);
    }
    let written = RefCell::new(Vec::new());
    writers.take_turns(
      |id| written.borrow_mut().push(id),
      || written.borrow().len() < most,
    );
    written.into_inner()
  }

  #[test]
  fn all_write_before_one_writes_again() {
    let mut writers = Writers::default();
    assert_eq!(look(&mut writers, &[7, 3, 5], 2), [3, 5]);
    assert_eq!(look(&mut writers, &[7, 3, 5], 2), [7, 3]);
    assert_eq!(look(&mut writers, &[7, 3, 5], 9), [5, 7, 3]);
  }

  #[test]
  fn one_writes_at_least_and_nobody_twice() {
    let mut writers = Writers::default();
    assert_eq!(look(&mut writers, &[1, 2], 0), [1]);
    assert_eq!(look(&mut writers, &[1], 9), [2, 1]);
    assert_eq!(look(&mut writers, &[], 9), []);
  }
}
