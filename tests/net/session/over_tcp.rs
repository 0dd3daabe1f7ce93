//! The same over TCP: a peer of OpenSSL's says what a test needs, and decides when it reads.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
  rc::Rc,
  thread,
};

use moz_tcp_socket::net::{ErrorName, Event, Input, ListenOptions, Socket, tls::Security};
use openssl::ssl::{ErrorCode, SslVersion};
use socket2::SockRef;

use super::{
  CLIENT, Ours, Peer, SERVER, Setup,
  allocated::allocated,
  messages::{KeyUpdate, key_update, long_ticket, renegotiation, send_fragments_of_512},
  sent,
};
use crate::support::{Owner, pattern, reset, round_trip, send};

/// The peer of a socket: OpenSSL's end, and the connection that carries what it says.
struct Remote {
  peer: Peer,
  tcp: TcpStream,
}

impl Remote {
  fn shake_hands(mut self) -> Self {
    while self.peer.do_handshake().is_err() {
      self.write();
      self.receive();
    }
    self.write();
    self
  }

  /// Sends what OpenSSL has written.
  fn write(&mut self) {
    self.tcp.write_all(&sent(&mut self.peer)).unwrap();
  }

  /// Waits for something to read.
  fn receive(&mut self) {
    let mut memory = [0; 16 * 1024];
    let count = self.tcp.read(&mut memory).unwrap();
    assert!(count > 0, "no end yet");
    self.peer.get_mut().received.extend(&memory[..count]);
  }

  /// Reads that many bytes.
  fn read(&mut self, count: usize) -> Vec<u8> {
    let (mut plain, mut memory) = (Vec::new(), [0; 16 * 1024]);
    while plain.len() < count {
      match self.peer.ssl_read(&mut memory) {
        Ok(count) => plain.extend_from_slice(&memory[..count]),
        Err(error) if error.code() == ErrorCode::WANT_READ => self.receive(),
        Err(error) => panic!("after {} bytes: {error}", plain.len()),
      }
    }
    plain
  }
}

/// A socket and its peer, connected. The kernel holds little for the peer.
fn connected(owner: &Owner, setup: Setup) -> (Rc<Socket>, Remote) {
  let peer = setup.peer(|_| {});
  match (setup.ours, &*CLIENT, &*SERVER) {
    (Ours::Client, Security::Client(tls), _) => {
      let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
      SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
      let port = listener.local_addr().unwrap().port();
      let socket = owner.connect_with("localhost", port, Some(tls.clone()));
      let (tcp, _) = listener.accept().unwrap();
      let remote = owner.meanwhile(move || Remote { peer, tcp }.shake_hands());
      assert!(matches!(owner.event(socket.id()), Event::Opened));
      (socket, remote)
    }
    (Ours::Server, _, Security::Server(acceptor)) => {
      let options = ListenOptions {
        tls: Some(acceptor.clone()),
        ..ListenOptions::at(Ipv4Addr::LOCALHOST)
      };
      let listener = owner.listen_with(options).unwrap();
      let tcp = TcpStream::connect(listener.local_addr()).unwrap();
      let remote = owner.meanwhile(move || Remote { peer, tcp }.shake_hands());
      (owner.accepted(&listener).0, remote)
    }
    _ => unreachable!("a client and a server"),
  }
}

const MUCH: usize = 8_000_000;

#[test]
fn a_peer_that_asks_for_new_keys_while_we_write_gets_all_that_we_wrote() {
  for owner in Owner::each() {
    for setup in Setup::of(SslVersion::TLS1_3) {
      let (socket, mut remote) = connected(&owner, setup);
      let plain = pattern(MUCH);
      // Whole records, and parts of them.
      for piece in plain.chunks(70_001) {
        send(&socket, piece);
      }
      assert!(socket.unwritten() > 0, "some waits for the peer to read");
      let reader = thread::spawn(move || {
        let mut received = Vec::new();
        while received.len() < MUCH {
          let input = key_update(&mut remote.peer, KeyUpdate::Requested);
          remote.tcp.write_all(&input).unwrap();
          let count = (MUCH - received.len()).min(50_000);
          received.extend(remote.read(count));
        }
        remote.peer.write_all(b"done").unwrap();
        remote.write();
        received
      });
      assert_eq!(owner.read(&socket, 4), b"done");
      assert!(reader.join().unwrap() == plain, "{setup:?}");
      assert_eq!(socket.unwritten(), 0);
    }
  }
}

