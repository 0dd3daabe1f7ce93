//! Plain connections whose bytes the owner's thread moves: what [`plain`](super::plain) shows of tasks holds for them,
//! and they pass to a task where they must.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
  rc::Rc,
  thread::{self, JoinHandle},
  time::{Duration, Instant},
};

use moz_tcp_socket::net::{
  End, ErrorName, Event, Input, Socket, policy::send_queue::MOST_BYTES, tls::Security,
};

use crate::support::{Owner, Taken, reset, send, trusting};

/// More than the kernel keeps for one connection, at both ends together.
const MUCH: usize = 20_000_000;

fn pattern(length: usize) -> Vec<u8> {
  (0..length).map(|i| (i % 251) as u8).collect()
}

/// What `thread` returns; the owner moves bytes meanwhile.
fn join<T>(owner: &Owner, thread: JoinHandle<T>) -> T {
  owner.until(|| thread.is_finished().then_some(()));
  thread.join().unwrap()
}

/// A round trip on another connection, which takes several turns: whatever was on its way has been seen.
fn round_trip(owner: &Owner) {
  let (other, mut peer) = owner.pair();
  peer.write_all(b"x").unwrap();
  assert_eq!(owner.read(&other, 1), b"x");
}

/// Waits until no connection is left.
fn all_gone(owner: &Owner) {
  owner.until(|| (owner.context.live() == 0).then_some(()));
}

/// A connection that is established, though its owner has not looked at that yet.
fn connected_unseen(owner: &Owner) -> (Rc<Socket>, TcpStream) {
  let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
  // A name, which a task looks up.
  let socket = owner.connect_with("localhost", listener.local_addr().unwrap().port(), None);
  let (peer, _) = listener.accept().unwrap();
  // The task that connects has reported and ended.
  let began = Instant::now();
  while owner.context.live() > 0 {
    assert!(began.elapsed() < Duration::from_secs(20), "in time");
    thread::yield_now();
  }
  (socket, peer)
}

