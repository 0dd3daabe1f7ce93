//! From ciphertext to plaintext.

use moz_tcp_socket::net::{ErrorName, tls::Then};

use crate::support::pattern;

use super::{Setup, allocated::allocated};

/// Three records and what is in them.
const RECORDS: [&[u8]; 3] = [
  b"first",
  b"x",
  b"a third one that is a little longer than those before it",
];

#[test]
fn ciphertext_may_be_split_anywhere() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    let mut at = 0;
    loop {
      let input: Vec<u8> = RECORDS.iter().flat_map(|plain| pair.peer_seals(plain)).collect();
      let (before, behind) = input.split_at(at);
      let mut plain = pair.open(before, 1024).needs_input();
      plain.extend(pair.open(behind, 1024).needs_input());
      assert_eq!(plain, RECORDS.concat(), "{setup:?} at {at}");
      at += 1;
      if at > input.len() {
        break;
      }
    }
    assert!(at > RECORDS.concat().len(), "{setup:?}");
  }
}

#[test]
fn ciphertext_may_come_a_byte_at_a_time() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    let plain = pattern(20_000);
    let input = pair.peer_seals(&plain);
    let mut opened = Vec::new();
    for byte in input.chunks(1) {
      opened.extend(pair.open(byte, 1 << 16).needs_input());
    }
    assert!(opened == plain, "{setup:?}");
  }
}

#[test]
fn the_memory_for_plaintext_may_have_any_size() {
  for setup in Setup::each() {
    for room in [1, 100, 16 * 1024 - 1, 16 * 1024, 64 * 1024] {
      let mut pair = setup.pair();
      let plain = pattern(200_000);
      let input = pair.peer_seals(&plain);
      assert!(pair.open(&input, room).needs_input() == plain, "{setup:?} {room}");
    }
  }
}

#[test]
fn no_memory_for_plaintext_loses_nothing() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    let input = pair.peer_seals(b"kept");
    pair.ours.receive(|memory| super::copy(memory, &input)).unwrap();
    let nothing = pair.ours.open(&mut []);
    assert_eq!(nothing.bytes, 0);
    assert!(matches!(nothing.then, Then::MayHaveMore));
    assert!(pair.ours.has_input());
    let mut memory = [0; 16];
    assert_eq!(pair.ours.open(&mut memory).bytes, 4, "{setup:?}");
    assert_eq!(&memory[..4], b"kept");
  }
}

#[test]
fn close_notify_ends_what_came_before_it_and_nothing_comes_after() {
  for setup in Setup::each() {
    for room in [1, 1024] {
      let mut pair = setup.pair();
      let mut input = pair.peer_seals(b"the last");
      pair.peer.shutdown().unwrap();
      input.extend(super::sent(&mut pair.peer));
      input.extend(b"not TLS");
      let found = pair.open(&input, room);
      assert_eq!(found.plain, b"the last", "{setup:?}");
      assert!(matches!(found.then, Then::Ended), "{setup:?} {:?}", found.then);
      // It stays so, and needs no input.
      assert!(pair.ours.has_input());
      let again = pair.ours.open(&mut [0; 16]);
      assert_eq!(again.bytes, 0);
      assert!(matches!(again.then, Then::Ended));
      // The other direction goes on.
      pair.ours.seal(b"answer").unwrap();
      assert_eq!(pair.send_all(), 6);
      assert_eq!(pair.peer_reads().0, b"answer");
    }
  }
}

/// That the peer has ended is a fact that only its close_notify states, wherever the input ends.
#[test]
fn close_notify_counts_with_its_last_byte_only() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    let mut input = pair.peer_seals(b"half of");
    pair.peer.shutdown().unwrap();
    input.extend(super::sent(&mut pair.peer));
    let (last, before) = input.split_last().unwrap();
    let mut plain = Vec::new();
    for byte in before {
      plain.extend(pair.open(&[*byte], 1024).needs_input());
    }
    assert_eq!(plain, b"half of");
    assert!(matches!(pair.open(&[*last], 1024).then, Then::Ended), "{setup:?}");
  }
}

#[test]
fn a_byte_that_was_changed_anywhere_in_a_record_is_an_error_after_the_bytes_before_it() {
  for setup in Setup::each() {
    let mut at = 0;
    loop {
      let mut pair = setup.pair();
      let before = pair.peer_seals(b"before");
      let mut record = pair.peer_seals(b"secret");
      // A length that is too large takes some of what follows.
      let behind = pair.peer_seals(&pattern(1000));
      let length = record.len();
      record[at] ^= 1;
      let input = [before, record, behind].concat();
      let (plain, error) = pair.open(&input, 1024).failed();
      assert_eq!(plain, b"before", "{setup:?} at {at}");
      assert_eq!(error.name, ErrorName::SecurityError, "{error}");
      // It stays broken, whatever comes.
      assert!(pair.ours.has_input());
      let again = pair.ours.open(&mut [0; 1024]);
      assert!(again.bytes == 0 && matches!(again.then, Then::Failed(_)));
      assert!(pair.ours.has_output(), "{setup:?} at {at}: an alert says why");
      at += 1;
      if at == length {
        break;
      }
    }
  }
}

#[test]
fn an_idle_session_keeps_no_memory_for_input_or_output() {
  for setup in Setup::each() {
    let session = || {
      let mut pair = setup.pair();
      pair.assert_alive();
      let input = pair.peer_seals(&pattern(100_000));
      pair.open(&input, 1 << 16).needs_input();
      pair.ours.seal(&pattern(60_000)).unwrap();
      pair.send_all();
      pair.ours
    };
    // What the thread keeps for all of them.
    let first = session();
    let before = allocated();
    let idle: Vec<_> = (0..20).map(|_| session()).collect();
    let each = (allocated() - before) / 20;
    assert!(each < 1500, "{setup:?}: {each} bytes for each");
    drop((first, idle));
  }
}
