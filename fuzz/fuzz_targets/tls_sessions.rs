//! Whatever two ends of a connection say and take, in whatever pieces: what one end seals arrives at the other in order, counts as
//! sent when it has gone and never earlier, and an end comes last.

#![no_main]

mod common;

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::tls::{Session, Then, session::RECORD, wire::MOST_RECEIVED};

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
  /// It takes all but a few.
  SendAllBut(u8),
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
  /// Ciphertext that was sent, ever.
  sent: usize,
  /// Where each record ends in that, and how much is in it.
  records: VecDeque<(usize, usize)>,
}

impl End {
  fn new(session: Session) -> Self {
    Self {
      session,
      on_the_way: VecDeque::new(),
      sealed: 0,
      opened: 0,
      gone: 0,
      sent: 0,
      records: VecDeque::new(),
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
    for record in plain.chunks(RECORD) {
      self.session.seal(record).unwrap();
      let end = self.sent + self.session.output_bytes();
      self.records.push_back((end, record.len()));
    }
    self.sealed += count;
  }

  fn send(&mut self, most: usize) {
    let on_the_way = &mut self.on_the_way;
    let send = |output: &[u8]| {
      let now = output.len().min(most);
      on_the_way.extend(&output[..now]);
      Ok(now)
    };
    let before = self.session.output_bytes();
    let gone = self.session.send(send).unwrap();
    self.sent += before - self.session.output_bytes();
    let mut expected = 0;
    while let Some((_, plaintext)) = self.records.front().filter(|(end, _)| *end <= self.sent) {
      expected += plaintext;
      self.records.pop_front();
    }
    assert_eq!(gone, expected, "what has gone as a whole");
    self.gone += gone;
  }

  fn open(&mut self, from: &mut Self, most: usize, room: usize) {
    // What came behind the handshake, such as tickets, is opened first: nothing is received beside it.
    let most = if self.session.has_input() { 0 } else { most };
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
      Step::SendAllBut(few) => this.send(this.session.output_bytes().saturating_sub(usize::from(few % 4))),
      Step::Open(most, room) => this.open(other, most.into(), room.into()),
      Step::End => this.session.end(),
    }
  }
});
