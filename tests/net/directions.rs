//! The two directions of a connection end, and fail, each for itself.

use std::{
  io::{ErrorKind, Read, Write},
  net::{Ipv4Addr, Shutdown, TcpStream},
  rc::Rc,
  sync::Arc,
};

use moz_tcp_socket::net::{
  End, ErrorName, Event, Input, ListenOptions, Listener, Socket,
  tls::{Acceptor, Identity as TlsIdentity, ServerTls, Version},
};

use crate::{
  support::{Owner, Taken, assert_reset_behind, reset, send, trusting},
  tls::Identity,
};

/// More than the kernel keeps for one connection, at both ends together.
const MUCH: usize = 20_000_000;

fn pair(owner: &Owner) -> (Rc<Socket>, TcpStream) {
  let (socket, peer) = owner.pair();
  socket.keep_directions_apart();
  (socket, peer)
}

/// Two ends of a TLS connection, of one owner.
fn secure_pair(owner: &Owner) -> (Rc<Socket>, Rc<Socket>) {
  let identity = Identity::for_localhost();
  let acceptor = Acceptor::new(&ServerTls {
    identity: TlsIdentity::Pem {
      cert: identity.pem(),
      key: identity.key.private_key_to_pem_pkcs8().unwrap(),
      passphrase: None,
    },
    alpn: Vec::new(),
    min_version: Version::Tls12,
    max_version: None,
    deadline: std::time::Duration::from_secs(20),
  });
  let options = ListenOptions {
    tls: Some(Arc::new(acceptor.unwrap())),
    ..ListenOptions::at(Ipv4Addr::LOCALHOST)
  };
  let listener = Listener::bind(&owner.context, options).unwrap();
  let port = listener.local_addr().port();
  let client = owner.connect_with("localhost", port, Some(trusting(vec![identity.pem()])));
  let (server, _) = owner.accepted(&listener);
  assert!(matches!(owner.event(client.id()), Event::Opened));
  for end in [&client, &server] {
    end.keep_directions_apart();
  }
  (client, server)
}

fn ends(owner: &Owner, socket: &Socket) {
  assert!(matches!(owner.input(socket), Taken::End(End::Eof)));
}

fn shut_down(owner: &Owner, socket: &Socket) {
  loop {
    match owner.event(socket.id()) {
      Event::ShutDown => return,
      Event::Readable => assert!(matches!(socket.take_input(&mut [0; 4096]), Input::None)),
      other => panic!("wanted the end of our side, got {other:?}"),
    }
  }
}

#[test]
fn after_shutdown_everything_was_sent_then_fin_and_input_still_comes() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    let bytes = vec![7; MUCH];
    send(&socket, &bytes);
    socket.shutdown();
    send(&socket, b"too late");
    let (received, mut peer) = owner.meanwhile(move || {
      let mut received = Vec::new();
      peer.read_to_end(&mut received).unwrap();
      (received, peer)
    });
    assert!(received == bytes);
    shut_down(&owner, &socket);
    peer.write_all(b"the answer").unwrap();
    assert_eq!(owner.read(&socket, 10), b"the answer");
    drop(peer);
    ends(&owner, &socket);
    socket.close();
    assert!(matches!(
      owner.event(socket.id()),
      Event::Closed { settling: false }
    ));
  }
}

#[test]
fn after_shutdown_of_tls_the_peer_has_close_notify_and_input_still_comes() {
  for owner in Owner::each() {
    let (client, server) = secure_pair(&owner);
    send(&client, b"question");
    client.shutdown();
    assert_eq!(owner.read(&server, 8), b"question");
    ends(&owner, &server);
    shut_down(&owner, &client);
    send(&server, b"answer");
    assert_eq!(owner.read(&client, 6), b"answer");
    server.shutdown();
    ends(&owner, &client);
    shut_down(&owner, &server);
  }
}

#[test]
fn shutdown_immediately_drops_what_was_not_written_and_input_still_comes() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    send(&socket, &vec![7; MUCH]);
    assert!(socket.unwritten() > 0);
    socket.shutdown_immediately();
    assert_eq!(socket.unwritten(), 0);
    shut_down(&owner, &socket);
    let (received, mut peer) = owner.meanwhile(move || {
      let mut received = Vec::new();
      peer.read_to_end(&mut received).unwrap();
      (received.len(), peer)
    });
    assert!(received < MUCH, "{received} bytes");
    peer.write_all(b"still").unwrap();
    assert_eq!(owner.read(&socket, 5), b"still");
  }
}

#[test]
fn input_that_is_discarded_holds_nobody_up_and_writing_goes_on() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    peer.write_all(b"unread").unwrap();
    socket.discard_input();
    let mut peer = owner.meanwhile(move || {
      peer.write_all(&vec![0; MUCH]).unwrap();
      peer
    });
    send(&socket, b"hello");
    let mut buffer = [0; 5];
    peer.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"hello");
    peer.shutdown(Shutdown::Write).unwrap();
    loop {
      match owner.event(socket.id()) {
        Event::PeerEnded => break,
        Event::Readable => assert!(matches!(socket.take_input(&mut [0; 4096]), Input::None)),
        other => panic!("wanted the peer's end, got {other:?}"),
      }
    }
    socket.close();
    // No reset, although much was never taken.
    assert_eq!(owner.meanwhile(move || peer.read(&mut [0; 1]).unwrap()), 0);
  }
}