/// A connection in the middle of a long ticket, and the rest of the ticket.
fn connected_in_a_ticket(owner: &Owner) -> (Rc<Socket>, Remote, Vec<u8>) {
  let [setup, _] = Setup::of(SslVersion::TLS1_3);
  let (socket, mut remote) = connected(owner, setup);
  send_fragments_of_512(remote.peer.ssl());
  // Behind data, so that it is known to have arrived.
  remote.peer.write_all(b"x").unwrap();
  let mut input = sent(&mut remote.peer);
  input.extend(long_ticket(&mut remote.peer));
  let (first, second) = input.split_at(900);
  remote.tcp.write_all(first).unwrap();
  assert_eq!(owner.read(&socket, 1), b"x");
  (socket, remote, second.to_vec())
}

#[test]
fn what_is_sent_in_the_middle_of_a_long_ticket_goes_when_the_rest_of_it_is_here() {
  for owner in Owner::each() {
    let (socket, mut remote, second) = connected_in_a_ticket(&owner);
    send(&socket, b"one ");
    send(&socket, b"two");
    assert_eq!(socket.unwritten(), 7);
    remote.tcp.write_all(&second).unwrap();
    // Nobody takes input meanwhile but for what the owner is told to.
    let answer = thread::spawn(move || {
      let plain = remote.read(7);
      remote.peer.write_all(b"y").unwrap();
      remote.write();
      plain
    });
    assert_eq!(owner.read(&socket, 1), b"y");
    assert_eq!(answer.join().unwrap(), b"one two");
    assert_eq!(socket.unwritten(), 0);
  }
}

#[test]
fn what_a_suspended_socket_sends_in_the_middle_of_a_long_ticket_does_not_wait_until_it_is_resumed() {
  for owner in Owner::each() {
    for sends_first in [true, false] {
      let (socket, mut remote, second) = connected_in_a_ticket(&owner);
      if sends_first {
        send(&socket, b"one ");
      }
      socket.suspend();
      owner.turn_often();
      if !sends_first {
        send(&socket, b"one ");
      }
      assert_eq!(socket.unwritten(), 4);
      let (second, third) = second.split_at(700);
      remote.tcp.write_all(second).unwrap();
      owner.turn_often();
      send(&socket, b"two");
      assert_eq!(socket.unwritten(), 7, "the ticket is not complete");
      remote.tcp.write_all(third).unwrap();
      remote.peer.write_all(&pattern(100_000)).unwrap();
      let data = sent(&mut remote.peer);
      let mut writer = remote.tcp.try_clone().unwrap();
      let writer = thread::spawn(move || writer.write_all(&data).unwrap());
      let answer = owner.meanwhile(move || (remote.read(7), remote));
      assert_eq!(answer.0, b"one two");
      // What came behind the ticket is nobody's before.
      let mut memory = [0; 16];
      assert!(matches!(socket.take_input(&mut memory), Input::None));
      socket.resume();
      assert!(owner.read(&socket, 100_000) == pattern(100_000));
      writer.join().unwrap();
    }
  }
}

#[test]
fn a_peer_that_ends_in_the_middle_of_a_long_ticket_interrupts_who_sends_though_suspended() {
  for owner in Owner::each() {
    let (socket, remote, _) = connected_in_a_ticket(&owner);
    socket.suspend();
    send(&socket, b"never");
    remote.tcp.shutdown(Shutdown::Write).unwrap();
    let error = owner.failure(&socket);
    assert_eq!(error.name, ErrorName::NetworkInterruptError, "{error}");
  }
}

