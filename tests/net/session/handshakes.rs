//! Handshakes in pieces.

use std::io::Write as _;

use openssl::ssl::SslVersion;

use super::{Ours, Setup, feed, output, sent};

#[test]
fn a_handshake_may_come_a_byte_at_a_time_and_is_done_with_the_last() {
  for setup in Setup::each() {
    let (mut handshake, mut peer) = (setup.handshake(), setup.peer(|_| {}));
    let mut is_done = handshake.step().unwrap();
    for _ in 0..10 {
      peer.get_mut().received.extend(output(&mut handshake));
      let theirs = peer.do_handshake().is_ok();
      if is_done {
        assert!(theirs, "{setup:?}");
        break;
      }
      let flight = sent(&mut peer);
      for byte in flight.chunks(1) {
        assert!(!is_done, "{setup:?}: nothing is missing before the last byte");
        feed(&mut handshake, byte);
        is_done = handshake.step().unwrap();
      }
    }
    assert!(is_done, "{setup:?}");
  }
}

#[test]
fn a_step_without_input_changes_nothing() {
  for setup in Setup::each() {
    let mut handshake = setup.handshake();
    assert!(!handshake.step().unwrap());
    let hello = output(&mut handshake);
    assert_eq!(hello.is_empty(), setup.ours == Ours::Server);
    for _ in 0..5 {
      assert!(!handshake.step().unwrap());
      assert_eq!(output(&mut handshake), b"");
    }
  }
}

/// The client of TLS 1.2 and the server of TLS 1.3 hear the other end's last message, and what is right behind it is the
/// first of the session, on whichever thread.
#[test]
fn what_came_behind_a_handshake_is_kept_for_the_session() {
  let [client, _] = Setup::of(SslVersion::TLS1_2);
  let [_, server] = Setup::of(SslVersion::TLS1_3);
  for setup in [client, server] {
    let (mut handshake, mut peer) = (setup.handshake(), setup.peer(|_| {}));
    let mut has_spoken = false;
    while !handshake.step().unwrap() {
      peer.get_mut().received.extend(output(&mut handshake));
      assert!(!has_spoken, "{setup:?}: nothing is missing");
      if peer.do_handshake().is_ok() {
        peer.write_all(b"220 welcome").unwrap();
        has_spoken = true;
      }
      feed(&mut handshake, &sent(&mut peer));
    }
    assert!(has_spoken, "{setup:?}");
    let mut session = handshake.into_session();
    let on_another_thread = std::thread::spawn(move || {
      assert!(session.has_input());
      let mut memory = [0; 64];
      assert_eq!(session.open(&mut memory).bytes, 11);
      assert_eq!(&memory[..11], b"220 welcome");
    });
    on_another_thread.join().unwrap();
  }
}
