//! Datagram sockets that tell of each datagram, and such that are connected to a peer, against sockets of the standard library.

use std::{
  net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
  num::NonZeroU32,
  rc::Rc,
  time::Duration,
};

use moz_tcp_socket::net::{
  DatagramOptions, DatagramSocket, Destination, Ends, Event, Family, SocketError, batch::MOST_BYTES,
};

use crate::support::{Owner, datagram};

const LOCALHOSTS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

fn peer_at(address: IpAddr) -> UdpSocket {
  let peer = UdpSocket::bind((address, 0)).unwrap();
  peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
  peer
}

fn to(address: SocketAddr) -> Destination {
  to_name(&address.ip().to_string(), address.port())
}

fn to_name(host: &str, port: u16) -> Destination {
  Destination {
    host: host.into(),
    port,
    family: None,
  }
}

/// One that is bound, tells of each datagram and wants `count`.
fn bound(owner: &Owner, options: &DatagramOptions, count: u32) -> Rc<DatagramSocket> {
  let socket = DatagramSocket::bind(&owner.context, options).unwrap();
  socket.tell_of_each();
  socket.want(count);
  socket
}

/// One that is about to be connected, tells of each datagram and wants `count`.
fn connecting(owner: &Owner, options: DatagramOptions, peer: Destination, count: u32) -> Rc<DatagramSocket> {
  let socket = DatagramSocket::connect(&owner.context, options, peer);
  socket.tell_of_each();
  socket.want(count);
  socket
}

fn connected(owner: &Owner, peer: &UdpSocket, count: u32) -> Rc<DatagramSocket> {
  let to = to(peer.local_addr().unwrap());
  let socket = connecting(owner, DatagramOptions::default(), to, count);
  assert!(matches!(owner.event(socket.id()), Event::Opened));
  socket
}

/// How it failed to be connected.
fn refused(owner: &Owner, options: DatagramOptions, peer: Destination) -> SocketError {
  let socket = connecting(owner, options, peer, 1);
  match owner.event(socket.id()) {
    Event::Failed(error) => error,
    other => panic!("wanted a failure, got {other:?}"),
  }
}

fn local(socket: &DatagramSocket) -> SocketAddr {
  socket.local_addr().unwrap()
}

/// The next datagram, and what was told before it.
fn next(owner: &Owner, socket: &DatagramSocket) -> (Vec<u8>, Vec<Event>) {
  let mut told = Vec::new();
  loop {
    match owner.event(socket.id()) {
      Event::Readable => {
        if let Some((bytes, _)) = datagram(socket) {
          return (bytes, told);
        }
      }
      other => told.push(other),
    }
  }
}

/// The next event that is not about something to receive.
fn told(owner: &Owner, socket: &DatagramSocket) -> Event {
  loop {
    match owner.event(socket.id()) {
      Event::Readable => drop(datagram(socket)),
      other => return other,
    }
  }
}

/// Takes all that is wanted and there.
fn all(owner: &Owner, socket: &DatagramSocket) -> Vec<Vec<u8>> {
  let mut taken = Vec::new();
  owner.turn_often();
  while let Some(event) = owner.event_of_turn(socket.id()) {
    assert!(matches!(event, Event::Readable), "{event:?}");
    if let Some((bytes, _)) = datagram(socket) {
      taken.push(bytes);
    }
  }
  taken
}

fn received(peer: &UdpSocket) -> Vec<u8> {
  let mut memory = vec![0; MOST_BYTES];
  let length = peer.recv(&mut memory).unwrap();
  memory.truncate(length);
  memory
}

#[cfg(unix)]
fn number(error: &SocketError) -> i32 {
  error.os.unwrap()
}

#[test]
fn nothing_is_received_but_what_is_wanted() {
  for owner in Owner::each() {
    let options = DatagramOptions::default();
    let socket = bound(&owner, &options, 0);
    let peer = peer_at(LOCALHOSTS[0]);
    for n in 0..10 {
      peer
        .send_to(&[n], (Ipv4Addr::LOCALHOST, local(&socket).port()))
        .unwrap();
    }
    assert_eq!(all(&owner, &socket), [[0_u8; 0]; 0]);
    socket.want(3);
    assert_eq!(all(&owner, &socket), [[0], [1], [2]]);
    socket.want(2);
    socket.want(1);
    assert_eq!(all(&owner, &socket), [[3]]);
    socket.want(1);
    socket.want(0);
    assert_eq!(all(&owner, &socket), [[0_u8; 0]; 0]);
    socket.want(100);
    assert_eq!(all(&owner, &socket).len(), 6);
    peer
      .send_to(&[10], (Ipv4Addr::LOCALHOST, local(&socket).port()))
      .unwrap();
    assert_eq!(next(&owner, &socket).0, [10]);
  }
}

