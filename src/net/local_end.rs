//! Our own end of a connection that is yet to be made: where to connect from, over which family, if the owner chose that, and
//! how to use TCP.

use std::{
  fmt,
  net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use super::{ErrorName, SocketError, Tuning};

/// One of the two versions of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
  /// AF_INET
  Ipv4,
  /// AF_INET6. `::ffff:192.0.2.1` is one of its addresses.
  Ipv6,
}

impl From<IpAddr> for Family {
  fn from(address: IpAddr) -> Self {
    if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
  }
}

impl fmt::Display for Family {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match self {
      Self::Ipv4 => "IPv4",
      Self::Ipv6 => "IPv6",
    })
  }
}

/// See the module. The default leaves address, port and family to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalEnd {
  /// An address of this machine. Only peers of its family can be reached from it. Where the system refuses it, because it is
  /// none of this machine's, connecting fails with `NetworkError` and the system's number (EADDRNOTAVAIL).
  pub address: Option<IpAddr>,
  /// 0 to 65535; 0 lets the system choose. A port that is taken fails in the same way (EADDRINUSE).
  pub port: u16,
  /// SO_REUSEADDR, where a port is chosen: connections of that port that have ended (TIME_WAIT), or that lead elsewhere, do not
  /// hinder this one. On by default, as in Node. Without it, a port that any connection has is taken. Not set on Windows,
  /// where it would mean to steal the port. The system never refuses it.
  pub reuse_address: bool,
  /// Only addresses of this family are connected to. A name that has none, and an IP literal of the other family, fail with
  /// `DomainNotFoundError`. The system is asked for both all the same. `None` allows both.
  pub family: Option<Family>,
  /// Options of TCP.
  pub tuning: Tuning,
}

impl Default for LocalEnd {
  fn default() -> Self {
    Self {
      address: None,
      port: 0,
      reuse_address: true,
      family: None,
      tuning: Tuning::default(),
    }
  }
}

impl LocalEnd {
  /// Those of `addresses`, which `host` has, that can be reached from here. What is wrong with an IP literal, [`Self::socket`]
  /// says.
  ///
  /// # Errors
  /// `DomainNotFoundError`: there are none.
  pub(super) fn reachable(
    &self,
    host: &str,
    mut addresses: Vec<SocketAddr>,
  ) -> Result<Vec<SocketAddr>, SocketError> {
    if host.parse::<IpAddr>().is_ok() {
      return Ok(addresses);
    }
    addresses.retain(|address| self.reaches(address.ip()));
    if addresses.is_empty() {
      let detail = format!("look up {host}: no {}", self.reachable_kind());
      return Err(SocketError::new(ErrorName::DomainNotFoundError, detail));
    }
    Ok(addresses)
  }

  fn reaches(&self, remote: IpAddr) -> bool {
    let ours = self.address.map(Family::from);
    let allows = |family: Option<Family>| family.is_none_or(|family| family == remote.into());
    allows(self.family) && allows(ours)
  }

  /// What kind of address can be connected to, for a message.
  fn reachable_kind(&self) -> String {
    let family = self.family.or_else(|| self.address.map(Family::from));
    match (family, self.address) {
      (Some(family), Some(local)) => format!("{family} address, to connect to from {local}"),
      (Some(family), None) => format!("{family} address, and no other may be used"),
      (None, _) => "address".into(),
    }
  }

