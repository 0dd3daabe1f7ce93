//! Groups of which one sender is listened to, for IPv6: socket2 has these calls for IPv4 alone. RFC 3678, section 5.

use std::{
  io,
  net::{Ipv6Addr, SocketAddr},
};

use socket2::{SockAddr, SockAddrStorage, SockRef};

use self::system::{JOIN, LEAVE};

/// `struct group_source_req`, which Apple packs.
#[cfg_attr(not(target_vendor = "apple"), repr(C))]
#[cfg_attr(target_vendor = "apple", repr(C, packed(4)))]
struct GroupSourceRequest {
  /// 0 lets the system choose.
  interface: u32,
  group: SockAddrStorage,
  source: SockAddrStorage,
}

/// Joins `group` as far as `source` sends to it, at the interface that the system chooses; or leaves it again.
///
/// # Errors
/// The system's own.
pub(in crate::net) fn change_source_v6(
  socket: &SockRef<'_>,
  joins: bool,
  group: Ipv6Addr,
  source: Ipv6Addr,
) -> io::Result<()> {
  let storage = |ip: Ipv6Addr| SockAddr::from(SocketAddr::from((ip, 0))).as_storage();
  let request = GroupSourceRequest {
    interface: 0,
    group: storage(group),
    source: storage(source),
  };
  system::set(socket, if joins { JOIN } else { LEAVE }, &request)
}

#[cfg(unix)]
mod system {
  use std::{io, os::fd::AsRawFd};

  use socket2::SockRef;

  use super::GroupSourceRequest;

  #[cfg(any(target_os = "linux", target_os = "android"))]
  pub(super) const JOIN: i32 = 46;
  #[cfg(any(target_os = "linux", target_os = "android"))]
  pub(super) const LEAVE: i32 = 47;
  /// Apple's and FreeBSD's. Systems that do not know them refuse.
  #[cfg(not(any(target_os = "linux", target_os = "android")))]
  pub(super) const JOIN: i32 = 82;
  #[cfg(not(any(target_os = "linux", target_os = "android")))]
  pub(super) const LEAVE: i32 = 83;

  pub(super) fn set(socket: &SockRef<'_>, option: i32, request: &GroupSourceRequest) -> io::Result<()> {
    // SAFETY: the kernel reads the structure that belongs to this option, and keeps no reference to it.
    let status = unsafe {
      libc::setsockopt(
        socket.as_raw_fd(),
        libc::IPPROTO_IPV6,
        option,
        (&raw const *request).cast(),
        size_of::<GroupSourceRequest>() as libc::socklen_t,
      )
    };
    if status == 0 {
      Ok(())
    } else {
      Err(io::Error::last_os_error())
    }
  }
}

#[cfg(windows)]
mod system {
  use std::{
    ffi::{c_char, c_int},
    io,
    os::windows::io::AsRawSocket,
  };

  use socket2::SockRef;

  use super::GroupSourceRequest;

  /// ws2ipdef.h
  pub(super) const JOIN: c_int = 45;
  pub(super) const LEAVE: c_int = 46;
  const IPPROTO_IPV6: c_int = 41;

  #[link(name = "ws2_32")]
  unsafe extern "system" {
    fn setsockopt(socket: usize, level: c_int, option: c_int, value: *const c_char, length: c_int) -> c_int;
  }

  pub(super) fn set(socket: &SockRef<'_>, option: c_int, request: &GroupSourceRequest) -> io::Result<()> {
    // SAFETY: Windows reads the structure that belongs to this option, and keeps no reference to it.
    let status = unsafe {
      setsockopt(
        socket.as_raw_socket() as usize,
        IPPROTO_IPV6,
        option,
        (&raw const *request).cast(),
        size_of::<GroupSourceRequest>() as c_int,
      )
    };
    if status == 0 {
      Ok(())
    } else {
      Err(io::Error::last_os_error())
    }
  }
}
