//! What TLS says by itself, in the middle of everything: KeyUpdate, tickets, alerts, renegotiation.

use openssl::ssl::{ErrorCode, SslVersion};

use crate::support::pattern;

use super::{
  Pair, Setup,
  allocated::allocated,
  messages::{KeyUpdate, key_update, long_ticket, renegotiation, send_fragments_of_512, ticket},
};

fn tls13() -> [Setup; 2] {
  Setup::of(SslVersion::TLS1_3)
}

/// Requests of the peer's, that many.
fn requests(pair: &mut Pair, count: usize) -> Vec<u8> {
  let request = |_| key_update(&mut pair.peer, KeyUpdate::Requested);
  (0..count).flat_map(request).collect()
}

#[test]
fn the_answer_to_a_key_update_goes_between_what_was_sealed_before_and_after() {
  for setup in tls13() {
    let mut pair = setup.pair();
    // One connection for all of it: keys change again and again.
    for (count, length) in [(1, 100), (2, 100), (5, 40_000), (40, 60_000), (300, 10)] {
      pair.ours.seal(&pattern(length)).unwrap();
      let input = requests(&mut pair, count);
      assert_eq!(pair.open(&input, 64).needs_input(), b"");
      assert_eq!(pair.send_all(), length);
      pair.ours.seal(b"after").unwrap();
      // A KeyUpdate is as long as five bytes of the application. One answers all that asked (RFC 8446 section 4.6.3).
      let answered = pair.waiting();
      assert_eq!(pair.send_all(), 5);
      pair.ours.seal(b"after").unwrap();
      assert_eq!(answered, 2 * pair.waiting(), "{setup:?}");
      assert_eq!(pair.send_all(), 5);
      let expected = [&pattern(length)[..], b"afterafter"].concat();
      assert!(
        pair.peer_reads() == (expected, ErrorCode::WANT_READ),
        "{setup:?} {count}"
      );
      pair.assert_alive();
    }
  }
}

/// Wherever the record that is being sent was interrupted, and wherever the requests were split.
#[test]
fn key_updates_may_come_while_any_part_of_a_record_waits() {
  for setup in tls13() {
    let mut pair = setup.pair();
    let mut at = 0;
    loop {
      pair.ours.seal(b"a record of ours").unwrap();
      let sealed = pair.waiting();
      assert_eq!(pair.send(at), if at == sealed { 16 } else { 0 });
      let mut input = requests(&mut pair, 2);
      input.extend(pair.peer_seals(b"data"));
      let (first, second) = input.split_at(at % input.len());
      let mut plain = pair.open(first, 64).needs_input();
      let more = pair.send(3);
      plain.extend(pair.open(second, 64).needs_input());
      assert_eq!(plain, b"data");
      let last = pair.send_all();
      assert_eq!(
        more + last,
        if at == sealed { 0 } else { 16 },
        "{setup:?} at {at}"
      );
      assert_eq!(
        pair.peer_reads(),
        (b"a record of ours".to_vec(), ErrorCode::WANT_READ),
        "{setup:?} at {at}"
      );
      if at == sealed {
        break;
      }
      at += 1;
    }
    pair.assert_alive();
  }
}

#[test]
fn an_answer_is_no_plaintext() {
  for setup in tls13() {
    let mut pair = setup.pair();
    pair.ours.seal(b"one").unwrap();
    let one = pair.waiting();
    let input = requests(&mut pair, 1);
    pair.open(&input, 64).needs_input();
    pair.ours.seal(b"three").unwrap();
    let total = pair.waiting();
    let gone: Vec<usize> = (1..=total).filter(|_| pair.send(1) > 0).collect();
    assert_eq!(gone, [one, total], "{setup:?}");
    assert!(total > 2 * one, "there is an answer in between");
    assert_eq!(pair.peer_reads().0, b"onethree");
  }
}

#[test]
fn a_peer_may_take_new_keys_without_asking_for_ours() {
  for setup in tls13() {
    let mut pair = setup.pair();
    for _ in 0..50 {
      let mut input = key_update(&mut pair.peer, KeyUpdate::NotRequested);
      input.extend(pair.peer_seals(b"data"));
      assert_eq!(pair.open(&input, 64).needs_input(), b"data");
      assert!(!pair.ours.has_output(), "{setup:?}: nothing to be answered");
    }
    pair.assert_alive();
  }
}

#[test]
fn close_notify_goes_behind_the_answer() {
  for setup in tls13() {
    let mut pair = setup.pair();
    pair.ours.seal(b"last").unwrap();
    let input = requests(&mut pair, 3);
    pair.open(&input, 64).needs_input();
    pair.ours.end();
    pair.send_all();
    assert_eq!(
      pair.peer_reads(),
      (b"last".to_vec(), ErrorCode::ZERO_RETURN),
      "{setup:?}"
    );
  }
}

/// A peer may go on asking after we have said that we send no more. Nothing can follow that.
#[test]
fn a_key_update_after_our_close_notify_is_no_failure() {
  for setup in tls13() {
    let mut pair = setup.pair();
    pair.ours.end();
    let mut input = requests(&mut pair, 2);
    input.extend(pair.peer_seals(b"data"));
    assert_eq!(pair.open(&input, 64).needs_input(), b"data", "{setup:?}");
    pair.send_all();
    assert_eq!(pair.peer_reads().1, ErrorCode::ZERO_RETURN);
  }
}

