//! Datagram sockets, against sockets of the standard library.

use std::{
  net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
  rc::Rc,
  time::Duration,
};

use moz_tcp_socket::net::{
  DatagramOptions, DatagramSocket, Destination, Event, Membership, batch::MOST_BYTES,
};

use crate::support::{Owner, datagram};

fn at(address: impl Into<IpAddr>) -> DatagramOptions {
  DatagramOptions {
    address: Some(address.into()),
    ..DatagramOptions::default()
  }
}

fn bind(owner: &Owner, options: &DatagramOptions) -> Rc<DatagramSocket> {
  DatagramSocket::bind(&owner.context, options).unwrap()
}

fn local(socket: &DatagramSocket) -> SocketAddr {
  socket.local_addr().unwrap()
}

fn peer_at(address: impl Into<IpAddr>) -> UdpSocket {
  let peer = UdpSocket::bind((address.into(), 0)).unwrap();
  peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
  peer
}

/// The next datagram that comes.
fn next(owner: &Owner, socket: &DatagramSocket) -> (Vec<u8>, SocketAddr) {
  loop {
    assert!(matches!(owner.event(socket.id()), Event::Readable));
    if let Some(datagram) = datagram(socket) {
      return datagram;
    }
  }
}

fn received(peer: &UdpSocket) -> (Vec<u8>, SocketAddr) {
  let mut memory = vec![0; MOST_BYTES];
  let (length, from) = peer.recv_from(&mut memory).unwrap();
  memory.truncate(length);
  (memory, from)
}

#[test]
fn datagrams_go_both_ways_whole_and_in_order() {
  for owner in Owner::each() {
    for ours in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
      let socket = bind(&owner, &at(ours));
      let peer = peer_at(ours);
      let to = peer.local_addr().unwrap();
      let largest = vec![7; 65_507];
      for bytes in [&b"one"[..], b"", &largest] {
        socket.send(bytes, to);
        assert_eq!(received(&peer), (bytes.to_vec(), local(&socket)));
        peer.send_to(bytes, local(&socket)).unwrap();
        assert_eq!(next(&owner, &socket), (bytes.to_vec(), to));
      }
      for n in 0..100_u8 {
        peer.send_to(&[n], local(&socket)).unwrap();
      }
      for n in 0..100_u8 {
        assert_eq!(next(&owner, &socket).0, [n]);
      }
      assert_eq!(socket.dropped(), 0);
    }
  }
}

#[test]
fn what_comes_while_nobody_receives_waits_in_the_kernel_for_resume() {
  for owner in Owner::each() {
    let socket = bind(&owner, &at(Ipv4Addr::LOCALHOST));
    let peer = peer_at(Ipv4Addr::LOCALHOST);
    socket.suspend();
    peer.send_to(b"early", local(&socket)).unwrap();
    owner.turn_often();
    assert_eq!(owner.event_of_turn(socket.id()).map(drop), None);
    socket.resume();
    assert_eq!(next(&owner, &socket).0, b"early");
  }
}

#[test]
fn a_name_is_looked_up_and_does_not_hold_up_an_address() {
  for owner in Owner::each() {
    let socket = bind(&owner, &at(Ipv4Addr::LOCALHOST));
    let peer = peer_at(Ipv4Addr::LOCALHOST);
    let to = peer.local_addr().unwrap();
    socket.send_to_name(b"to a name", "localhost".into(), to.port());
    socket.send_to_name(b"to nobody", "nobody.invalid".into(), to.port());
    socket.send_to_name(b"to a name again", "localhost".into(), to.port());
    socket.send(b"to an address", to);
    assert_eq!(received(&peer).0, b"to an address");
    let names = owner.meanwhile(move || [received(&peer).0, received(&peer).0]);
    assert_eq!(names, [b"to a name".to_vec(), b"to a name again".to_vec()]);
    assert_eq!(socket.dropped(), 1, "the one whose name nobody has");
  }
}

#[test]
fn who_refuses_a_datagram_does_not_end_the_socket() {
  for owner in Owner::each() {
    let socket = bind(&owner, &at(Ipv4Addr::LOCALHOST));
    let nobody = peer_at(Ipv4Addr::LOCALHOST).local_addr().unwrap();
    for _ in 0..10 {
      socket.send(b"is anybody there", nobody);
    }
    owner.turn_often();
    let peer = peer_at(Ipv4Addr::LOCALHOST);
    peer.send_to(b"here", local(&socket)).unwrap();
    assert_eq!(next(&owner, &socket).0, b"here");
  }
}

