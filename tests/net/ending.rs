//! How connections end: by their owner, by their peer, and by accident. Each test runs with each kind of readiness.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
  thread::{self, JoinHandle},
};

use moz_tcp_socket::net::{End, ErrorName, Event, Input, Socket};

use crate::support::{
  MUCH, Owner, Taken, all_gone, assert_reset_behind, assert_write_that_meets_a_reset_loses_nothing,
  connected_unseen, join, pattern, reset, round_trip, send,
};

#[test]
fn close_delivers_everything_then_fin_to_a_peer_that_reads_late() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    let sent = pattern(MUCH);
    send(&socket, &sent);
    socket.close();
    round_trip(&owner);
    assert!(socket.unwritten() > 0, "the peer has not read yet");
    assert!(owner.peer_reads_all(peer) == sent);
    assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
    assert_eq!(socket.unwritten(), 0);
    all_gone(&owner);
  }
}

#[test]
fn close_of_what_the_kernel_took_settles_when_the_peer_has_it() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    send(&socket, b"goodbye");
    socket.close();
    assert!(matches!(
      owner.event(socket.id()),
      Event::Closed { settling: true }
    ));
    assert!(matches!(owner.event(socket.id()), Event::Settled));
    assert_eq!(owner.peer_reads_all(peer), b"goodbye");
    all_gone(&owner);
  }
}

#[test]
fn what_was_closed_goes_on_without_its_handle() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    let sent = pattern(MUCH);
    send(&socket, &sent);
    socket.close();
    drop(socket);
    assert!(owner.peer_reads_all(peer) == sent);
    all_gone(&owner);
  }
}

#[test]
fn dropping_a_handle_that_was_not_closed_ends_the_connection() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    // The task that connected may need a moment to go.
    owner.until(|| (owner.context.live() == 1).then_some(()));
    drop(socket);
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(owner.context.live(), 0);
  }
}

#[test]
fn close_immediately_drops_what_was_not_written() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    send(&socket, b"sent");
    socket.stage(b"kept back").unwrap();
    assert_eq!(socket.unwritten(), 9);
    socket.close_immediately();
    assert_eq!(socket.unwritten(), 0);
    assert_eq!(owner.peer_reads_all(peer), b"sent");
    let last = owner.event(socket.id());
    assert!(matches!(last, Event::Closed { settling: false }), "{last:?}");
    all_gone(&owner);
  }
}

#[test]
fn the_peers_end_comes_after_its_bytes_and_writing_goes_on() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    peer.write_all(b"last words").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(owner.read(&socket, 10), b"last words");
    assert!(matches!(owner.input(&socket), Taken::End(End::Eof)));
    let sent = pattern(MUCH);
    send(&socket, &sent);
    round_trip(&owner);
    socket.close();
    assert!(owner.peer_reads_all(peer) == sent);
    // The peer ended long ago, so nothing remains to be waited for.
    let last = owner.event(socket.id());
    assert!(matches!(last, Event::Closed { settling: false }), "{last:?}");
    all_gone(&owner);
  }
}

#[test]
fn a_reset_is_a_network_error_after_the_data_that_came() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    peer.write_all(b"550 refused").unwrap();
    reset(peer);
    assert_reset_behind(&owner, &socket, b"550 refused");
  }
}

#[test]
fn input_that_nobody_read_does_not_turn_close_into_a_reset() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    peer.write_all(&[7; 100_000]).unwrap();
    assert!(matches!(owner.event(socket.id()), Event::Readable));
    send(&socket, b"goodbye");
    socket.close();
    peer.write_all(&[7; 1000]).unwrap();
    let mut received = Vec::new();
    peer.read_to_end(&mut received).expect("an orderly end");
    assert_eq!(received, b"goodbye");
  }
}

#[test]
fn a_reset_is_a_network_error() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    reset(peer);
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkError);
  }
}

#[test]
fn a_reset_that_was_announced_is_not_seen_by_an_owner_who_suspends() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    reset(peer);
    assert!(matches!(owner.event(socket.id()), Event::Readable));
    socket.suspend();
    assert!(matches!(socket.take_input(&mut [0; 16]), Input::None));
    socket.resume();
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkError);
    // The owner has heard of it, and gives the socket up.
    let id = socket.id();
    drop(socket);
    assert!(
      !owner
        .rest(id)
        .iter()
        .any(|event| matches!(event, Event::Failed(_)))
    );
  }
}