#[test]
fn an_alert_goes_behind_what_was_sealed() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    pair.ours.seal(b"complete").unwrap();
    let sealed = pair.waiting();
    let mut input = pair.peer_seals(b"secret");
    *input.last_mut().unwrap() ^= 1;
    let (plain, _) = pair.open(&input, 64).failed();
    assert_eq!(plain, b"");
    assert!(pair.waiting() > sealed);
    assert_eq!(pair.send_all(), 8);
    let mut memory = [0; 64];
    assert_eq!(pair.peer.ssl_read(&mut memory).unwrap(), 8, "{setup:?}");
    let error = pair.peer.ssl_read(&mut memory).unwrap_err();
    let stack = error.ssl_error().unwrap().errors();
    // 1000 and the alert bad_record_mac (RFC 8446 section 6.2).
    assert!(
      stack.iter().any(|error| error.reason_code() == 1020),
      "{setup:?} {stack:?}"
    );
    assert!(pair.ours.seal(b"more").is_err(), "the connection is over");
  }
}

#[test]
fn an_alert_of_the_peers_is_told_by_name() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    // The peer cannot read this, and says so.
    pair.ours.seal(b"changed on the way").unwrap();
    pair.send_all();
    *pair.peer.get_mut().received.back_mut().unwrap() ^= 1;
    let mut input = pair.peer_seals(b"before");
    assert_eq!(pair.peer_reads().1, ErrorCode::SSL);
    input.extend(super::sent(&mut pair.peer));
    let (plain, error) = pair.open(&input, 64).failed();
    assert_eq!(plain, b"before");
    assert!(error.detail.contains("bad record mac"), "{setup:?} {error}");
  }
}

#[test]
fn tickets_are_no_data_wherever_they_come() {
  let [setup, _] = tls13();
  let mut pair = setup.pair();
  // Those of the handshake.
  let tickets = super::sent(&mut pair.peer);
  assert!(!tickets.is_empty());
  for byte in tickets.chunks(1) {
    assert_eq!(pair.open(byte, 64).needs_input(), b"");
  }
  assert!(pair.ours.saved_session().is_some());
  let mut input = ticket(&mut pair.peer);
  input.extend(pair.peer_seals(b"data"));
  input.extend(ticket(&mut pair.peer));
  assert_eq!(pair.open(&input, 64).needs_input(), b"data");
  assert!(!pair.ours.has_output());
  pair.assert_alive();
}

/// A ticket may be so long that it takes several records, and come in pieces. Nothing can be said in the middle of it.
#[test]
fn what_is_to_be_sealed_waits_for_the_rest_of_a_long_ticket() {
  let [setup, _] = tls13();
  for at in [0, 1, 600, 1200, usize::MAX] {
    let mut pair = setup.pair();
    let input = super::sent(&mut pair.peer);
    assert_eq!(pair.open(&input, 64).needs_input(), b"");
    send_fragments_of_512(pair.peer.ssl());
    let ticket = long_ticket(&mut pair.peer);
    let at = at.min(ticket.len() - 1);
    let (first, second) = ticket.split_at(at);
    assert_eq!(pair.open(first, 64).needs_input(), b"");
    assert_eq!(pair.ours.can_seal(), at < 512, "{at}");
    assert_eq!(pair.open(second, 64).needs_input(), b"");
    assert!(pair.ours.can_seal());
    pair.assert_alive();
  }
}

#[test]
fn what_is_broken_does_not_wait_for_anything() {
  for setup in Setup::each() {
    let mut pair = setup.pair();
    let mut input = pair.peer_seals(b"secret");
    *input.last_mut().unwrap() ^= 1;
    pair.open(&input, 64).failed();
    assert!(pair.ours.can_seal(), "{setup:?}: and says what is wrong");
    assert!(pair.ours.seal(b"more").is_err());
  }
}

#[test]
fn renegotiation_is_refused_and_the_connection_goes_on() {
  for setup in Setup::of(SslVersion::TLS1_2) {
    let mut pair = setup.pair();
    let mut input = pair.peer_seals(b"before");
    input.extend(renegotiation(&mut pair.peer));
    assert_eq!(pair.open(&input, 64).needs_input(), b"before", "{setup:?}");
    let refusal = pair.waiting();
    assert!(
      refusal > 0 && refusal < 64,
      "{setup:?}: an alert, and no hello: {refusal} bytes"
    );
    pair.ours.seal(b"after").unwrap();
    assert_eq!(pair.send_all(), 5, "{setup:?}");
  }
}

/// A peer that reads as fast as it asks, but never everything, must not be able to make us keep what it has read.
#[test]
fn answers_that_have_gone_take_no_memory_though_something_always_waits() {
  let [setup, _] = Setup::of(SslVersion::TLS1_2);
  let mut pair = setup.pair();
  let mut gone = 0;
  let before = allocated();
  while gone < 300_000 {
    for _ in 0..50 {
      let input = renegotiation(&mut pair.peer);
      pair.open(&input, 64).needs_input();
    }
    let send = |output: &[u8]| {
      gone += output.len() - 1;
      Ok(output.len() - 1)
    };
    pair.ours.send(send).unwrap();
    let taken = allocated() - before;
    assert!(taken < 50_000, "{taken} bytes after {gone} have gone");
  }
}
