//! The two ends of an established connection, kept so that they can be told when it is gone.

use std::net::{IpAddr, SocketAddr};

use socket2::SockRef;

/// See the module. IPv4 addresses are IPv4 addresses, also where the connection belongs to a listener of both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
  /// Ours.
  pub local: SocketAddr,
  /// The peer's.
  pub remote: SocketAddr,
}

impl Ends {
  /// Those of `socket`, which leads to `address`, where that is known. `None` where nobody knows any more: the connection was reset before
  /// this.
  pub(super) fn of<'s>(socket: impl Into<SockRef<'s>>, address: Option<SocketAddr>) -> Option<Self> {
    let socket = socket.into();
    let local = socket.local_addr().ok()?.as_socket()?;
    // A connection that was reset has no peer in the system's eyes.
    let remote = match socket.peer_addr() {
      Ok(remote) => remote.as_socket()?,
      Err(_) => address?,
    };
    Some(Self {
      local: canonical(local),
      remote: canonical(remote),
    })
  }
}

fn canonical(address: SocketAddr) -> SocketAddr {
  match address.ip().to_canonical() {
    IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
    IpAddr::V6(_) => address,
  }
}

#[cfg(test)]
mod tests {
  use std::net::{Ipv6Addr, TcpListener, TcpStream};

  use super::*;

  fn of<'s>(socket: impl Into<SockRef<'s>>, host: &str) -> Option<Ends> {
    Ends::of(socket, host.parse().ok().map(|ip| SocketAddr::new(ip, 7)))
  }

  #[test]
  fn both_ends_of_a_connection_agree() {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let [ours, theirs] = [&client, &server].map(|stream| of(stream, "localhost").unwrap());
    assert_eq!((ours.local, ours.remote), (theirs.remote, theirs.local));
    assert_eq!(ours.remote, listener.local_addr().unwrap());
  }

  #[test]
  fn where_the_system_knows_no_peer_it_is_the_address_that_was_connected_to() {
    let unconnected = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(
      of(&unconnected, "1.2.3.4").unwrap().remote,
      "1.2.3.4:7".parse().unwrap()
    );
    assert_eq!(of(&unconnected, "localhost"), None);
  }

  #[test]
  fn a_mapped_address_is_an_ipv4_address() {
    for (mapped, plain) in [
      ("[::ffff:127.0.0.1]:25", "127.0.0.1:25"),
      ("[::1]:25", "[::1]:25"),
      ("1.2.3.4:5", "1.2.3.4:5"),
    ] {
      assert_eq!(canonical(mapped.parse().unwrap()), plain.parse().unwrap());
    }
  }
}
