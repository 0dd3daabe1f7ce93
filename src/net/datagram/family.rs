//! To which addresses a datagram socket can send.

use std::net::{IpAddr, SocketAddr};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressFamily {
  V4,
  V6Only,
  Both,
}

impl AddressFamily {
  /// That of a socket whose local address is `local`.
  pub(super) fn of(local: IpAddr, ipv6_only: bool) -> Self {
    match local {
      IpAddr::V4(_) => Self::V4,
      IpAddr::V6(_) if ipv6_only => Self::V6Only,
      IpAddr::V6(_) => Self::Both,
    }
  }

  /// `address` as a socket of this family writes it; `None` where it cannot send there.
  pub(super) fn address(self, address: SocketAddr) -> Option<SocketAddr> {
    match (self, address) {
      (Self::V4, SocketAddr::V4(_)) | (Self::V6Only | Self::Both, SocketAddr::V6(_)) => Some(address),
      (Self::Both, SocketAddr::V4(v4)) => Some((v4.ip().to_ipv6_mapped(), v4.port()).into()),
      (Self::V4, SocketAddr::V6(v6)) => {
        let ip = v6.ip().to_ipv4_mapped()?;
        Some((ip, v6.port()).into())
      }
      (Self::V6Only, SocketAddr::V4(_)) => None,
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn an_address_is_written_as_the_family_of_the_socket_has_it() {
    let at = |text: &str| text.parse::<SocketAddr>().unwrap();
    let [v4, mapped, v6] = [at("1.2.3.4:5"), at("[::ffff:1.2.3.4]:5"), at("[::1]:5")];
    for (family, expected) in [
      (AddressFamily::V4, [Some(v4), Some(v4), None]),
      (AddressFamily::Both, [Some(mapped), Some(mapped), Some(v6)]),
      (AddressFamily::V6Only, [None, Some(mapped), Some(v6)]),
    ] {
      assert_eq!(
        [v4, mapped, v6].map(|to| family.address(to)),
        expected,
        "{family:?}"
      );
    }
  }
}
