//! Whatever an owner and a task do to the queues of a socket, in whatever order: bytes keep their order and their number,
//! plaintext never comes after a barrier, and a Readable is announced whenever there is something to take.

#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::{
  Input,
  recv_buffer::{End, LIMIT, RecvBuffer},
  send_queue::{Next, SendQueue},
};

#[derive(Arbitrary, Debug)]
enum Step {
  Stage(u16),
  Commit,
  Barrier,
  Write(u16),
  PassBarrier,
  WantDrain,
  Append(u16),
  Finish,
  Take,
  Suspend,
  Resume,
}

/// What should be in the send queue: each byte with the number of barriers before it.
#[derive(Default)]
struct Sending {
  queue: SendQueue,
  staged: u8,
  /// (byte, barriers before it), and whether the writer may have it.
  model: VecDeque<(u8, u32)>,
  committed: usize,
  barriers: u32,
  passed: u32,
  drain_wanted: bool,
}

impl Sending {
  fn stage(&mut self, count: usize) {
    let data: Vec<u8> = (0..count)
      .map(|_| {
        self.staged = self.staged.wrapping_add(1);
        self.staged
      })
      .collect();
    self.model.extend(data.iter().map(|byte| (*byte, self.barriers)));
    self.queue.stage(Bytes::from(data));
  }

  fn write(&mut self, most: usize) {
    let mut slices = Vec::new();
    match self.queue.next(&mut slices, 64) {
      Next::Idle => assert_eq!(self.committed, 0),
      Next::Handshake => assert!(self.passed < self.barriers),
      Next::Write => {
        let bytes: Vec<u8> = slices.concat().into_iter().take(most.max(1)).collect();
        for byte in &bytes {
          assert_eq!(
            self.model.pop_front(),
            Some((*byte, self.passed)),
            "in order, on this side of the barrier"
          );
        }
        self.committed -= bytes.len();
        let drained = self.queue.advance(bytes.len());
        assert_eq!(drained, self.drain_wanted && self.model.is_empty());
        self.drain_wanted &= !drained;
      }
    }
  }
}

/// What should be in the receive buffer.
#[derive(Default)]
struct Receiving {
  buffer: RecvBuffer,
  appended: u8,
  taken: u8,
  announced: bool,
  ended: bool,
}

impl Receiving {
  fn note(&mut self, due: bool) {
    assert!(!(due && self.announced), "one Readable at a time");
    self.announced |= due;
  }

  fn append(&mut self, count: usize) {
    let count = count.min(self.buffer.room(false)).min(LIMIT);
    if count == 0 || self.ended {
      return;
    }
    let mut bytes: Vec<u8> = (0..count)
      .map(|_| {
        self.appended = self.appended.wrapping_add(1);
        self.appended
      })
      .collect();
    let due = self.buffer.append(&mut bytes);
    self.note(due);
  }

  fn take(&mut self) {
    if !std::mem::take(&mut self.announced) {
      return;
    }
    let (input, again) = self.buffer.take();
    if let Input::Data(bytes) = input {
      for byte in bytes {
        self.taken = self.taken.wrapping_add(1);
        assert_eq!(byte, self.taken);
      }
    }
    self.note(again);
    assert!(
      self.buffer.is_suspended() || self.announced || self.buffer.is_empty(),
      "nothing is forgotten"
    );
  }
}

fuzz_target!(|steps: Vec<Step>| {
  let (mut sending, mut receiving) = (Sending::default(), Receiving::default());
  for step in steps {
    match step {
      Step::Stage(count) => sending.stage(count.into()),
      Step::Commit => {
        sending.queue.commit();
        sending.committed = sending.model.len();
      }
      Step::Barrier if sending.barriers == 0 => {
        sending.queue.barrier();
        sending.committed = sending.model.len();
        sending.barriers += 1;
      }
      Step::Barrier => {}
      Step::Write(most) => sending.write(most.into()),
      Step::PassBarrier => {
        if sending.queue.next(&mut Vec::new(), 64) == Next::Handshake {
          sending.queue.pass_barrier();
          sending.passed += 1;
        }
      }
      Step::WantDrain => sending.drain_wanted = !sending.queue.want_drain(),
      Step::Append(count) => receiving.append(count.into()),
      Step::Finish => {
        receiving.ended = true;
        let due = receiving.buffer.finish(End::Eof);
        receiving.note(due);
      }
      Step::Take => receiving.take(),
      Step::Suspend => receiving.buffer.suspend(),
      Step::Resume => {
        let due = receiving.buffer.resume();
        receiving.note(due);
      }
    }
    assert_eq!(sending.queue.unwritten(), sending.model.len());
  }
});