#[test]
fn what_came_before_a_reset_is_not_lost_where_a_write_meets_that_first() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    assert_write_that_meets_a_reset_loses_nothing(&owner, &socket, || {
      peer.write_all(b"last words").unwrap();
      reset(peer);
    });
  }
}

#[test]
fn shutting_the_context_down_closes_every_descriptor() {
  for owner in Owner::each() {
    let (_socket, mut peer) = owner.pair();
    let (_other, mut other_peer) = owner.pair();
    assert_eq!(owner.context.live(), 2);
    owner.context.shut_down();
    moz_tcp_socket::runtime::handle()
      .unwrap()
      .block_on(owner.context.ended());
    assert_eq!(owner.context.live(), 0);
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(other_peer.read(&mut [0; 1]).unwrap(), 0);
  }
}

#[test]
fn abort_between_connected_and_adopted_closes() {
  for owner in Owner::each() {
    let (socket, mut peer) = connected_unseen(&owner);
    socket.abort();
    let event = owner.event(socket.id());
    assert!(matches!(event, Event::Closed { settling: false }), "{event:?}");
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(owner.context.live(), 0);
    round_trip(&owner);
    assert!(owner.rest(socket.id()).is_empty());
  }
}

#[test]
fn abort_of_an_open_connection_closes_once() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    send(&socket, &pattern(MUCH));
    socket.abort();
    socket.abort();
    socket.close();
    let event = owner.event(socket.id());
    assert!(matches!(event, Event::Closed { settling: false }), "{event:?}");
    assert_eq!(owner.context.live(), 0);
    drop(peer);
    round_trip(&owner);
    assert!(owner.rest(socket.id()).is_empty());
  }
}

/// Writes, then reads: a deadlock unless whoever closes drops what comes.
fn writes_before_it_reads(mut peer: TcpStream) -> JoinHandle<Vec<u8>> {
  thread::spawn(move || {
    peer.write_all(&pattern(MUCH)).unwrap();
    let mut received = Vec::new();
    peer.read_to_end(&mut received).expect("an orderly end");
    received
  })
}

/// Answers each `Readable`, in which there is nothing any more, until `Closed`.
fn closes(owner: &Owner, socket: &Socket) {
  loop {
    match owner.event(socket.id()) {
      Event::Readable => assert!(matches!(socket.take_input(&mut [0; 4096]), Input::None)),
      event => {
        assert!(matches!(event, Event::Closed { .. }), "{event:?}");
        return;
      }
    }
  }
}

#[test]
fn close_delivers_everything_to_a_peer_that_writes_before_it_reads() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    let sent = pattern(MUCH);
    let peer = writes_before_it_reads(peer);
    send(&socket, &sent);
    socket.close();
    closes(&owner, &socket);
    assert!(join(&owner, peer) == sent);
    all_gone(&owner);
  }
}

#[test]
fn suspend_after_close_does_not_stall_it() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    let sent = pattern(MUCH);
    let peer = writes_before_it_reads(peer);
    send(&socket, &sent);
    socket.suspend();
    socket.close();
    socket.suspend();
    closes(&owner, &socket);
    assert!(join(&owner, peer) == sent);
    all_gone(&owner);
  }
}

#[test]
fn a_reset_while_closing_is_a_network_error() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    send(&socket, &pattern(MUCH));
    socket.close();
    reset(peer);
    let error = owner.failure(&socket);
    assert_eq!(error.name, ErrorName::NetworkError);
    assert_eq!(socket.unwritten(), 0);
    all_gone(&owner);
  }
}

#[test]
fn what_came_before_a_reset_is_not_lost_where_the_connection_was_not_yet_noticed() {
  for owner in Owner::each() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let socket = owner.connect(listener.local_addr().unwrap());
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"last words").unwrap();
    reset(peer);
    assert!(matches!(owner.event(socket.id()), Event::Opened));
    assert_reset_behind(&owner, &socket, b"last words");
  }
}