#[test]
fn a_datagram_that_could_not_be_delivered_was_not_the_one_that_was_wanted() {
  for owner in Owner::each() {
    let socket = bound(&owner, &DatagramOptions::default(), 1);
    let peer = peer_at(LOCALHOSTS[0]);
    let place = (Ipv4Addr::LOCALHOST, local(&socket).port());
    peer.send_to(b"one", place).unwrap();
    assert_eq!(next(&owner, &socket).0, b"one");
    socket.want_again(1);
    peer.send_to(b"two", place).unwrap();
    assert_eq!(next(&owner, &socket).0, b"two");
    peer.send_to(b"three", place).unwrap();
    assert_eq!(all(&owner, &socket).len(), 0);
  }
}

#[test]
fn a_write_is_told_when_it_has_to_wait_and_when_it_fails() {
  for owner in Owner::each() {
    let socket = bound(&owner, &DatagramOptions::default(), 0);
    let peer = peer_at(LOCALHOSTS[0]);
    let place = peer.local_addr().unwrap();
    assert!(socket.write(b"at once", Some(to(place))));
    assert_eq!(received(&peer), b"at once");
    assert!(!socket.write(b"to a name", Some(to_name("localhost", place.port()))));
    assert!(!socket.write(b"behind it", Some(to(place))));
    assert!(!socket.write(&[0; 65_508], Some(to(place))), "too long for IPv4");
    assert!(!socket.write(b"nowhere", Some(to_name("nobody.invalid", 5))));
    assert!(!socket.write(b"at last", Some(to(place))));
    assert!(matches!(told(&owner, &socket), Event::Drained));
    assert!(matches!(told(&owner, &socket), Event::Drained));
    match told(&owner, &socket) {
      Event::WriteFailed(error) => {
        let begin = format!("send to 127.0.0.1 port {}: ", place.port());
        assert!(error.detail.starts_with(&begin), "{error}");
        #[cfg(unix)]
        assert_eq!(number(&error), libc::EMSGSIZE);
      }
      other => panic!("{other:?}"),
    }
    match told(&owner, &socket) {
      Event::WriteFailed(error) => {
        assert!(error.detail.starts_with("look up nobody.invalid: "), "{error}");
        assert_eq!(error.name.as_str(), "DomainNotFoundError");
      }
      other => panic!("{other:?}"),
    }
    assert!(matches!(told(&owner, &socket), Event::Drained));
    for words in ["to a name", "behind it", "at last"] {
      assert_eq!(received(&peer), words.as_bytes());
    }
    assert!(socket.write(b"at once again", Some(to(place))));
    assert_eq!(socket.dropped(), 0);
  }
}

#[test]
fn a_destination_of_another_family_than_was_asked_for_fails() {
  for owner in Owner::each() {
    let options = DatagramOptions {
      address: Some(Ipv6Addr::UNSPECIFIED.into()),
      ..DatagramOptions::default()
    };
    let socket = bound(&owner, &options, 0);
    let v4 = peer_at(LOCALHOSTS[0]);
    let port = v4.local_addr().unwrap().port();
    let write = |host: &str, family| {
      let family = Some(family);
      let to = Destination {
        family,
        ..to_name(host, port)
      };
      socket.write(b"hello", Some(to))
    };
    assert!(write("127.0.0.1", Family::Ipv4));
    assert_eq!(received(&v4), b"hello");
    assert!(!write("127.0.0.1", Family::Ipv6));
    assert!(
      matches!(told(&owner, &socket), Event::WriteFailed(error) if error.detail.ends_with("not an IPv6 address"))
    );
    assert!(!write("localhost", Family::Ipv4));
    assert!(!write("::1", Family::Ipv4));
    assert!(matches!(told(&owner, &socket), Event::Drained));
    assert_eq!(received(&v4), b"hello");
    assert!(
      matches!(told(&owner, &socket), Event::WriteFailed(error) if error.detail.ends_with("not an IPv4 address"))
    );
  }
}

#[test]
fn what_the_kernel_does_not_take_at_once_is_told_when_it_has() {
  for owner in Owner::each() {
    let options = DatagramOptions {
      send_buffer_size: NonZeroU32::new(1),
      ..DatagramOptions::default()
    };
    let socket = bound(&owner, &options, 0);
    let peer = peer_at(LOCALHOSTS[0]);
    let place = peer.local_addr().unwrap();
    for n in 0..20 {
      if !socket.write(&[n; 1000], Some(to(place))) {
        assert!(matches!(told(&owner, &socket), Event::Drained));
      }
    }
    for n in 0..20 {
      assert_eq!(received(&peer), [n; 1000]);
    }
  }
}