#[test]
fn a_socket_of_both_families_talks_to_both() {
  for owner in Owner::each() {
    let socket = bind(&owner, &at(Ipv6Addr::UNSPECIFIED));
    let port = local(&socket).port();
    for ours in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
      let peer = peer_at(ours);
      let to = peer.local_addr().unwrap();
      peer.send_to(b"hello", (ours, port)).unwrap();
      assert_eq!(
        next(&owner, &socket),
        (b"hello".to_vec(), to),
        "an IPv4 sender has an IPv4 address"
      );
      socket.send(b"answer", to);
      assert_eq!(received(&peer).0, b"answer");
    }
  }
}

#[test]
fn a_socket_for_ipv6_only_drops_what_is_for_ipv4() {
  for owner in Owner::each() {
    let options = DatagramOptions {
      ipv6_only: true,
      ..at(Ipv6Addr::UNSPECIFIED)
    };
    let socket = bind(&owner, &options);
    socket.send(b"hello", "127.0.0.1:9".parse().unwrap());
    assert_eq!(socket.dropped(), 1);
    let v4 = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, local(&socket).port()));
    assert!(v4.is_ok(), "the port of IPv4 is free");
  }
}

#[test]
fn members_of_a_group_hear_it_until_they_leave() {
  let group = Membership {
    group: Ipv4Addr::new(239, 255, 77, 7).into(),
    source: None,
  };
  for owner in Owner::each() {
    let member = bind(&owner, &DatagramOptions::default());
    let other = bind(&owner, &DatagramOptions::default());
    member.join(group).unwrap();
    member.join(group).unwrap();
    let to = (group.group, local(&member).port()).into();
    member.send(b"to the group", to);
    assert_eq!(next(&owner, &member).0, b"to the group");
    member.leave(group).unwrap();
    member.leave(group).unwrap();
    member.send(b"nobody hears", to);
    other.send(
      b"to it alone",
      (Ipv4Addr::LOCALHOST, local(&member).port()).into(),
    );
    assert_eq!(next(&owner, &member).0, b"to it alone");
  }
}

#[test]
fn without_loopback_the_sender_does_not_hear_itself() {
  let group = Membership {
    group: Ipv4Addr::new(239, 255, 77, 8).into(),
    source: None,
  };
  for owner in Owner::each() {
    let options = DatagramOptions {
      multicast_loop: false,
      ..DatagramOptions::default()
    };
    let socket = bind(&owner, &options);
    socket.join(group).unwrap();
    socket.send(b"not for me", (group.group, local(&socket).port()).into());
    socket.send(b"for me", (Ipv4Addr::LOCALHOST, local(&socket).port()).into());
    assert_eq!(next(&owner, &socket).0, b"for me");
  }
}

#[test]
fn a_port_is_shared_by_those_who_all_say_so_and_by_nobody_else() {
  for owner in Owner::each() {
    let sharing = DatagramOptions {
      reuse_address: true,
      port: peer_at(Ipv4Addr::LOCALHOST).local_addr().unwrap().port(),
      ..at(Ipv4Addr::LOCALHOST)
    };
    let first = bind(&owner, &sharing);
    let second = bind(&owner, &sharing);
    assert_eq!(first.local_addr(), second.local_addr());
    let alone = DatagramOptions {
      reuse_address: false,
      ..sharing
    };
    let refused = DatagramSocket::bind(&owner.context, &alone).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
  }
}

#[test]
fn a_closed_socket_frees_its_port_and_tells_nothing() {
  for owner in Owner::each() {
    let socket = bind(&owner, &at(Ipv4Addr::LOCALHOST));
    let peer = peer_at(Ipv4Addr::LOCALHOST);
    let place = local(&socket);
    peer.send_to(b"too late", place).unwrap();
    socket.send_to_name(b"never", "localhost".into(), peer.local_addr().unwrap().port());
    socket.close();
    UdpSocket::bind(place).unwrap();
    socket.send(b"dropped", peer.local_addr().unwrap());
    assert_eq!(datagram(&socket), None);
    for event in owner.rest(socket.id()) {
      assert!(matches!(event, Event::Readable), "{event:?}");
    }
  }
}

#[test]
fn what_the_kernel_does_not_take_at_once_follows_in_order() {
  for owner in Owner::each() {
    let options = DatagramOptions {
      send_buffer_size: std::num::NonZeroU32::new(1),
      ..at(Ipv4Addr::LOCALHOST)
    };
    let socket = bind(&owner, &options);
    let peer = peer_at(Ipv4Addr::LOCALHOST);
    let to = peer.local_addr().unwrap();
    for n in 0..20_u8 {
      socket.send(&[n; 1000], to);
      owner.turn_often();
    }
    for n in 0..20_u8 {
      assert_eq!(received(&peer).0, [n; 1000]);
    }
    assert_eq!(socket.dropped(), 0);
  }
}

