//! Established connections: both directions, suspension, and how they come about. Each test runs with each kind of readiness.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, TcpStream},
  thread,
};

use moz_tcp_socket::net::{End, ErrorName, Event, Input, Socket};

use crate::support::{
  MUCH, Owner, Taken, all_gone, assert_reset_behind, connected_unseen, join, pattern, reset, round_trip, send,
};

#[test]
fn a_port_without_listener_refuses() {
  for owner in Owner::each() {
    let address = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
      .unwrap()
      .local_addr()
      .unwrap();
    let socket = owner.connect(address);
    let error = owner.failure(&socket);
    assert_eq!(error.name, ErrorName::ConnectionRefusedError);
    assert!(
      error
        .detail
        .contains(&format!("127.0.0.1 port {}", address.port())),
      "{}",
      error.detail
    );
  }
}

#[test]
fn a_name_that_does_not_exist_is_not_found() {
  for owner in Owner::each() {
    let socket = owner.connect_with("does-not-exist.invalid", 80, None);
    let error = owner.failure(&socket);
    assert_eq!(error.name, ErrorName::DomainNotFoundError);
    assert!(
      error.detail.contains("does-not-exist.invalid"),
      "{}",
      error.detail
    );
  }
}

#[test]
fn aborting_a_connection_attempt_closes_and_never_opens() {
  for owner in Owner::each() {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let socket = owner.connect(listener.local_addr().unwrap());
    socket.abort();
    // The attempt may have succeeded before the abort; what counts is that the end is `Closed`, once.
    let mut events = Vec::new();
    loop {
      match owner.event(socket.id()) {
        Event::Closed { .. } => break,
        other => events.push(other),
      }
    }
    assert!(
      events.iter().all(|event| matches!(event, Event::Opened)),
      "{events:?}"
    );
    assert!(owner.rest(socket.id()).is_empty());
  }
}

#[test]
fn bytes_arrive_in_order_both_ways() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    let sent = pattern(MUCH);
    let echo = thread::spawn(move || {
      let mut received = vec![0; MUCH];
      peer.read_exact(&mut received).unwrap();
      peer.write_all(&received).unwrap();
    });
    // Pieces that the kernel takes, that it takes in part, and that wait behind others.
    for piece in sent.chunks(MUCH / 16) {
      send(&socket, piece);
    }
    assert!(owner.read(&socket, MUCH) == sent);
    join(&owner, echo);
    assert_eq!(socket.unwritten(), 0);
  }
}

#[test]
fn staged_bytes_wait_for_the_flush_and_go_before_what_it_brings() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    socket.stage(b"first, ").unwrap();
    assert_eq!(socket.unwritten(), 7);
    peer.set_nonblocking(true).unwrap();
    round_trip(&owner);
    assert!(peer.read(&mut [0; 1]).is_err(), "nothing is there yet");
    peer.set_nonblocking(false).unwrap();
    send(&socket, b"second");
    let mut received = [0; 13];
    peer.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"first, second");
  }
}

#[test]
fn an_accepted_connection_is_like_any_other() {
  for owner in Owner::each() {
    let listener = owner.listen(0).unwrap();
    let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, listener.local_addr().port())).unwrap();
    peer.write_all(b"EHLO").unwrap();
    let (socket, _) = owner.accepted(&listener);
    assert_eq!(owner.read(&socket, 4), b"EHLO");
    send(&socket, b"250");
    socket.close();
    assert_eq!(owner.peer_reads_all(peer), b"250");
    assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
    drop(listener);
    all_gone(&owner);
  }
}

#[test]
fn a_suspended_socket_takes_nothing_from_the_network_and_loses_nothing() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    socket.suspend();
    let writer = thread::spawn(move || {
      peer.write_all(&pattern(MUCH)).unwrap();
      // Ends here, behind all the bytes.
    });
    round_trip(&owner);
    round_trip(&owner);
    assert!(matches!(socket.take_input(&mut [0; 4096]), Input::None));
    assert!(!writer.is_finished(), "the kernel cannot hold that much");
    socket.resume();
    assert!(owner.read(&socket, MUCH) == pattern(MUCH));
    assert!(matches!(owner.input(&socket), Taken::End(End::Eof)));
    writer.join().unwrap();
  }
}

