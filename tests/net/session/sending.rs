//! From plaintext to ciphertext, and what counts as sent.

use moz_tcp_socket::net::tls::session::RECORD;
use openssl::ssl::{ErrorCode, ShutdownState, SslVersion};

use crate::support::pattern;

use super::{Pair, Setup};

const SIZES: [usize; 5] = [1, RECORD, 100, RECORD, 7];

/// Seals one record of each size. Returns where each of them ends in the output, and how much plaintext is in it.
fn seal_each(pair: &mut Pair, sizes: &[usize]) -> Vec<(usize, usize)> {
  let seal = |size: &usize| {
    pair.ours.seal(&pattern(*size)).unwrap();
    (pair.waiting(), *size)
  };
  sizes.iter().map(seal).collect()
}

#[test]
fn plaintext_counts_when_its_whole_record_has_gone_and_no_earlier() {
  for setup in Setup::each() {
    for most in [1, 7, 1000, RECORD, RECORD + 22, usize::MAX] {
      let mut pair = setup.pair();
      let records = seal_each(&mut pair, &SIZES);
      let total = records[4].0;
      let (mut gone, mut counted) = (0, 0);
      while pair.ours.has_output() {
        counted += pair.send(most);
        gone = total.min(gone + most.min(total));
        let complete = records.iter().filter(|(end, _)| *end <= gone);
        let expected: usize = complete.map(|(_, plaintext)| plaintext).sum();
        assert_eq!(counted, expected, "{setup:?}: {gone} of {total} have gone");
      }
      assert_eq!(counted, SIZES.iter().sum::<usize>());
      let expected: Vec<u8> = SIZES.iter().flat_map(|size| pattern(*size)).collect();
      assert!(pair.peer_reads() == (expected, ErrorCode::WANT_READ), "{setup:?}");
    }
  }
}

#[test]
fn what_is_sealed_while_some_waits_counts_behind_it() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    pair.ours.seal(&pattern(1000)).unwrap();
    let one = pair.waiting();
    assert_eq!(pair.send(one - 1), 0);
    pair.ours.seal(&pattern(500)).unwrap();
    let waiting = pair.waiting();
    assert_eq!(pair.send(1), 1000);
    assert_eq!(pair.send(waiting - 2), 0);
    assert_eq!(pair.send(1), 500);
    assert_eq!(
      pair.peer_reads().0,
      [pattern(1000), pattern(500)].concat(),
      "{setup:?}"
    );
  }
}

#[test]
fn much_is_sealed_in_records_of_sixteen_kibibytes_at_most() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    let plain = pattern(3 * RECORD + 5);
    pair.ours.seal(&plain).unwrap();
    let overhead = pair.waiting() - plain.len();
    pair.ours.seal(b"x").unwrap();
    let each = pair.waiting() - overhead - plain.len() - 1;
    assert_eq!(overhead, 4 * each, "{setup:?}: four records");
    assert_eq!(pair.send_all(), plain.len() + 1);
    assert!(pair.peer_reads().0.starts_with(&plain));
  }
}

#[test]
fn nothing_is_sealed_of_nothing() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    pair.ours.seal(b"").unwrap();
    assert!(!pair.ours.has_output(), "{setup:?}");
  }
}

/// A client with little memory may ask for records that are smaller (RFC 6066 section 4).
#[test]
fn a_peer_that_wants_small_records_gets_them_and_plaintext_counts_with_the_last() {
  let [_, setup] = Setup::of(SslVersion::TLS1_2);
  let mut pair = setup.pair_with(super::messages::want_fragments_of_512);
  pair.ours.seal(&pattern(2000)).unwrap();
  let total = pair.waiting();
  let overhead = total - 2000;
  pair.ours.seal(b"x").unwrap();
  let each = pair.waiting() - total - 1;
  assert_eq!(overhead, 4 * each, "four records");
  assert_eq!(pair.send(total - 1), 0);
  assert_eq!(pair.send(1), 2000);
  assert_eq!(pair.send_all(), 1);
  assert!(pair.peer_reads().0.starts_with(&pattern(2000)));
}

#[test]
fn close_notify_goes_behind_everything_that_was_sealed() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    pair.ours.seal(&pattern(40_000)).unwrap();
    let sealed = pair.waiting();
    assert!(!pair.ours.has_ended());
    pair.ours.end();
    assert!(pair.ours.has_ended());
    let total = pair.waiting();
    pair.ours.end();
    assert_eq!(pair.waiting(), total, "it is said once");
    assert!(total > sealed);
    assert_eq!(pair.send(sealed), 40_000);
    assert_eq!(pair.peer_reads(), (pattern(40_000), ErrorCode::WANT_READ));
    for _ in sealed..total - 1 {
      assert_eq!(pair.send(1), 0);
      assert_eq!(pair.peer_reads(), (Vec::new(), ErrorCode::WANT_READ), "{setup:?}");
    }
    assert_eq!(pair.send(1), 0);
    assert_eq!(pair.peer_reads(), (Vec::new(), ErrorCode::ZERO_RETURN));
    assert!(pair.peer.get_shutdown().contains(ShutdownState::RECEIVED));
    assert!(pair.ours.seal(b"late").is_err(), "nothing follows");
    // What comes still arrives.
    let input = pair.peer_seals(b"answer");
    assert_eq!(pair.open(&input, 64).needs_input(), b"answer");
  }
}

#[test]
fn an_output_that_was_dropped_leaves_nothing_behind() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    pair.ours.seal(&pattern(1000)).unwrap();
    pair.send(10);
    pair.ours.drop_output();
    assert!(!pair.ours.has_output());
    assert!(
      pair.ours.has_ended(),
      "{setup:?}: half a record is no place for a close_notify"
    );
    pair.ours.end();
    assert!(!pair.ours.has_output());
    assert_eq!(pair.send_all(), 0);
    let input = pair.peer_seals(b"answer");
    assert_eq!(pair.open(&input, 64).needs_input(), b"answer");
  }
}

#[test]
fn an_error_while_sending_takes_nothing_out() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    pair.ours.seal(b"once").unwrap();
    let refused = pair.ours.send(|_| Err(std::io::ErrorKind::WouldBlock.into()));
    assert!(refused.is_err());
    assert_eq!(pair.send_all(), 4);
    assert_eq!(pair.peer_reads().0, b"once", "{setup:?}");
  }
}
