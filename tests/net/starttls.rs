//! TLS that begins on an open connection. Each test runs with each kind of readiness.

use std::{
  io::{Read, Write},
  net::Shutdown,
  thread,
  time::Duration,
};

use moz_tcp_socket::net::{End, ErrorName, Event, tls::Security};

use crate::{
  support::{MUCH, Owner, Taken, all_gone, join, pattern, round_trip, send, trusting},
  tls::{Identity, serve},
};

#[test]
fn starttls_keeps_plain_before_and_encrypted_after() {
  for owner in Owner::each() {
    let identity = Identity::for_localhost();
    let (port, server) = serve(
      &identity,
      |stream| {
        let mut buffer = [0; 8];
        stream.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"STARTTLS");
      },
      |mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"secret");
      },
    );
    let socket = owner.connect_with("localhost", port, None);
    assert!(matches!(owner.event(socket.id()), Event::Opened));
    send(&socket, b"STARTTLS");
    socket.upgrade(Security::Client(trusting(vec![identity.pem()])));
    send(&socket, b"secret");
    // Closing at once loses nothing: plain part, handshake, encrypted part, then the end.
    socket.close();
    assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
    server.join().unwrap();
  }
}

#[test]
fn plaintext_that_waits_when_upgrade_is_called_is_a_security_error() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    peer.write_all(b"injected").unwrap();
    let event = owner.event(socket.id());
    assert!(matches!(event, Event::Readable), "{event:?}");
    socket.upgrade(Security::Client(trusting(Vec::new())));
    let error = owner.failure(&socket);
    assert_eq!(error.name, ErrorName::SecurityError);
    assert!(error.detail.contains("plaintext"), "{}", error.detail);
    drop(peer);
    all_gone(&owner);
  }
}

#[test]
fn plaintext_of_a_suspended_socket_is_a_security_error_at_upgrade() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    socket.suspend();
    peer.write_all(b"injected").unwrap();
    round_trip(&owner);
    socket.upgrade(Security::Client(trusting(Vec::new())));
    assert_eq!(owner.failure(&socket).name, ErrorName::SecurityError);
  }
}

#[test]
fn an_upgrade_after_the_peers_end_fails() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    peer.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(owner.input(&socket), Taken::End(End::Eof)));
    socket.upgrade(Security::Client(trusting(Vec::new())));
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkInterruptError);
  }
}

#[test]
fn upgrade_sends_what_came_before_it_in_the_clear_and_nothing_else() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    let before = pattern(MUCH);
    send(&socket, &before);
    socket.upgrade(Security::Client(trusting(Vec::new())));
    send(&socket, b"secret");
    let mut received = vec![0; MUCH + 2];
    let reader = thread::spawn(move || {
      peer.read_exact(&mut received).unwrap();
      let mut hello = vec![0; 4096];
      let length = peer.read(&mut hello).unwrap();
      received.extend(&hello[..length]);
      (received, peer)
    });
    let (received, peer) = join(&owner, reader);
    assert!(received[..MUCH] == before);
    assert_eq!(received[MUCH..MUCH + 2], [22, 3], "a record of the handshake");
    assert!(!received[MUCH..].windows(6).any(|window| window == b"secret"));
    socket.abort();
    drop(peer);
    all_gone(&owner);
  }
}

#[test]
fn plaintext_in_place_of_a_handshake_is_a_security_error() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    socket.upgrade(Security::Client(trusting(Vec::new())));
    peer.write_all(b"* OK still plaintext here\r\n").unwrap();
    assert_eq!(owner.failure(&socket).name, ErrorName::SecurityError);
  }
}

#[test]
fn a_peer_that_hangs_up_during_the_handshake_interrupts() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    socket.upgrade(Security::Client(trusting(Vec::new())));
    let mut hello = [0; 5];
    peer.read_exact(&mut hello).unwrap();
    assert_eq!(hello[0], 0x16, "a handshake record");
    peer.shutdown(Shutdown::Write).unwrap();
    let error = owner.failure(&socket);
    assert_eq!(error.name, ErrorName::NetworkInterruptError, "{error}");
  }
}

/// What comes now is no plaintext of the peer's that anybody would take.
#[test]
fn a_byte_that_nobody_may_take_before_tls_begins_is_no_sign_of_life() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    send(&socket, &pattern(MUCH));
    socket.upgrade(Security::Client(trusting(Vec::new())));
    assert!(socket.unwritten() > 0, "TLS cannot begin");
    peer.write_all(b"x").unwrap();
    round_trip(&owner);
    socket.idle_at_most(Some(Duration::from_millis(30)));
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkTimeoutError);
  }
}

#[test]
fn a_second_upgrade_fails_whether_tls_has_begun_or_not() {
  for owner in Owner::each() {
    for waits in [true, false] {
      let (socket, _peer) = owner.pair();
      if waits {
        send(&socket, &pattern(MUCH));
      }
      for _ in 0..2 {
        socket.upgrade(Security::Client(trusting(Vec::new())));
      }
      assert_eq!(owner.failure(&socket).name, ErrorName::SecurityError, "{waits}");
    }
  }
}

#[test]
fn what_sends_no_more_cannot_begin_tls() {
  for owner in Owner::each() {
    let (socket, _peer) = owner.pair();
    send(&socket, &pattern(MUCH));
    socket.shutdown_immediately();
    assert!(matches!(owner.event(socket.id()), Event::ShutDown));
    socket.upgrade(Security::Client(trusting(Vec::new())));
    assert_eq!(owner.failure(&socket).name, ErrorName::SecurityError);

    let (socket, _peer) = owner.pair();
    send(&socket, &pattern(MUCH));
    socket.upgrade(Security::Client(trusting(Vec::new())));
    socket.shutdown_immediately();
    assert_eq!(owner.failure(&socket).name, ErrorName::SecurityError);
  }
}
