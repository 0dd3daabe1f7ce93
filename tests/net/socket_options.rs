//! Options of sockets, read back from the system on both kinds of connection and on listeners.

use std::{
  fs,
  hash::{BuildHasher, RandomState},
  io::ErrorKind,
  net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
  num::NonZeroU32,
  os::fd::{BorrowedFd, RawFd},
  time::Duration,
};

use moz_tcp_socket::net::{
  ConnectOptions, ErrorName, Event, KeepAlive, ListenOptions, LocalEnd, Tuning, local_end::Family,
};
use socket2::SockRef;

use crate::support::Owner;

/// Calls `read` with the socket of this process from `local` to `remote`, or with the listener at `local`.
fn socket_between<T>(local: SocketAddr, remote: Option<SocketAddr>, read: impl Fn(&SockRef<'_>) -> T) -> T {
  for entry in fs::read_dir("/proc/self/fd").unwrap() {
    let Ok(number) = entry.unwrap().file_name().to_str().unwrap().parse::<RawFd>() else {
      continue;
    };
    // SAFETY: only asked for addresses and options; a number that is closed meanwhile is answered with an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    let at = |address: std::io::Result<socket2::SockAddr>| address.ok()?.as_socket();
    if at(socket.local_addr()) == Some(local) && at(socket.peer_addr()) == remote {
      return read(&socket);
    }
  }
  panic!("no socket from {local} to {remote:?}");
}

type Values = (bool, bool, u64, u64, usize, usize);

fn values(socket: &SockRef<'_>) -> Values {
  (
    socket.tcp_nodelay().unwrap(),
    socket.keepalive().unwrap(),
    socket.tcp_keepalive_time().unwrap().as_secs(),
    socket.tcp_keepalive_interval().unwrap().as_secs(),
    socket.send_buffer_size().unwrap(),
    socket.recv_buffer_size().unwrap(),
  )
}

fn tuning() -> Tuning {
  Tuning {
    no_delay: false,
    keep_alive: Some(KeepAlive {
      idle: Some(Duration::from_secs(77)),
      interval: Some(Duration::from_secs(9)),
    }),
    send_buffer_size: NonZeroU32::new(20_000),
    receive_buffer_size: NonZeroU32::new(30_000),
  }
}

/// Linux doubles sizes.
const TUNED: Values = (false, true, 77, 9, 40_000, 60_000);

#[test]
fn a_client_has_the_options_that_it_is_told() {
  for owner in Owner::each() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for host in ["127.0.0.1", "localhost"] {
      let local = LocalEnd {
        tuning: tuning(),
        ..LocalEnd::default()
      };
      let options = ConnectOptions {
        local,
        ..ConnectOptions::to(host, listener.local_addr().unwrap().port())
      };
      let socket = owner.connect_as(options);
      assert!(matches!(owner.event(socket.id()), Event::Opened));
      let ends = socket.ends().unwrap();
      assert_eq!(socket_between(ends.local, Some(ends.remote), values), TUNED);
    }
  }
}

#[test]
fn accepted_sockets_have_the_options_of_their_listener() {
  for owner in Owner::each() {
    let listener = owner
      .listen_with(ListenOptions {
        tuning: tuning(),
        ..ListenOptions::at(Ipv4Addr::LOCALHOST)
      })
      .unwrap();
    let peer = TcpStream::connect(listener.local_addr()).unwrap();
    let (_accepted, from) = owner.accepted(&listener);
    assert_eq!(from, peer.local_addr().unwrap());
    let seen = socket_between(listener.local_addr(), Some(from), values);
    assert_eq!(seen, TUNED);
  }
}

#[test]
fn ipv6_only_is_what_was_chosen_where_it_matters() {
  for owner in Owner::each() {
    for address in [Ipv6Addr::UNSPECIFIED, Ipv6Addr::LOCALHOST] {
      for ipv6_only in [true, false] {
        let options = ListenOptions {
          ipv6_only,
          ..ListenOptions::at(address)
        };
        let listener = owner.listen_with(options).unwrap();
        let seen = socket_between(listener.local_addr(), None, |socket| socket.only_v6().unwrap());
        // Linux says `true` of every other IPv6 address, whatever was set.
        let expected = ipv6_only || !address.is_unspecified();
        assert_eq!(seen, expected, "{address}");
      }
    }
  }
}

