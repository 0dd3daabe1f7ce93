//! Whatever two ends of a connection say and take, in whatever pieces: what one end seals arrives at the other in order, counts as
//! sent when it has gone and never earlier, and an end comes last.

#![no_main]

mod common;

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::tls::{Session, Then, wire::MOST_RECEIVED};

#[derive(Arbitrary, Debug)]
struct Input {
  is_old: bool,
  steps: Vec<(Side, Step)>,
}

#[derive(Arbitrary, Debug)]
enum Side {
  Client,
  Server,
}

#[derive(Arbitrary, Debug)]
enum Step {
  Seal(u16),
  /// The kernel takes so many bytes.
  Send(u16),
  /// Some of what the other end has sent arrives, and is opened so many bytes at a time.
  Open(u16, u16),
  End,
}

/// One end, and what it should see.
struct End {
  session: Session,
  /// Sent by this end and not received by the other.
  on_the_way: VecDeque<u8>,
  /// Counts what was sealed, and what the other end has opened of that.
  sealed: usize,
  opened: usize,
  gone: usize,
}

impl End {
  fn new(session: Session) -> Self {
    Self {
      session,
      on_the_way: VecDeque::new(),
      sealed: 0,
      opened: 0,
      gone: 0,
    }
  }

  fn seal(&mut self, count: usize) {
    if self.session.has_ended() {
      assert!(
        count == 0 || self.session.seal(&[0]).is_err(),
        "nothing follows the end"
      );
      return;
    }
    let plain: Vec<u8> = (self.sealed..self.sealed + count).map(byte).collect();
    self.session.seal(&plain).unwrap();
    self.sealed += count;
  }

  fn send(&mut self, most: usize) {
    let on_the_way = &mut self.on_the_way;
    let send = |output: &[u8]| {
      let now = output.len().min(most);
      on_the_way.extend(&output[..now]);
      Ok(now)
    };
    self.gone += self.session.send(send).unwrap();
    assert!(self.gone <= self.sealed && self.opened <= self.gone);
    assert!(self.session.has_output() || self.gone == self.sealed);
  }

  fn open(&mut self, from: &mut Self, most: usize, room: usize) {
    let count = from.on_the_way.len().min(most).min(MOST_RECEIVED);
    let input: Vec<u8> = from.on_the_way.drain(..count).collect();
    self
      .session
      .receive(|memory| common::copy(memory, &input))
      .unwrap();
    let mut memory = vec![0; room.max(1)];
    loop {
      let opened = self.session.open(&mut memory);
      for found in &memory[..opened.bytes] {
        assert_eq!(*found, byte(from.opened), "in order");
        from.opened += 1;
      }
      match opened.then {
        Then::MayHaveMore => {}
        Then::NeedsInput => break,
        Then::Ended => {
          assert!(from.session.has_ended());
          assert_eq!(from.opened, from.sealed, "the end is behind everything");
          break;
        }
        Then::Failed(failure) => panic!("{}", failure.of("open")),
      }
    }
    // All that has gone, as a whole, and has arrived, is here.
    assert!(!from.on_the_way.is_empty() || from.opened == from.gone);
  }
}

fn byte(at: usize) -> u8 {
  (at % 251) as u8
}

fuzz_target!(|input: Input| {
  let server = if input.is_old {
    &common::OLD_SERVER
  } else {
    &common::SERVER
  };
  let (client, server) = common::connected(server);
  let (mut client, mut server) = (End::new(client), End::new(server));
  for (side, step) in input.steps {
    let (this, other) = match side {
      Side::Client => (&mut client, &mut server),
      Side::Server => (&mut server, &mut client),
    };
    match step {
      Step::Seal(count) => this.seal(count.into()),
      Step::Send(most) => this.send(most.into()),
      Step::Open(most, room) => this.open(other, most.into(), room.into()),
      Step::End => this.session.end(),
    }
  }
});
