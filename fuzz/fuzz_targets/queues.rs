//! Whatever an owner and the kernel do to the queue of a socket, in whatever order: bytes keep their order and their number,
//! plaintext never comes after a barrier, and what is sealed counts until it has gone. And whoever can write has its turn.

#![no_main]

use std::collections::{BTreeSet, VecDeque};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::policy::{
  send_queue::{Next, SendQueue},
  writers::Writers,
};

#[derive(Arbitrary, Debug)]
enum Step {
  Stage(u16),
  Commit,
  Barrier,
  /// The kernel takes some.
  Write(u16),
  /// TLS takes some.
  Seal(u16),
  /// TLS takes some that was never in the queue.
  SealPast(u16),
  /// The kernel takes some of that.
  Sent(u16),
  PassBarrier,
  WantDrain,
  Clear,
  /// A look finds these ready, and so many may write.
  Ready(Vec<u8>, u8),
}

/// What should be in the send queue: each byte with the number of barriers before it.
#[derive(Default)]
struct Sending {
  queue: SendQueue,
  staged: u8,
  /// (byte, barriers before it), and how many of them the writer may have.
  model: VecDeque<(u8, u32)>,
  committed: usize,
  /// Sealed, and not gone.
  sealed: usize,
  /// Staged after a `clear`.
  dropped: usize,
  barriers: u32,
  passed: u32,
  drain_wanted: bool,
  is_cleared: bool,
}

impl Sending {
  fn unwritten(&self) -> usize {
    self.model.len() + self.sealed + self.dropped
  }

  fn stage(&mut self, count: usize) {
    let next = |_| {
      self.staged = self.staged.wrapping_add(1);
      self.staged
    };
    let data: Vec<u8> = (0..count).map(next).collect();
    if self.is_cleared {
      self.dropped += count;
    } else {
      self.model.extend(data.iter().map(|byte| (*byte, self.barriers)));
    }
    self.queue.stage(Bytes::from(data));
  }

  fn commit(&mut self) {
    self.queue.commit();
    self.committed = self.model.len();
  }

  fn barrier(&mut self) {
    self.queue.barrier();
    self.committed = self.model.len();
    self.barriers += u32::from(!self.is_cleared);
  }

  /// Some of what is at the front, which is checked to be it.
  fn front(&mut self, most: usize) -> usize {
    let mut slices = Vec::new();
    match self.queue.next(&mut slices, 64) {
      Next::Idle => {
        assert_eq!(self.committed, 0);
        0
      }
      Next::Handshake => {
        assert!(self.passed < self.barriers);
        0
      }
      Next::Write => {
        let bytes: Vec<u8> = slices.concat().into_iter().take(most.max(1)).collect();
        for byte in &bytes {
          let expected = Some((*byte, self.passed));
          assert_eq!(
            self.model.pop_front(),
            expected,
            "in order, on this side of the barrier"
          );
        }
        self.committed -= bytes.len();
        bytes.len()
      }
    }
  }

  fn assert_drained(&mut self, is_told: bool) {
    assert_eq!(is_told, self.drain_wanted && self.unwritten() == 0);
    self.drain_wanted &= !is_told;
  }

  fn write(&mut self, most: usize) {
    // Nothing passes what is sealed.
    let count = if self.sealed == 0 { self.front(most) } else { 0 };
    if count > 0 {
      let is_told = self.queue.advance(count);
      self.assert_drained(is_told);
    }
  }

  fn seal(&mut self, most: usize) {
    let count = self.front(most);
    self.queue.take(count);
    self.sealed += count;
  }

  fn seal_past(&mut self, count: usize) {
    if self.queue.is_empty() && !self.is_cleared {
      self.queue.sealed_past(count);
      self.sealed += count;
    }
  }

  fn sent(&mut self, most: usize) {
    let count = self.sealed.min(most);
    if count > 0 {
      self.sealed -= count;
      let is_told = self.queue.written(count);
      self.assert_drained(is_told);
    }
  }

  fn pass_barrier(&mut self) {
    assert_eq!(
      self.queue.is_at_barrier(),
      self.passed < self.barriers
        && self
          .model
          .front()
          .is_none_or(|(_, barriers)| *barriers > self.passed),
    );
    if self.queue.is_at_barrier() {
      self.queue.pass_barrier();
      self.passed += 1;
    }
  }

  fn want_drain(&mut self) {
    let is_drained = self.queue.want_drain();
    assert_eq!(is_drained, self.unwritten() == 0 && !self.is_cleared);
    self.drain_wanted = self.unwritten() > 0;
  }

  fn clear(&mut self) {
    self.queue.clear();
    self.model.clear();
    (self.committed, self.sealed, self.dropped) = (0, 0, 0);
    (self.passed, self.barriers) = (0, 0);
    (self.drain_wanted, self.is_cleared) = (false, true);
  }
}

/// Who waits for a turn.
#[derive(Default)]
struct Turns {
  writers: Writers,
  waiting: BTreeSet<u32>,
}

impl Turns {
  fn ready(&mut self, found: &[u8], most: u8) {
    for id in found {
      self.writers.add(u32::from(*id) + 1);
      self.waiting.insert(u32::from(*id) + 1);
    }
    let mut written = Vec::new();
    let mut left = most;
    let some_are_left = self.writers.take_turns(
      |id| written.push(id),
      || {
        left = left.saturating_sub(1);
        left > 0
      },
    );
    assert_eq!(written.len(), self.waiting.len().min(usize::from(most.max(1))));
    for id in written {
      assert!(self.waiting.remove(&id), "each writes once");
    }
    assert_eq!(some_are_left, !self.waiting.is_empty());
  }
}

fuzz_target!(|steps: Vec<Step>| {
  let (mut sending, mut turns) = (Sending::default(), Turns::default());
  for step in steps {
    match step {
      Step::Stage(count) => sending.stage(count.into()),
      Step::Commit => sending.commit(),
      Step::Barrier if sending.barriers == 0 => sending.barrier(),
      Step::Barrier => {}
      Step::Write(most) => sending.write(most.into()),
      Step::Seal(most) => sending.seal(most.into()),
      Step::SealPast(count) => sending.seal_past(count.into()),
      Step::Sent(most) => sending.sent(most.into()),
      Step::PassBarrier => sending.pass_barrier(),
      Step::WantDrain => sending.want_drain(),
      Step::Clear => sending.clear(),
      Step::Ready(found, most) => turns.ready(&found, most),
    }
    assert_eq!(sending.queue.unwritten(), sending.unwritten());
  }
});