#[test]
fn addresses_are_reused_by_listeners_unless_they_are_told_not_to() {
  for owner in Owner::each() {
    for reuse_address in [true, false] {
      let options = ListenOptions {
        reuse_address,
        ..ListenOptions::at(Ipv4Addr::LOCALHOST)
      };
      let listener = owner.listen_with(options.clone()).unwrap();
      let local = listener.local_addr();
      let seen = socket_between(local, None, |socket| socket.reuse_address().unwrap());
      assert_eq!(seen, reuse_address);
      // A connection of the port lives on.
      let _peer = TcpStream::connect(local).unwrap();
      let _accepted = owner.accepted(&listener);
      listener.close();
      let again = owner.listen_with(ListenOptions {
        port: local.port(),
        ..options
      });
      match again {
        Ok(_) => assert!(reuse_address),
        Err(error) => assert_eq!((error.kind(), reuse_address), (ErrorKind::AddrInUse, false)),
      }
    }
  }
}

/// A port that nobody has. Below those that the system gives out: of these another test may get any at any moment.
fn unused_port() -> u16 {
  loop {
    let chance = RandomState::new().hash_one(0_u8);
    let port = 10_000 + u16::try_from(chance % 20_000).unwrap();
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
      return port;
    }
  }
}

#[test]
fn a_clients_port_is_shared_with_its_other_connections_unless_it_is_told_not_to() {
  for owner in Owner::each() {
    for reuse_address in [true, false] {
      let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
      let port = unused_port();
      let [first, second] = listeners.each_ref().map(|listener| {
        let local = LocalEnd {
          port,
          reuse_address,
          ..LocalEnd::default()
        };
        let options = ConnectOptions {
          local,
          ..ConnectOptions::to("127.0.0.1", listener.local_addr().unwrap().port())
        };
        let socket = owner.connect_as(options);
        (owner.event(socket.id()), socket)
      });
      assert!(matches!(first.0, Event::Opened));
      let ends = first.1.ends().unwrap();
      let seen = socket_between(ends.local, Some(ends.remote), |socket| {
        socket.reuse_address().unwrap()
      });
      assert_eq!(seen, reuse_address);
      match second.0 {
        Event::Opened => assert!(reuse_address),
        Event::Failed(error) => {
          assert_eq!(
            (error.name, error.os),
            (ErrorName::NetworkError, Some(libc::EADDRINUSE))
          );
          assert!(!reuse_address);
        }
        other => panic!("{other:?}"),
      }
    }
  }
}

#[test]
fn of_a_literal_of_the_other_family_nothing_is_connected_to() {
  for owner in Owner::each() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = |family| {
      let local = LocalEnd {
        family: Some(family),
        ..LocalEnd::default()
      };
      let options = ConnectOptions {
        local,
        ..ConnectOptions::to("127.0.0.1", port)
      };
      owner.connect_as(options)
    };
    let error = owner.failure(&connect(Family::Ipv6));
    assert_eq!(error.name, ErrorName::DomainNotFoundError);
    let expected = ": not an IPv6 address, and no other may be used";
    assert!(error.detail.ends_with(expected), "{error}");
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    let socket = connect(Family::Ipv4);
    assert!(matches!(owner.event(socket.id()), Event::Opened));
  }
}

#[test]
fn an_open_connection_gets_other_options_and_one_that_is_over_gets_none() {
  for owner in Owner::each() {
    let (socket, peer) = owner.pair();
    let ends = socket.ends().unwrap();
    let read = || socket_between(ends.local, Some(ends.remote), values);
    assert!((read().0, read().1) == (true, false));
    let keep_alive = KeepAlive {
      idle: Some(Duration::from_secs(33)),
      interval: None,
    };
    assert!(socket.set_no_delay(false) && socket.set_keep_alive(Some(keep_alive)));
    let (no_delay, is_kept_alive, idle, interval, ..) = read();
    assert_eq!((no_delay, is_kept_alive, idle, interval), (false, true, 33, 1));
    // Linux takes 32767 seconds at most, and says so; nothing changes.
    let longer = KeepAlive {
      idle: Some(Duration::from_secs(40_000)),
      interval: None,
    };
    assert!(!socket.set_keep_alive(Some(longer)));
    assert!(socket.set_no_delay(true) && socket.set_keep_alive(None));
    assert!((read().0, read().1) == (true, false));
    socket.abort();
    assert!(!socket.set_no_delay(false) && !socket.set_keep_alive(Some(keep_alive)));
    drop(peer);
  }
}
