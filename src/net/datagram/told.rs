//! Datagrams that wait, each of whose end is told to the owner: one at a time, in order, so that whoever counts knows which it was.

use std::{
  collections::VecDeque,
  net::{IpAddr, SocketAddr},
};

use super::{family::AddressFamily, lookup::Lookup, options::Destination, unsent::Room};
use crate::net::{ErrorName, Family, SocketError};

/// Where a datagram goes, as far as that is known.
#[derive(Debug)]
pub(super) enum Way {
  /// To the peer that the socket is connected to.
  Peer,
  /// To the first of these that it can be sent to: one at least.
  To(Vec<SocketAddr>),
  /// To where a name leads.
  Unknown,
  /// Nowhere, because it is an address of a family that was not asked for.
  Refused(SocketError),
}

impl Way {
  /// The way to `destination`; without one, to the peer.
  pub(super) fn to(destination: Option<&Destination>, ours: AddressFamily) -> Self {
    let Some(destination) = destination else {
      return Self::Peer;
    };
    let Ok(ip) = destination.host.parse::<IpAddr>() else {
      return Self::Unknown;
    };
    if let Some(family) = destination.family
      && family != ip.into()
    {
      let Destination { host, port, .. } = destination;
      let detail = format!("send to {host} port {port}: not an {family} address");
      return Self::Refused(SocketError::new(ErrorName::DomainNotFoundError, detail));
    }
    let address = SocketAddr::new(ip, destination.port);
    // What cannot be written is the system's to refuse.
    Self::To(vec![ours.address(address).unwrap_or(address)])
  }
}

/// Those of `found`, addresses of `destination`, that a socket which can send to `ours` may use.
///
/// # Errors
/// There are none.
pub(super) fn usable(
  found: Vec<SocketAddr>,
  destination: &Destination,
  ours: AddressFamily,
) -> Result<Vec<SocketAddr>, SocketError> {
  let is_wanted = |address: &SocketAddr| {
    let wanted = destination
      .family
      .is_none_or(|family| family == address.ip().into());
    wanted && ours.address(*address).is_some()
  };
  let usable: Vec<_> = found.into_iter().filter(is_wanted).collect();
  if usable.is_empty() {
    let family = match (destination.family, ours) {
      (Some(family), _) => family,
      (None, AddressFamily::V4) => Family::Ipv4,
      (None, _) => Family::Ipv6,
    };
    let detail = format!("look up {}: no {family} address", destination.host);
    return Err(SocketError::new(ErrorName::DomainNotFoundError, detail));
  }
  Ok(usable)
}

/// A datagram that waits.
#[derive(Debug)]
pub(super) struct Waiting {
  /// `None` is the peer.
  pub(super) destination: Option<Destination>,
  pub(super) way: Way,
  pub(super) bytes: Box<[u8]>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Told {
  waiting: VecDeque<Waiting>,
  room: Room,
  /// Of the name that the first is for.
  lookup: Option<Lookup>,
}

impl Told {
  pub(super) fn is_empty(&self) -> bool {
    self.waiting.is_empty()
  }

  /// Whether the first waits for the kernel, and not for a name.
  pub(super) fn waits_for_kernel(&self) -> bool {
    self
      .first()
      .is_some_and(|first| !matches!(first.way, Way::Unknown))
  }

  /// A copy of `bytes` waits.
  ///
  /// # Errors
  /// Too much waits already.
  pub(super) fn push(
    &mut self,
    destination: Option<Destination>,
    way: Way,
    bytes: &[u8],
  ) -> Result<(), SocketError> {
    let Some(bytes) = self.room.take(bytes) else {
      let detail = "send to the network: too many datagrams wait to be sent";
      return Err(SocketError::new(ErrorName::NetworkError, detail));
    };
    self.waiting.push_back(Waiting {
      destination,
      way,
      bytes,
    });
    Ok(())
  }

  pub(super) fn first(&self) -> Option<&Waiting> {
    self.waiting.front()
  }

  /// The name of the first that nobody has begun to look up.
  pub(super) fn name_to_look_up(&self) -> Option<&Destination> {
    let first = self.first()?;
    match first.way {
      Way::Unknown if self.lookup.is_none() => first.destination.as_ref(),
      _ => None,
    }
  }

  /// It is being looked up.
  pub(super) fn looking_up(&mut self, lookup: Lookup) {
    self.lookup = Some(lookup);
  }

  /// The lookup is over: the first goes to one of `found`, addresses of a socket that can send to `ours`.
  ///
  /// # Errors
  /// Where it cannot go, and waits no more.
  pub(super) fn looked_up(
    &mut self,
    found: Result<Vec<SocketAddr>, SocketError>,
    ours: AddressFamily,
  ) -> Result<(), SocketError> {
    if self.lookup.take().is_none() {
      return Ok(());
    }
    let Some(first) = self.waiting.front_mut() else {
      return Ok(());
    };
    let Some(destination) = &first.destination else {
      return Ok(());
    };
    match found.and_then(|found| usable(found, destination, ours)) {
      Ok(addresses) => {
        let written = addresses.into_iter().filter_map(|address| ours.address(address));
        first.way = Way::To(written.collect());
        Ok(())
      }
      Err(error) => {
        self.pop();
        Err(error)
      }
    }
  }

  /// The first waits no more.
  pub(super) fn pop(&mut self) {
    if let Some(first) = self.waiting.pop_front() {
      self.room.give_back(first.bytes.len());
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn to(host: &str, family: Option<Family>) -> Destination {
    let host = host.into();
    Destination {
      host,
      port: 5,
      family,
    }
  }

  fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
  }

  #[test]
  fn a_literal_needs_no_lookup_and_a_name_does() {
    let way = |host, family| Way::to(Some(&to(host, family)), AddressFamily::Both);
    assert!(matches!(way("1.2.3.4", None), Way::To(to) if to == [at("[::ffff:1.2.3.4]:5")]));
    assert!(matches!(way("::1", Some(Family::Ipv6)), Way::To(to) if to == [at("[::1]:5")]));
    assert!(matches!(way("a.test", None), Way::Unknown));
    assert!(matches!(Way::to(None, AddressFamily::V4), Way::Peer));
    assert!(matches!(
      way("::1", Some(Family::Ipv4)),
      Way::Refused(error) if error.detail == "send to ::1 port 5: not an IPv4 address"
    ));
  }

  #[test]
  fn of_the_addresses_of_a_name_those_are_used_that_were_asked_for_and_can_be_reached() {
    let [v4, v6] = [at("1.2.3.4:5"), at("[::1]:5")];
    let usable = |family, ours| usable(vec![v6, v4], &to("a.test", family), ours);
    for (family, ours, expected) in [
      (None, AddressFamily::Both, vec![v6, v4]),
      (None, AddressFamily::V4, vec![v4]),
      (None, AddressFamily::V6Only, vec![v6]),
      (Some(Family::Ipv4), AddressFamily::Both, vec![v4]),
      (Some(Family::Ipv6), AddressFamily::Both, vec![v6]),
    ] {
      assert_eq!(usable(family, ours).unwrap(), expected);
    }
    let none = usable(Some(Family::Ipv6), AddressFamily::V4).unwrap_err();
    assert_eq!(none.detail, "look up a.test: no IPv6 address");
  }

  #[test]
  fn what_waits_is_bounded() {
    let mut told = Told::default();
    let mut push = || told.push(None, Way::Peer, &[0; 65_507]);
    while push().is_ok() {}
    assert!(push().unwrap_err().detail.starts_with("send to "));
    told.pop();
    assert!(told.push(None, Way::Peer, &[0; 65_507]).is_ok());
  }
}