/// The next datagrams, up to one that is sent straight to `socket`.
fn heard(owner: &Owner, socket: &DatagramSocket) -> Vec<Vec<u8>> {
  let alone = if local(socket).is_ipv4() {
    IpAddr::from(Ipv4Addr::LOCALHOST)
  } else {
    Ipv6Addr::LOCALHOST.into()
  };
  peer_at(alone)
    .send_to(b"to it alone", (alone, local(socket).port()))
    .unwrap();
  let mut heard = Vec::new();
  loop {
    match next(owner, socket).0 {
      last if last == b"to it alone" => return heard,
      other => heard.push(other),
    }
  }
}

#[test]
fn of_a_group_that_is_joined_for_one_source_that_source_alone_is_heard() {
  let groups: [(IpAddr, IpAddr, IpAddr); 2] = [
    (
      Ipv4Addr::UNSPECIFIED.into(),
      Ipv4Addr::new(239, 255, 77, 9).into(),
      Ipv4Addr::new(192, 0, 2, 77).into(),
    ),
    (
      Ipv6Addr::UNSPECIFIED.into(),
      "ff15::77:9".parse().unwrap(),
      "2001:db8::77".parse().unwrap(),
    ),
  ];
  for owner in Owner::each() {
    for (any, group, elsewhere) in groups {
      let sender = bind(&owner, &at(any));
      let member = bind(&owner, &at(any));
      let of = |source| Membership { group, source };
      if let Err(error) = member.join(of(None)) {
        // A machine whose interfaces have no address of IPv6.
        assert!(group.is_ipv6(), "{error}");
        eprintln!("not tested, because there is no interface for {group}: {error}");
        continue;
      }
      let send = || sender.send(b"to the group", (group, local(&member).port()).into());
      send();
      let source = next(&owner, &member).1.ip();
      member.leave(of(None)).unwrap();
      send();
      assert_eq!(heard(&owner, &member).len(), 0, "it has left");
      member.join(of(Some(elsewhere))).unwrap();
      send();
      assert_eq!(heard(&owner, &member).len(), 0, "{elsewhere} is another sender");
      member.join(of(Some(source))).unwrap();
      member.join(of(Some(source))).unwrap();
      send();
      assert_eq!(heard(&owner, &member), [b"to the group"]);
      member.leave(of(Some(source))).unwrap();
      member.leave(of(Some(source))).unwrap();
      send();
      assert_eq!(heard(&owner, &member).len(), 0, "it has left the source");
    }
    let socket = bind(&owner, &DatagramOptions::default());
    let mixed = Membership {
      group: Ipv4Addr::new(239, 255, 77, 9).into(),
      source: Some(Ipv6Addr::LOCALHOST.into()),
    };
    socket.join(mixed).unwrap_err();
    socket.leave(mixed).unwrap();
  }
}

#[test]
fn a_member_hears_its_own_groups_and_not_those_of_others_at_its_port() {
  for owner in Owner::each() {
    let sharing = DatagramOptions {
      reuse_address: true,
      port: peer_at(Ipv4Addr::LOCALHOST).local_addr().unwrap().port(),
      ..DatagramOptions::default()
    };
    let members = [77, 78].map(|n| {
      let member = bind(&owner, &sharing);
      let group = Ipv4Addr::new(239, 255, 77, n).into();
      member.join(Membership { group, source: None }).unwrap();
      (member, group)
    });
    let both = Ipv4Addr::new(239, 255, 77, 79).into();
    for (member, _) in &members {
      let membership = Membership {
        group: both,
        source: None,
      };
      member.join(membership).unwrap();
    }
    let sender = bind(&owner, &DatagramOptions::default());
    for to in [members[0].1, members[1].1, both] {
      sender.send(to.to_string().as_bytes(), (to, sharing.port).into());
    }
    for (member, group) in &members {
      let heard = [(); 2].map(|()| String::from_utf8(next(&owner, member).0).unwrap());
      assert_eq!(heard, [group.to_string(), both.to_string()]);
    }
  }
}

#[cfg(unix)]
#[test]
fn only_those_who_may_broadcast_do() {
  for owner in Owner::each() {
    for broadcast in [true, false] {
      let options = DatagramOptions {
        broadcast,
        ..DatagramOptions::default()
      };
      let socket = bind(&owner, &options);
      socket.tell_of_each();
      // Whether there is a way to everybody is up to the machine.
      let sent = socket.write(
        b"hello",
        Some(Destination {
          host: "255.255.255.255".into(),
          port: 9,
          family: None,
        }),
      );
      match (broadcast, sent) {
        (true, true) => {}
        _ => match owner.event(socket.id()) {
          Event::WriteFailed(error) => {
            assert_eq!(error.os == Some(libc::EACCES), !broadcast, "{error}");
          }
          other => panic!("{other:?}"),
        },
      }
    }
  }
}
