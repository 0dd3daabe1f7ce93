//! Listeners: binding, accepting, closing.

use std::{
  io::{ErrorKind, Read, Write},
  net::{Ipv6Addr, TcpStream},
};

use moz_tcp_socket::net::{Event, ListenOptions};

use crate::support::{Owner, send};

#[test]
fn an_accepted_socket_knows_its_peer_and_works_at_once() {
  for owner in Owner::each() {
    let listener = owner.listen(0).unwrap();
    let mut peer = TcpStream::connect(listener.local_addr()).unwrap();
    let (accepted, from) = owner.accepted(&listener);
    assert_eq!(from, peer.local_addr().unwrap());
    send(&accepted, b"hello");
    let mut buffer = [0; 5];
    peer.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"hello");
    peer.write_all(b"you").unwrap();
    assert_eq!(owner.read(&accepted, 3), b"you");
  }
}

#[test]
fn a_port_in_use_is_refused_at_once_and_the_first_listener_lives_on() {
  for owner in Owner::each() {
    let listener = owner.listen(0).unwrap();
    let error = owner
      .listen(listener.local_addr().port())
      .expect_err("the port is taken");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let _peer = TcpStream::connect(listener.local_addr()).unwrap();
    owner.accepted(&listener);
  }
}

#[test]
fn the_port_is_free_when_close_returns_and_accepted_sockets_live_on() {
  for owner in Owner::each() {
    let listener = owner.listen(0).unwrap();
    let address = listener.local_addr();
    let mut peer = TcpStream::connect(address).unwrap();
    let (accepted, _) = owner.accepted(&listener);
    listener.close();
    listener.close();
    assert_eq!(
      TcpStream::connect(address).expect_err("nobody listens").kind(),
      ErrorKind::ConnectionRefused
    );
    for _ in 0..50 {
      owner.listen(address.port()).expect("the port is free").close();
    }
    send(&accepted, b"still here");
    let mut buffer = [0; 10];
    peer.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"still here");
  }
}

#[test]
fn more_connections_than_may_wait_undelivered_are_all_accepted_in_the_end() {
  for owner in Owner::each() {
    let listener = owner.listen(0).unwrap();
    let address = listener.local_addr();
    let many = moz_tcp_socket::net::listen::listener::MOST_UNDELIVERED * 2;
    let connector = std::thread::spawn(move || {
      (0..many)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect::<Vec<_>>()
    });
    for _ in 0..many {
      owner.accepted(&listener);
    }
    connector.join().unwrap();
  }
}

#[test]
fn both_families_reach_a_listener_on_the_ipv6_wildcard() {
  for owner in Owner::each() {
    let listener = owner
      .listen_with(ListenOptions::at(Ipv6Addr::UNSPECIFIED))
      .unwrap();
    let port = listener.local_addr().port();
    for host in ["127.0.0.1", "::1"] {
      let socket = owner.connect_with(host, port, None);
      assert!(matches!(owner.event(socket.id()), Event::Opened));
      assert_eq!(owner.accepted(&listener).1.ip().to_string(), host);
    }
  }
}

#[test]
fn the_first_address_that_answers_wins() {
  let owner = Owner::new();
  let listener = owner.listen(0).unwrap();
  // On most systems localhost is ::1 as well, where nothing listens.
  let socket = owner.connect_with("localhost", listener.local_addr().port(), None);
  assert!(matches!(owner.event(socket.id()), Event::Opened));
}
