//! The multicast groups that one socket belongs to. The system's calls are for one join each; to join what was joined, or to leave what was
//! not, is no error here. All memberships end with the socket.

use std::{
  collections::HashSet,
  io,
  net::{IpAddr, Ipv4Addr},
};

use socket2::{InterfaceIndexOrAddress, SockRef};

use crate::net::sys::multicast::change_source_v6;

/// The interface that the system chooses by its routes.
const ANY_INTERFACE: u32 = 0;

/// The most groups of one socket. Linux itself allows 20 by default (`net.ipv4.igmp_max_memberships`), for IPv6 as memory allows.
const MOST_GROUPS: usize = 1024;

/// A group, and the one sender that is listened to in it; `None` listens to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Membership {
  /// A multicast address.
  pub group: IpAddr,
  /// Of the same family (IGMPv3, MLDv2).
  pub source: Option<IpAddr>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Groups(HashSet<Membership>);

impl Groups {
  pub(super) fn join(&mut self, socket: &SockRef<'_>, membership: Membership) -> io::Result<()> {
    if self.0.contains(&membership) {
      return Ok(());
    }
    if self.0.len() >= MOST_GROUPS {
      return Err(io::Error::other(format!("more than {MOST_GROUPS} groups")));
    }
    match (membership.group, membership.source) {
      (IpAddr::V4(group), None) => {
        socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(ANY_INTERFACE))
      }
      (IpAddr::V4(group), Some(IpAddr::V4(source))) => {
        socket.join_ssm_v4(&source, &group, &Ipv4Addr::UNSPECIFIED)
      }
      (IpAddr::V6(group), None) => socket.join_multicast_v6(&group, ANY_INTERFACE),
      (IpAddr::V6(group), Some(IpAddr::V6(source))) => change_source_v6(socket, true, group, source),
      (IpAddr::V4(_), Some(IpAddr::V6(_))) | (IpAddr::V6(_), Some(IpAddr::V4(_))) => {
        Err(io::ErrorKind::InvalidInput.into())
      }
    }?;
    self.0.insert(membership);
    Ok(())
  }

  pub(super) fn leave(&mut self, socket: &SockRef<'_>, membership: Membership) -> io::Result<()> {
    if !self.0.remove(&membership) {
      return Ok(());
    }
    match (membership.group, membership.source) {
      (IpAddr::V4(group), None) => {
        socket.leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(ANY_INTERFACE))
      }
      (IpAddr::V4(group), Some(IpAddr::V4(source))) => {
        socket.leave_ssm_v4(&source, &group, &Ipv4Addr::UNSPECIFIED)
      }
      (IpAddr::V6(group), None) => socket.leave_multicast_v6(&group, ANY_INTERFACE),
      (IpAddr::V6(group), Some(IpAddr::V6(source))) => change_source_v6(socket, false, group, source),
      // It was never joined.
      (IpAddr::V4(_), Some(IpAddr::V6(_))) | (IpAddr::V6(_), Some(IpAddr::V4(_))) => Ok(()),
    }
  }
}
