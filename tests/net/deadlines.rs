//! Deadlines that an owner sets: until a connection is established, and for its silences.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, TcpListener},
  thread::sleep,
  time::{Duration, Instant},
};

use moz_tcp_socket::net::{ConnectOptions, ErrorName, Event, LocalEnd};

use crate::support::{Owner, send};

const SHORT: Duration = Duration::from_millis(30);

#[test]
fn a_silent_connection_fails_and_its_peer_sees_the_end() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    let began = Instant::now();
    socket.idle_at_most(Some(SHORT));
    let error = owner.failure(&socket);
    assert!(began.elapsed() >= SHORT);
    assert_eq!(error.name, ErrorName::NetworkTimeoutError);
    assert!(error.detail.ends_with(": idle for 30 ms"), "{}", error.detail);
    assert!(error.os.is_none());
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
  }
}

#[test]
fn a_deadline_that_is_taken_back_is_none() {
  for owner in Owner::each() {
    let (socket, mut peer) = owner.pair();
    socket.idle_at_most(Some(SHORT));
    socket.idle_at_most(None);
    let (other, _peer) = owner.pair();
    other.idle_at_most(Some(SHORT * 3));
    owner.failure(&other);
    send(&socket, b"here");
    peer.read_exact(&mut [0; 4]).unwrap();
    peer.write_all(b"too").unwrap();
    assert_eq!(owner.read(&socket, 3), b"too");
  }
}

#[test]
fn what_was_closed_is_sent_in_spite_of_a_deadline_that_passes_after_release() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    socket.idle_at_most(Some(SHORT));
    let bytes = vec![7; 8 * 1024 * 1024];
    send(&socket, &bytes);
    socket.close();
    socket.release();
    sleep(3 * SHORT);
    owner.context.run_timers();
    assert_eq!(owner.peer_reads_all(peer).len(), bytes.len());
  }
}

#[test]
fn a_connection_that_was_made_in_time_but_not_yet_noticed_has_missed_nothing() {
  for owner in Owner::each() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = owner.connect_with("localhost", port, None);
    let (_peer, _) = listener.accept().unwrap();
    socket.connect_within(Some(SHORT));
    socket.idle_at_most(Some(SHORT));
    // The owner is busy, and the first that it does then is to look at what is due.
    sleep(3 * SHORT);
    owner.context.run_timers();
    assert!(matches!(owner.event(socket.id()), Event::Opened));
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkTimeoutError);
  }
}

#[test]
fn what_a_socket_that_was_given_up_reports_is_that_it_is_closed() {
  for owner in Owner::each() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = owner.give_up(ConnectOptions::to("127.0.0.1", port));
    assert!(matches!(
      owner.event(socket.id()),
      Event::Closed { settling: false }
    ));
    assert_eq!(socket.ends(), None);
    socket.abort();
    send(&socket, b"nobody");
    socket.close();
    assert!(owner.rest(socket.id()).is_empty());
    listener.set_nonblocking(true).unwrap();
    listener.accept().unwrap_err();
  }
}

#[test]
fn a_client_connects_from_the_address_and_port_that_it_is_told() {
  for owner in Owner::each() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let remote = listener.local_addr().unwrap();
    for host in ["127.0.0.1", "localhost"] {
      // Free a moment ago.
      let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
      let local = LocalEnd {
        address: Some(free.ip()),
        port: free.port(),
        ..LocalEnd::default()
      };
      let socket = owner.connect_as(ConnectOptions {
        local,
        ..ConnectOptions::to(host, remote.port())
      });
      assert!(matches!(owner.event(socket.id()), Event::Opened));
      let (_peer, from) = listener.accept().unwrap();
      assert_eq!(from, free);
      let ends = socket.ends().unwrap();
      assert_eq!((ends.local, ends.remote), (free, remote));
    }
  }
}
