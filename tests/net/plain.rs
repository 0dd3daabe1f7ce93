//! Plain connections: open, both directions, suspend, every way to end.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, Shutdown},
};

use moz_tcp_socket::net::{End, ErrorName, Event, Input};

use crate::support::{Owner, Taken, hold_runtime, reset, send};

#[test]
fn bytes_arrive_in_order_both_ways() {
  let owner = Owner::new();
  let (socket, mut peer) = owner.pair();
  send(&socket, b"one");
  send(&socket, b"two");
  let mut buffer = [0; 6];
  peer.read_exact(&mut buffer).unwrap();
  assert_eq!(&buffer, b"onetwo");
  peer.write_all(b"three").unwrap();
  assert_eq!(owner.read(&socket, 5), b"three");
}

#[test]
fn staged_bytes_stay_here_until_flushed() {
  let owner = Owner::new();
  let (socket, mut peer) = owner.pair();
  socket.stage(b"kept back").unwrap();
  assert_eq!(socket.unwritten(), 9);
  socket.close_immediately();
  let mut received = Vec::new();
  peer.read_to_end(&mut received).unwrap();
  assert_eq!(received, b"");
  assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
}

#[test]
fn a_port_without_listener_refuses() {
  let owner = Owner::new();
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

#[test]
fn a_name_that_does_not_exist_is_not_found() {
  let owner = Owner::new();
  let socket = owner.connect_with("does-not-exist.invalid", 80, None);
  let error = owner.failure(&socket);
  assert_eq!(error.name, ErrorName::DomainNotFoundError);
  assert!(
    error.detail.contains("does-not-exist.invalid"),
    "{}",
    error.detail
  );
}

#[test]
fn aborting_a_connection_attempt_closes_and_never_opens() {
  let owner = Owner::new();
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

#[test]
fn close_delivers_everything_then_fin() {
  let owner = Owner::new();
  let (socket, mut peer) = owner.pair();
  let sent: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
  send(&socket, &sent);
  socket.close();
  let mut received = Vec::new();
  peer.read_to_end(&mut received).unwrap();
  assert!(received == sent);
  assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
  assert_eq!(socket.unwritten(), 0);
}

#[test]
fn input_that_nobody_read_does_not_turn_close_into_a_reset() {
  let owner = Owner::new();
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

#[test]
fn drained_is_reported_once_when_all_is_written() {
  let owner = Owner::new();
  let (socket, mut peer) = owner.pair();
  let reader = std::thread::spawn(move || {
    let mut buffer = vec![0; 5_000_000];
    peer.read_exact(&mut buffer).unwrap();
    peer
  });
  socket.flush(&vec![1; 5_000_000], true);
  assert!(matches!(owner.event(socket.id()), Event::Drained));
  assert_eq!(socket.unwritten(), 0);
  let _peer = reader.join().unwrap();
  socket.flush(&[], true);
  assert!(
    matches!(owner.event(socket.id()), Event::Drained),
    "nothing was pending: reported at once"
  );
}

#[test]
fn the_peers_end_comes_after_its_bytes_and_writing_goes_on() {
  let owner = Owner::new();
  let (socket, mut peer) = owner.pair();
  peer.write_all(b"last words").unwrap();
  peer.shutdown(Shutdown::Write).unwrap();
  assert_eq!(owner.read(&socket, 10), b"last words");
  assert!(matches!(owner.input(&socket), Taken::End(End::Eof)));
  send(&socket, b"answer");
  socket.close();
  let mut received = Vec::new();
  peer.read_to_end(&mut received).unwrap();
  assert_eq!(received, b"answer");
}

#[test]
fn a_reset_is_a_network_error() {
  let owner = Owner::new();
  let (socket, peer) = owner.pair();
  reset(peer);
  assert_eq!(owner.failure(&socket).name, ErrorName::NetworkError);
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
    socket.suspend();
    let held = hold_runtime();
    peer.write_all(b"last words").unwrap();
    reset(peer);
    send(&socket, b"x");
    // The task hears of its owner first, and of the system afterwards.
    drop(held);
    socket.resume();
    assert_eq!(owner.read(&socket, 10), b"last words");
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkError);
  }
}

#[test]
fn a_suspended_socket_takes_little_from_the_network_and_loses_nothing() {
  let owner = Owner::new();
  let (socket, mut peer) = owner.pair();
  socket.suspend();
  const TOTAL: usize = 20_000_000;
  let writer = std::thread::spawn(move || {
    peer.write_all(&vec![9; TOTAL]).unwrap();
    // Ends here, behind all the bytes.
  });
  // A round trip on another connection: time enough for a reader that does not stop to have gone on.
  let (other, mut other_peer) = owner.pair();
  other_peer.write_all(b"x").unwrap();
  assert_eq!(owner.read(&other, 1), b"x");
  assert!(matches!(socket.take_input(&mut []), Input::None));
  socket.resume();
  assert!(owner.read(&socket, TOTAL).iter().all(|byte| *byte == 9));
  assert!(matches!(owner.input(&socket), Taken::End(End::Eof)));
  writer.join().unwrap();
}

#[test]
fn dropping_a_handle_that_was_not_closed_ends_the_connection() {
  let owner = Owner::new();
  let (socket, mut peer) = owner.pair();
  drop(socket);
  assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn shutting_the_context_down_closes_every_descriptor() {
  let owner = Owner::new();
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
