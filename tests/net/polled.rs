//! Plain connections whose bytes the owner's own thread moves. What they have in common with tasks is in `plain.rs`.

use std::{
  io::{Read, Write},
  net::{Shutdown, TcpStream},
  time::Duration,
};

use moz_tcp_socket::net::{ErrorName, Event, Input, recv_buffer::End};
use socket2::SockRef;

use crate::support::{Owner, send};

#[test]
fn bytes_arrive_in_order_both_ways() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  for piece in [&b"one "[..], b"two ", b"three"] {
    send(&socket, piece);
  }
  let mut received = [0; 13];
  peer.read_exact(&mut received).unwrap();
  assert_eq!(&received, b"one two three");
  peer.write_all(&[7; 100_000]).unwrap();
  assert_eq!(owner.read(&socket, 100_000), [7; 100_000]);
}

#[test]
fn an_accepted_socket_works_at_once() {
  let owner = Owner::polling();
  let listener = owner.listen(0).unwrap();
  let mut peer = TcpStream::connect(listener.local_addr()).unwrap();
  peer.write_all(b"first").unwrap();
  let (socket, _) = owner.accepted(&listener);
  assert_eq!(owner.read(&socket, 5), b"first");
  send(&socket, b"second");
  let mut received = [0; 6];
  peer.read_exact(&mut received).unwrap();
  assert_eq!(&received, b"second");
}

#[test]
fn close_delivers_everything_to_a_peer_that_reads_late_then_fin() {
  let owner = Owner::polling();
  let (socket, peer) = owner.pair();
  let sent: Vec<u8> = (0..5_000_000).map(|i| (i % 251) as u8).collect();
  assert!(socket.flush(&sent, false) > 0, "more than the kernel takes");
  socket.close();
  assert!(owner.peer_reads_all(peer) == sent);
  assert!(matches!(
    owner.event(socket.id()),
    Event::Closed { settling: true }
  ));
  assert!(matches!(owner.event(socket.id()), Event::Settled));
}

#[test]
fn close_waits_for_a_peer_that_writes_before_it_reads() {
  const TOTAL: usize = 5_000_000;
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  send(&socket, &vec![1; TOTAL]);
  socket.close();
  socket.suspend();
  let worker = std::thread::spawn(move || {
    peer.write_all(&vec![2; TOTAL]).unwrap();
    let mut received = Vec::new();
    peer.read_to_end(&mut received).unwrap();
    received.len()
  });
  let mut memory = vec![0; 65_536];
  owner.until(|| {
    // As an owner answers each `Readable`, though it wants nothing any more.
    assert!(matches!(socket.take_input(&mut memory), Input::None));
    worker.is_finished().then_some(())
  });
  assert_eq!(worker.join().unwrap(), TOTAL);
}

#[test]
fn the_peers_end_comes_after_its_bytes_and_writing_goes_on() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  peer.write_all(b"last words").unwrap();
  peer.shutdown(Shutdown::Write).unwrap();
  assert_eq!(owner.read(&socket, 10), b"last words");
  assert!(matches!(owner.input(&socket), Input::End(End::Eof)));
  send(&socket, b"answer");
  socket.close();
  assert_eq!(owner.peer_reads_all(peer), b"answer");
  assert!(
    matches!(owner.event(socket.id()), Event::Closed { settling: false }),
    "the peer will not write any more"
  );
}

#[test]
fn a_reset_is_a_network_error_and_needs_no_reader() {
  for suspended in [false, true] {
    let owner = Owner::polling();
    let (socket, peer) = owner.pair();
    if suspended {
      socket.suspend();
    }
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    let error = owner.until(|| {
      if suspended {
        // Nothing is read, so that a write must meet it.
        socket.flush(b"x", false);
      }
      (socket.unwritten() == 0 && owner.context.live() == 0 || !suspended).then(|| owner.failure(&socket))
    });
    assert_eq!(error.name, ErrorName::NetworkError);
    assert_eq!(owner.context.live(), 0);
  }
}

#[test]
fn a_suspended_socket_takes_nothing_and_loses_nothing() {
  const TOTAL: usize = 20_000_000;
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  socket.suspend();
  let writer = std::thread::spawn(move || peer.write_all(&vec![9; TOTAL]).unwrap());
  let (other, mut other_peer) = owner.pair();
  other_peer.write_all(b"x").unwrap();
  assert_eq!(owner.read(&other, 1), b"x");
  assert!(matches!(socket.take_input(&mut [0; 100]), Input::None));
  socket.resume();
  assert!(owner.read(&socket, TOTAL).iter().all(|byte| *byte == 9));
  writer.join().unwrap();
}

#[test]
fn drained_is_reported_once_when_all_is_written() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  let reader = std::thread::spawn(move || {
    peer.read_exact(&mut vec![0; 5_000_000]).unwrap();
    peer
  });
  socket.flush(&vec![1; 5_000_000], true);
  assert!(matches!(owner.event(socket.id()), Event::Drained));
  assert_eq!(socket.unwritten(), 0);
  let _peer = reader.join().unwrap();
  assert_eq!(socket.flush(&[], true), 0);
  assert!(
    matches!(owner.event(socket.id()), Event::Drained),
    "nothing was pending: reported at once"
  );
}

#[test]
fn staged_bytes_stay_here_until_flushed_and_can_be_taken_back() {
  let owner = Owner::polling();
  let (socket, peer) = owner.pair();
  send(&socket, b"sent");
  socket.stage(b"kept back").unwrap();
  assert_eq!(socket.unwritten(), 9);
  socket.close_immediately();
  assert_eq!(owner.peer_reads_all(peer), b"sent");
}

#[test]
fn plaintext_that_waited_when_tls_was_asked_for_fails_the_socket() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  peer.write_all(b"injected").unwrap();
  owner.until(|| matches!(owner.event(socket.id()), Event::Readable).then_some(()));
  socket.upgrade();
  assert_eq!(owner.failure(&socket).name, ErrorName::SecurityError);
}

#[test]
fn what_was_connected_after_it_was_given_up_is_dropped() {
  let owner = Owner::polling();
  let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
  let socket = owner.connect(listener.local_addr().unwrap());
  // Connected, which the owner has not heard of yet.
  let (mut peer, _) = listener.accept().unwrap();
  socket.abort();
  assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
  assert_eq!(peer.read(&mut [0; 1]).unwrap_or(0), 0);
  owner.until(|| (owner.context.live() == 0).then_some(()));
}

#[test]
fn dropping_a_handle_that_was_not_closed_ends_the_connection() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  assert_eq!(owner.context.live(), 1);
  drop(socket);
  assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
  assert_eq!(owner.context.live(), 0);
}