#[test]
fn close_in_the_middle_of_a_long_ticket_ends_tls_when_the_rest_of_it_is_here() {
  for owner in Owner::each() {
    for says in [&b"last words"[..], b""] {
      let (socket, mut remote, second) = connected_in_a_ticket(&owner);
      send(&socket, says);
      socket.close();
      owner.turn_often();
      remote.tcp.write_all(&second).unwrap();
      let (plain, mut remote) = owner.meanwhile(move || (remote.read(says.len()), remote));
      assert_eq!(plain, says);
      assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
      let read = owner.meanwhile(move || {
        loop {
          match remote.peer.ssl_read(&mut [0; 16]) {
            Err(error) if error.code() == ErrorCode::WANT_READ => remote.receive(),
            read => return read.map_err(|error| error.code()),
          }
        }
      });
      assert_eq!(read, Err(ErrorCode::ZERO_RETURN), "close_notify");
    }
  }
}

#[test]
fn shutdown_in_the_middle_of_a_long_ticket_ends_our_side_when_the_rest_of_it_is_here() {
  for owner in Owner::each() {
    let (socket, mut remote, second) = connected_in_a_ticket(&owner);
    socket.shutdown();
    remote.tcp.write_all(&second).unwrap();
    loop {
      match owner.event(socket.id()) {
        Event::ShutDown => break,
        Event::Readable => assert!(matches!(socket.take_input(&mut [0; 4096]), Input::None)),
        other => panic!("wanted the end of our side, got {other:?}"),
      }
    }
    remote.receive();
    let error = remote.peer.ssl_read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ZERO_RETURN, "close_notify");
    remote.peer.write_all(b"answer").unwrap();
    remote.write();
    assert_eq!(owner.read(&socket, 6), b"answer");
  }
}

/// What a reset is called is what the first call that met it said.
#[test]
fn an_answer_of_tls_after_a_write_that_failed_does_not_hide_why_it_did() {
  for owner in Owner::each() {
    let [setup, _] = Setup::of(SslVersion::TLS1_3);
    let (socket, mut remote) = connected(&owner, setup);
    socket.suspend();
    let mut input = key_update(&mut remote.peer, KeyUpdate::Requested);
    remote.peer.write_all(b"last words").unwrap();
    input.extend(sent(&mut remote.peer));
    remote.tcp.set_nodelay(true).unwrap();
    remote.tcp.write_all(&input).unwrap();
    reset(remote.tcp);
    round_trip(&owner);
    send(&socket, b"x");
    socket.resume();
    assert_eq!(owner.read(&socket, 10), b"last words");
    assert_eq!(owner.failure(&socket).os, Some(libc::ECONNRESET));
  }
}

/// Each request for a renegotiation is answered, with an alert. A peer that does not read them is not listened to any more.
#[test]
fn a_peer_that_asks_again_and_again_and_does_not_read_cannot_make_answers_take_memory() {
  for owner in Owner::each() {
    let [setup, _] = Setup::of(SslVersion::TLS1_2);
    let (socket, mut remote) = connected(&owner, setup);
    let mut requests: Vec<u8> = (0..300_000)
      .flat_map(|_| renegotiation(&mut remote.peer))
      .collect();
    assert!(requests.len() > 8_000_000);
    remote.peer.write_all(b"still here").unwrap();
    requests.extend(sent(&mut remote.peer));
    let mut writer = remote.tcp.try_clone().unwrap();
    let before = allocated();
    let flood = thread::spawn(move || writer.write_all(&requests).unwrap());
    let mut memory = vec![0; 64 * 1024];
    // Until nothing happens any more.
    let (mut quiet, mut most) = (0, 0);
    while quiet < 300 {
      quiet += 1;
      if let Some(event) = owner.event_of_turn(socket.id()) {
        assert!(matches!(event, Event::Readable), "{event:?}");
        assert!(matches!(socket.take_input(&mut memory), Input::None));
        quiet = 0;
      }
      most = most.max(allocated() - before);
    }
    assert!(most < 1_000_000, "{most} bytes");
    // As soon as it reads, all goes on.
    let mut tcp = remote.tcp.try_clone().unwrap();
    let reader = thread::spawn(move || std::io::copy(&mut tcp, &mut std::io::sink()));
    assert_eq!(owner.read(&socket, 10), b"still here");
    flood.join().unwrap();
    socket.abort();
    let _ = reader.join().unwrap();
  }
}