#[test]
fn a_suspended_socket_writes() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    socket.suspend();
    let sent = pattern(MUCH);
    send(&socket, &sent);
    let reader = thread::spawn(move || {
      let (mut peer, mut received) = (peer, vec![0; MUCH]);
      peer.read_exact(&mut received).unwrap();
      received
    });
    assert!(join(&owner, reader) == sent);
  }
}

#[test]
fn a_write_that_fails_while_suspended_keeps_what_the_peer_had_said() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    socket.suspend();
    peer.write_all(b"550 refused").unwrap();
    reset(peer);
    round_trip(&owner);
    // The second meets what the first has caused, should that not have happened before.
    send(&socket, b"RCPT");
    round_trip(&owner);
    send(&socket, b"DATA");
    round_trip(&owner);
    socket.resume();
    assert_reset_behind(&owner, &socket, b"550 refused");
  }
}

#[test]
fn a_write_that_fails_while_suspended_fails_at_once_where_nothing_would_be_lost() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    socket.suspend();
    reset(peer);
    round_trip(&owner);
    send(&socket, b"RCPT");
    round_trip(&owner);
    send(&socket, b"DATA");
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkError);
    assert_eq!(socket.unwritten(), 0);
    all_gone(&owner);
  }
}

/// Sends more than the kernel takes, and wants to hear when all is written.
fn overfill(socket: &Socket) {
  assert!(socket.flush(&pattern(MUCH), true) > 0);
}

#[test]
fn a_write_that_fails_is_told_to_an_owner_who_suspends_until_all_is_written() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    peer.write_all(b"550 refused").unwrap();
    overfill(&socket);
    socket.suspend();
    reset(peer);
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkError);
    all_gone(&owner);
  }
}

#[test]
fn a_write_that_had_failed_is_told_to_an_owner_who_suspends_until_all_is_written() {
  for owner in Owner::each() {
    for suspends_first in [true, false] {
      let (socket, mut peer) = owner.pair();
      if suspends_first {
        socket.suspend();
      }
      peer.write_all(b"550 refused").unwrap();
      reset(peer);
      round_trip(&owner);
      for _ in 0..2 {
        send(&socket, b"RCPT");
        round_trip(&owner);
      }
      socket.flush(b"DATA", true);
      if !suspends_first {
        socket.suspend();
      }
      assert_eq!(owner.failure(&socket).name, ErrorName::NetworkError);
      all_gone(&owner);
    }
  }
}

#[test]
fn drained_is_reported_once_when_all_is_written() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    assert!(socket.flush(&pattern(MUCH), true) > 0);
    let reader = thread::spawn(move || {
      let mut received = vec![0; MUCH];
      peer.read_exact(&mut received).unwrap();
      peer
    });
    assert!(matches!(owner.event(socket.id()), Event::Drained));
    assert_eq!(socket.unwritten(), 0);
    let mut peer = join(&owner, reader);
    peer.write_all(b"x").unwrap();
    // Not `Drained` again.
    assert_eq!(owner.read(&socket, 1), b"x");
    socket.flush(&[], true);
    assert!(
      matches!(owner.event(socket.id()), Event::Drained),
      "nothing was pending: reported at once"
    );
  }
}

#[test]
fn suspend_between_connected_and_adopted_holds() {
  for owner in Owner::each() {
    let (socket, mut peer) = connected_unseen(&owner);
    socket.suspend();
    peer.write_all(b"220 welcome").unwrap();
    assert!(matches!(owner.event(socket.id()), Event::Opened));
    round_trip(&owner);
    assert!(matches!(socket.take_input(&mut [0; 4096]), Input::None));
    socket.resume();
    assert_eq!(owner.read(&socket, 11), b"220 welcome");
  }
}

/// One that asks is not kept for longer than a look takes.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_takes_everything_does_not_keep_the_owner() {
  use moz_tcp_socket::net::policy::send_queue::MOST_BYTES;

  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  let queued = 64 * MOST_BYTES;
  send(&socket, &vec![0; queued]);
  let reader = thread::spawn(move || {
    let mut received = Vec::new();
    peer.read_to_end(&mut received).unwrap();
    received.len()
  });
  let mut unwritten = socket.unwritten();
  while unwritten > 0 {
    owner.context.look();
    owner.context.write(|| true);
    let written = unwritten - socket.unwritten();
    assert!(written <= 2 * MOST_BYTES, "{written} bytes at once");
    unwritten -= written;
  }
  socket.close();
  assert_eq!(join(&owner, reader), queued);
}