#[test]
fn bytes_arrive_in_order_both_ways() {
  let owner = Owner::polling();
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

#[test]
fn staged_bytes_wait_for_the_flush_and_go_before_what_it_brings() {
  let owner = Owner::polling();
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

#[test]
fn an_accepted_connection_is_polled_too() {
  let owner = Owner::polling();
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

#[test]
fn close_delivers_everything_then_fin_to_a_peer_that_reads_late() {
  let owner = Owner::polling();
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

#[test]
fn close_of_what_the_kernel_took_settles_when_the_peer_has_it() {
  let owner = Owner::polling();
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

#[test]
fn what_was_closed_goes_on_without_its_handle() {
  let owner = Owner::polling();
  let (socket, peer) = owner.pair();
  let sent = pattern(MUCH);
  send(&socket, &sent);
  socket.close();
  drop(socket);
  assert!(owner.peer_reads_all(peer) == sent);
  all_gone(&owner);
}

#[test]
fn dropping_a_handle_that_was_not_closed_ends_the_connection() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  // The task that connected may need a moment to go.
  owner.until(|| (owner.context.live() == 1).then_some(()));
  drop(socket);
  assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
  assert_eq!(owner.context.live(), 0);
}

#[test]
fn close_immediately_drops_what_was_not_written() {
  let owner = Owner::polling();
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

#[test]
fn the_peers_end_comes_after_its_bytes_and_writing_goes_on() {
  let owner = Owner::polling();
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

#[test]
fn a_reset_is_a_network_error_after_the_data_that_came() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  peer.write_all(b"550 refused").unwrap();
  reset(peer);
  assert_eq!(owner.read(&socket, 11), b"550 refused");
  match owner.input(&socket) {
    Taken::End(End::Failed(error)) => assert_eq!(error.name, ErrorName::NetworkError),
    other => panic!("wanted a failure, got {other:?}"),
  }
  all_gone(&owner);
}

#[test]
fn a_suspended_socket_takes_nothing_from_the_network_and_loses_nothing() {
  let owner = Owner::polling();
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

#[test]
fn a_suspended_socket_writes() {
  let owner = Owner::polling();
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

#[test]
fn a_write_that_fails_while_suspended_keeps_what_the_peer_had_said() {
  let owner = Owner::polling();
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
  assert_eq!(owner.read(&socket, 11), b"550 refused");
  match owner.input(&socket) {
    Taken::End(End::Failed(error)) => assert_eq!(error.name, ErrorName::NetworkError),
    other => panic!("wanted a failure, got {other:?}"),
  }
  all_gone(&owner);
}

#[test]
fn a_write_that_fails_while_suspended_fails_at_once_where_nothing_would_be_lost() {
  let owner = Owner::polling();
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

#[test]
fn drained_is_reported_once_when_all_is_written() {
  let owner = Owner::polling();
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

#[test]
fn plaintext_that_waits_when_upgrade_is_called_is_a_security_error() {
  let owner = Owner::polling();
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

#[test]
fn plaintext_of_a_suspended_socket_is_a_security_error_at_upgrade() {
  let owner = Owner::polling();
  let (socket, mut peer) = owner.pair();
  socket.suspend();
  peer.write_all(b"injected").unwrap();
  round_trip(&owner);
  socket.upgrade(Security::Client(trusting(Vec::new())));
  assert_eq!(owner.failure(&socket).name, ErrorName::SecurityError);
}

#[test]
fn an_upgrade_after_the_peers_end_fails() {
  let owner = Owner::polling();
  let (socket, peer) = owner.pair();
  peer.shutdown(Shutdown::Write).unwrap();
  assert!(matches!(owner.input(&socket), Taken::End(End::Eof)));
  socket.upgrade(Security::Client(trusting(Vec::new())));
  assert_eq!(owner.failure(&socket).name, ErrorName::NetworkInterruptError);
}

#[test]
fn upgrade_sends_what_came_before_it_in_the_clear_and_nothing_else() {
  let owner = Owner::polling();
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

#[test]
fn abort_between_connected_and_adopted_closes() {
  let owner = Owner::polling();
  let (socket, mut peer) = connected_unseen(&owner);
  socket.abort();
  let event = owner.event(socket.id());
  assert!(matches!(event, Event::Closed { settling: false }), "{event:?}");
  assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
  assert_eq!(owner.context.live(), 0);
  round_trip(&owner);
  assert!(owner.rest(socket.id()).is_empty());
}

#[test]
fn suspend_between_connected_and_adopted_holds() {
  let owner = Owner::polling();
  let (socket, mut peer) = connected_unseen(&owner);
  socket.suspend();
  peer.write_all(b"220 welcome").unwrap();
  assert!(matches!(owner.event(socket.id()), Event::Opened));
  round_trip(&owner);
  assert!(matches!(socket.take_input(&mut [0; 4096]), Input::None));
  socket.resume();
  assert_eq!(owner.read(&socket, 11), b"220 welcome");
}

#[test]
fn abort_of_an_open_connection_closes_once() {
  let owner = Owner::polling();
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
  let owner = Owner::polling();
  let (socket, peer) = owner.pair();
  let sent = pattern(MUCH);
  let peer = writes_before_it_reads(peer);
  send(&socket, &sent);
  socket.close();
  closes(&owner, &socket);
  assert!(join(&owner, peer) == sent);
  all_gone(&owner);
}

#[test]
fn suspend_after_close_does_not_stall_it() {
  let owner = Owner::polling();
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

#[test]
fn a_reset_while_closing_is_a_network_error() {
  let owner = Owner::polling();
  let (socket, peer) = owner.pair();
  send(&socket, &pattern(MUCH));
  socket.close();
  reset(peer);
  let error = owner.failure(&socket);
  assert_eq!(error.name, ErrorName::NetworkError);
  assert_eq!(socket.unwritten(), 0);
  all_gone(&owner);
}

#[test]
fn a_peer_that_takes_everything_does_not_keep_the_owner() {
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