#[test]
fn a_connected_socket_talks_to_its_peer_and_hears_nobody_else() {
  for owner in Owner::each() {
    for address in LOCALHOSTS {
      let peer = peer_at(address);
      let socket = connected(&owner, &peer, 100);
      let ends = Ends {
        local: local(&socket),
        remote: peer.local_addr().unwrap(),
      };
      assert_eq!(socket.ends(), Some(ends));
      assert!(socket.write(b"hello", None));
      assert_eq!(received(&peer), b"hello");
      peer_at(address)
        .send_to(b"from a stranger", local(&socket))
        .unwrap();
      peer.send_to(b"from the peer", local(&socket)).unwrap();
      assert_eq!(next(&owner, &socket).0, b"from the peer");
      assert_eq!(all(&owner, &socket).len(), 0);
    }
  }
}

#[test]
fn it_is_connected_by_name_from_the_place_that_was_chosen() {
  for owner in Owner::each() {
    // Not everywhere has this name an address of IPv6.
    for (host, family, address) in [
      ("localhost", Family::Ipv4, LOCALHOSTS[0]),
      ("::1", Family::Ipv6, LOCALHOSTS[1]),
    ] {
      let peer = peer_at(address);
      let port = peer_at(address).local_addr().unwrap().port();
      let options = DatagramOptions {
        port,
        ..DatagramOptions::default()
      };
      let to = Destination {
        family: Some(family),
        ..to_name(host, peer.local_addr().unwrap().port())
      };
      let socket = connecting(&owner, options, to, 1);
      assert_eq!((socket.local_addr(), socket.ends()), (None, None));
      assert!(!socket.write(b"early", None));
      assert!(matches!(owner.event(socket.id()), Event::Opened));
      assert_eq!(local(&socket), SocketAddr::new(address, port));
      assert_eq!(received(&peer), b"early");
      assert!(matches!(told(&owner, &socket), Event::Drained));
    }
  }
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_peer_refuses_is_told_and_does_not_end_the_socket() {
  for owner in Owner::each() {
    let peer = peer_at(LOCALHOSTS[0]);
    let place = peer.local_addr().unwrap();
    let socket = connected(&owner, &peer, 10);
    drop(peer);
    assert!(socket.write(b"is anybody there", None));
    match told(&owner, &socket) {
      Event::ReadFailed(error) => {
        let begin = format!("receive from 127.0.0.1 port {}: ", place.port());
        assert!(error.detail.starts_with(&begin), "{error}");
        assert_eq!(number(&error), libc::ECONNREFUSED);
      }
      other => panic!("{other:?}"),
    }
    // While nothing is received, the next write hears of it.
    socket.want(0);
    assert!(socket.write(b"still nobody", None));
    owner.turn_often();
    assert!(!socket.write(b"lost", None));
    match told(&owner, &socket) {
      Event::WriteFailed(error) => {
        assert!(error.detail.starts_with("send to 127.0.0.1 port "), "{error}");
        assert_eq!(number(&error), libc::ECONNREFUSED);
      }
      other => panic!("{other:?}"),
    }
    let peer = UdpSocket::bind(place).unwrap();
    socket.want(1);
    assert!(socket.write(b"and now", None));
    assert_eq!(received(&peer), b"and now");
    peer.send_to(b"here", local(&socket)).unwrap();
    assert_eq!(next(&owner, &socket).0, b"here");
  }
}

#[test]
fn who_cannot_be_connected_to_is_told_why() {
  for owner in Owner::each() {
    let options = DatagramOptions::default;
    let error = refused(&owner, options(), to_name("nobody.invalid", 5));
    assert!(error.detail.starts_with("look up nobody.invalid: "), "{error}");
    let from_v6 = DatagramOptions {
      address: Some(Ipv6Addr::LOCALHOST.into()),
      ipv6_only: true,
      ..options()
    };
    let error = refused(&owner, from_v6, to_name("127.0.0.1", 5));
    assert_eq!(error.detail, "look up 127.0.0.1: no IPv6 address");
    let elsewhere = DatagramOptions {
      address: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
      ..options()
    };
    let error = refused(&owner, elsewhere, to_name("127.0.0.1", 5));
    assert!(error.detail.starts_with("bind 192.0.2.1 port 0: "), "{error}");
    #[cfg(unix)]
    assert_eq!(number(&error), libc::EADDRNOTAVAIL);
    let no_broadcast = to_name("255.255.255.255", 5);
    let error = refused(&owner, options(), no_broadcast);
    assert!(
      error.detail.starts_with("connect to 255.255.255.255 port 5: "),
      "{error}"
    );
  }
}

#[test]
fn one_that_is_closed_before_it_is_connected_tells_nothing() {
  for owner in Owner::each() {
    let peer = peer_at(LOCALHOSTS[0]);
    let port = peer.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
      let socket = connecting(&owner, DatagramOptions::default(), to_name(host, port), 1);
      assert!(!socket.write(b"never", None));
      socket.close();
      owner.turn_often();
      assert!(owner.event_of_turn(socket.id()).is_none());
      assert_eq!(socket.local_addr(), None);
    }
    assert_eq!(owner.context.live(), 0);
  }
}