#[test]
fn the_peers_end_is_told_though_nobody_reads_and_bytes_wait() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    socket.suspend();
    peer.write_all(b"before").unwrap();
    owner.turn_often();
    peer.write_all(b" and after").unwrap();
    owner.turn_often();
    peer.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(owner.event(socket.id()), Event::PeerEnded));
    socket.resume();
    assert_eq!(owner.read(&socket, 16), b"before and after");
    ends(&owner, &socket);
    send(&socket, b"ours");
    let mut buffer = [0; 4];
    peer.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"ours");
  }
}

#[test]
fn what_came_while_nobody_read_is_there_as_soon_as_somebody_does() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    socket.suspend();
    for piece in [b"one", b"two"] {
      peer.write_all(piece).unwrap();
      owner.turn_often();
    }
    socket.resume();
    assert_eq!(owner.read(&socket, 6), b"onetwo");
    // And the peer, which is there, has nothing to add.
    socket.suspend();
    socket.resume();
    peer.write_all(b"three").unwrap();
    assert_eq!(owner.read(&socket, 5), b"three");
  }
}

#[test]
fn a_reset_is_told_though_nobody_reads() {
  for owner in Owner::each() {
    let (socket, peer) = pair(&owner);
    socket.suspend();
    owner.turn_often();
    reset(peer);
    match owner.event(socket.id()) {
      Event::Failed(error) => assert_eq!(error.name, ErrorName::NetworkError, "{error}"),
      other => panic!("wanted a failure, got {other:?}"),
    }
  }
}

#[test]
fn after_a_reset_bytes_that_wait_can_be_taken() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    socket.suspend();
    peer.write_all(b"last words").unwrap();
    owner.turn_often();
    reset(peer);
    match owner.event(socket.id()) {
      Event::WriteFailed(error) => assert_eq!(error.name, ErrorName::NetworkError, "{error}"),
      other => panic!("wanted a failure of writing, got {other:?}"),
    }
    socket.resume();
    assert_reset_behind(&owner, &socket, b"last words");
  }
}

#[test]
fn reset_sends_rst() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    socket.reset();
    assert!(matches!(
      owner.event(socket.id()),
      Event::Closed { settling: false }
    ));
    let error = peer.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
  }
}

#[test]
fn nothing_is_accepted_that_was_not_asked_for() {
  for owner in Owner::each() {
    let listener = owner
      .listen_with(ListenOptions {
        on_demand: true,
        ..ListenOptions::at(Ipv4Addr::LOCALHOST)
      })
      .unwrap();
    let connect = || TcpStream::connect(listener.local_addr()).unwrap();
    let peers = [connect(), connect(), connect()];
    owner.turn_often();
    assert_eq!(owner.context.live(), 1, "the listener alone");
    listener.demand(1);
    let (first, from) = owner.accepted(&listener);
    assert_eq!(from, peers[0].local_addr().unwrap());
    drop(first);
    owner.turn_often();
    assert_eq!(owner.context.live(), 1, "no second one");
    listener.demand(2);
    let (second, third) = (owner.accepted(&listener), owner.accepted(&listener));
    assert_eq!(second.1, peers[1].local_addr().unwrap());
    assert_eq!(third.1, peers[2].local_addr().unwrap());
  }
}

#[test]
fn shutdown_immediately_behind_a_shutdown_that_waits_drops_what_was_not_written() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    send(&socket, &vec![7; MUCH]);
    socket.shutdown();
    assert!(socket.unwritten() > 0);
    socket.shutdown_immediately();
    // The peer has not read anything yet.
    shut_down(&owner, &socket);
    let received = owner.meanwhile(move || {
      let mut received = Vec::new();
      peer.read_to_end(&mut received).unwrap();
      received.len()
    });
    assert!(received < MUCH, "{received} bytes");
  }
}

#[test]
fn a_reset_that_a_write_meets_is_not_the_end_of_what_the_peer_said() {
  for owner in Owner::each() {
    let (socket, peer) = pair(&owner);
    socket.flush(&vec![7; MUCH], true);
    owner.turn_often();
    reset(peer);
    loop {
      match owner.event(socket.id()) {
        Event::Failed(error) => break assert_eq!(error.name, ErrorName::NetworkError, "{error}"),
        Event::Readable => match socket.take_input(&mut [0; 16]) {
          Input::None => {}
          Input::End(End::Failed(error)) => break assert_eq!(error.name, ErrorName::NetworkError, "{error}"),
          other => panic!("wanted a failure of reading, got {other:?}"),
        },
        Event::WriteFailed(_) => {}
        other => panic!("wanted a failure, got {other:?}"),
      }
    }
  }
}

#[test]
fn what_came_before_a_failed_write_survives_a_suspension_by_who_waits_for_it_to_be_written() {
  for owner in Owner::each() {
    let (socket, mut peer) = pair(&owner);
    socket.suspend();
    peer.write_all(b"last words").unwrap();
    socket.flush(&vec![7; MUCH], true);
    reset(peer);
    loop {
      match owner.event(socket.id()) {
        Event::WriteFailed(_) => break,
        Event::Readable | Event::PeerEnded => {}
        other => panic!("wanted the failure of writing, got {other:?}"),
      }
    }
    socket.suspend();
    assert!(!socket.has_ended());
    socket.resume();
    assert!(!socket.accepts_output());
  }
}
