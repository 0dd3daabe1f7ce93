//! Our own end of a connection that is yet to be made: where to connect from, if the owner chose that, and how to use TCP.

use std::{
  io,
  net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use super::{ErrorName, SocketError, Tuning};

/// See the module. The default leaves address and port to the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalEnd {
  /// An address of this machine. Only peers of its family can be reached from it.
  pub address: Option<IpAddr>,
  /// 0 lets the system choose.
  pub port: u16,
  /// Options of TCP.
  pub tuning: Tuning,
}

impl LocalEnd {
  /// Those of `addresses`, which `host` has, that can be reached from here.
  ///
  /// # Errors
  /// `DomainNotFoundError`: there are none.
  pub(super) fn reachable(
    &self,
    host: &str,
    mut addresses: Vec<SocketAddr>,
  ) -> Result<Vec<SocketAddr>, SocketError> {
    let Some(local) = self.address else {
      return Ok(addresses);
    };
    addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
    if addresses.is_empty() {
      let family = if local.is_ipv4() { "IPv4" } else { "IPv6" };
      let detail = format!("look up {host}: no {family} address, to connect to from {local}");
      return Err(SocketError::new(ErrorName::DomainNotFoundError, detail));
    }
    Ok(addresses)
  }

  /// A socket that does not block, with which to connect to `remote` from this end. `what` is what it is for.
  ///
  /// # Errors
  /// No descriptor is left. `NetworkError`, as in Gecko, where the reason was not told: the address is none of this
  /// machine's, or the port is taken.
  pub(super) fn socket(&self, what: &str, remote: SocketAddr) -> Result<RawSocket, SocketError> {
    let socket = self
      .unbound(remote)
      .map_err(|error| SocketError::from_io(what, &error))?;
    if let Some(local) = self.near(remote) {
      let what = || format!("{what}: bind to {} port {}", local.ip(), local.port());
      self.bind(&socket, local).map_err(|error| SocketError {
        name: ErrorName::NetworkError,
        ..SocketError::from_io(&what(), &error)
      })?;
    }
    Ok(socket)
  }

  fn unbound(&self, remote: SocketAddr) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    self.tuning.apply(&socket)?;
    Ok(socket)
  }

  fn bind(&self, socket: &RawSocket, local: SocketAddr) -> io::Result<()> {
    // As Node does: connections of the same port that have ended, or lead elsewhere, are in nobody's way. On Windows it would
    // mean stealing the port.
    #[cfg(unix)]
    socket.set_reuse_address(self.port != 0)?;
    socket.bind(&local.into())
  }

  /// What to bind to before connecting to `remote`.
  fn near(&self, remote: SocketAddr) -> Option<SocketAddr> {
    let any = || match remote {
      SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
      SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let is_chosen = self.address.is_some() || self.port != 0;
    is_chosen.then(|| SocketAddr::new(self.address.unwrap_or_else(any), self.port))
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn at(list: &[&str]) -> Vec<SocketAddr> {
    let address = |text: &&str| SocketAddr::new(text.parse().unwrap(), 25);
    list.iter().map(address).collect()
  }

  fn from(address: &str) -> LocalEnd {
    LocalEnd {
      address: Some(address.parse().unwrap()),
      ..LocalEnd::default()
    }
  }

  #[test]
  fn only_peers_of_the_local_addresss_family_can_be_reached() {
    let both = at(&["::1", "1.1.1.1", "::2"]);
    let reachable = |from: LocalEnd| from.reachable("host", both.clone()).unwrap();
    assert_eq!(reachable(from("::")), at(&["::1", "::2"]));
    assert_eq!(reachable(from("127.0.0.9")), at(&["1.1.1.1"]));
    assert_eq!(reachable(LocalEnd::default()), both);
  }

  #[test]
  fn a_name_without_such_an_address_is_as_good_as_unknown() {
    let error = from("127.0.0.9").reachable("six.test", at(&["::1"])).unwrap_err();
    assert_eq!(error.name, ErrorName::DomainNotFoundError);
    assert_eq!(
      error.detail,
      "look up six.test: no IPv4 address, to connect to from 127.0.0.9"
    );
  }

  #[test]
  fn a_port_alone_is_one_of_any_address_of_the_peers_family() {
    let port = LocalEnd {
      port: 7,
      ..LocalEnd::default()
    };
    for (remote, local) in [("1.1.1.1", "0.0.0.0:7"), ("::1", "[::]:7")] {
      assert_eq!(port.near(at(&[remote])[0]), local.parse().ok(), "{remote}");
      assert_eq!(LocalEnd::default().near(at(&[remote])[0]), None, "{remote}");
    }
  }

  #[test]
  fn an_address_of_another_machine_is_an_error_that_names_it() {
    let remote = at(&["127.0.0.1"])[0];
    // RFC 5737: in documentation only.
    let end = LocalEnd {
      port: 4,
      ..from("192.0.2.1")
    };
    let error = end.socket("connect to host port 25", remote).unwrap_err();
    assert_eq!(error.name, ErrorName::NetworkError);
    let expected = "connect to host port 25: bind to 192.0.2.1 port 4: ";
    assert!(error.detail.starts_with(expected), "{}", error.detail);
    assert!(error.os.is_some());
  }
}