  /// A socket that does not block, with which to connect to `remote` from this end. `what` is what it is for.
  ///
  /// # Errors
  /// `remote` is of a family that cannot be reached from here. The system refuses an option. No descriptor is left. `NetworkError`,
  /// as in Gecko, where the reason was not told: the address is none of this machine's, or the port is taken.
  pub(super) fn socket(&self, what: &str, remote: SocketAddr) -> Result<RawSocket, SocketError> {
    if !self.reaches(remote.ip()) {
      let detail = format!("{what}: not an {}", self.reachable_kind());
      return Err(SocketError::new(ErrorName::DomainNotFoundError, detail));
    }
    let failed = |error| SocketError::from_io(what, &error);
    let socket =
      RawSocket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP)).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    self.tuning.apply(&socket).map_err(|refusal| {
      let what = format!("{what}: set {}", refusal.option);
      SocketError::from_io(&what, &refusal.error)
    })?;
    if let Some(local) = self.near(remote) {
      // On Windows it would mean stealing the port.
      #[cfg(unix)]
      socket
        .set_reuse_address(self.reuse_address && self.port != 0)
        .map_err(failed)?;
      socket.bind(&local.into()).map_err(|error| SocketError {
        name: ErrorName::NetworkError,
        ..SocketError::from_io(
          &format!("{what}: bind to {} port {}", local.ip(), local.port()),
          &error,
        )
      })?;
    }
    Ok(socket)
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
  #[cfg(target_os = "linux")]
  use std::time::Duration;

  use super::*;
  #[cfg(target_os = "linux")]
  use crate::net::KeepAlive;

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

  fn over(family: Family) -> LocalEnd {
    LocalEnd {
      family: Some(family),
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
  fn of_a_name_only_the_family_that_was_chosen_can_be_reached() {
    let both = at(&["::1", "1.1.1.1", "::2"]);
    let reachable = |end: LocalEnd| end.reachable("host", both.clone()).unwrap();
    assert_eq!(reachable(over(Family::Ipv4)), at(&["1.1.1.1"]));
    assert_eq!(reachable(over(Family::Ipv6)), at(&["::1", "::2"]));
    let error = over(Family::Ipv4)
      .reachable("six.test", at(&["::1"]))
      .unwrap_err();
    assert_eq!(error.name, ErrorName::DomainNotFoundError);
    let expected = "look up six.test: no IPv4 address, and no other may be used";
    assert_eq!(error.detail, expected);
  }

  #[test]
  fn from_an_address_of_the_family_that_was_not_chosen_nothing_can_be_reached() {
    let end = LocalEnd {
      family: Some(Family::Ipv4),
      ..from("::1")
    };
    let error = end.reachable("host", at(&["::1", "1.1.1.1"])).unwrap_err();
    let expected = "look up host: no IPv4 address, to connect to from ::1";
    assert_eq!(error.detail, expected);
  }

  #[test]
  fn a_literal_of_the_other_family_is_an_error_that_says_so() {
    for (end, host, reason) in [
      (
        over(Family::Ipv4),
        "::1",
        "not an IPv4 address, and no other may be used",
      ),
      (
        over(Family::Ipv6),
        "127.0.0.1",
        "not an IPv6 address, and no other may be used",
      ),
      (
        from("::1"),
        "127.0.0.1",
        "not an IPv6 address, to connect to from ::1",
      ),
    ] {
      let remote = end.reachable(host, at(&[host])).unwrap()[0];
      let error = end.socket("connect", remote).unwrap_err();
      assert_eq!(error.name, ErrorName::DomainNotFoundError);
      assert_eq!(error.detail, format!("connect: {reason}"));
    }
  }

  #[test]
  #[cfg(target_os = "linux")]
  fn an_option_that_the_system_refuses_is_an_error_that_names_it() {
    let mut end = LocalEnd::default();
    end.tuning.keep_alive = Some(KeepAlive {
      idle: Some(Duration::from_secs(40_000)),
      interval: None,
    });
    let error = end
      .socket("connect to host port 25", at(&["127.0.0.1"])[0])
      .unwrap_err();
    assert_eq!(error.name, ErrorName::NetworkError);
    let expected = "connect to host port 25: set SO_KEEPALIVE, TCP_KEEPIDLE to 40000 s: ";
    assert!(error.detail.starts_with(expected), "{}", error.detail);
    assert_eq!(error.os, Some(libc::EINVAL));
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
