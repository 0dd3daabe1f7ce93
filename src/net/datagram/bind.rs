//! A descriptor that is bound, and perhaps connected, with its options.

use std::{
  io,
  net::{SocketAddr, UdpSocket},
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use super::{family::AddressFamily, options::DatagramOptions};
use crate::net::{Family, SocketError, peer::Peer, sys::direct::begin_connect};

/// Binds. It does not block.
///
/// # Errors
/// The system's own: address in use, permission denied, address not available, too many open files, …
pub(super) fn bind(options: &DatagramOptions) -> io::Result<UdpSocket> {
  let address = SocketAddr::new(options.address_of(Family::Ipv4), options.port);
  let socket = make(Domain::for_address(address), options)?;
  socket.bind(&address.into())?;
  if options.reuse_address && options.port == 0 {
    // Said before, Linux might have chosen a port that others share.
    share(&socket)?;
  }
  Ok(socket.into())
}

/// Binds, where a place was chosen, and connects to `address` of `peer`: only what comes from there is received. It does not block.
///
/// # Errors
/// As those of [`bind`], and that there is no way to the peer.
pub(super) fn connect(
  options: &DatagramOptions,
  peer: &Peer,
  address: SocketAddr,
) -> Result<UdpSocket, SocketError> {
  let failed = |error| peer.failed("connect to", &error);
  let local = SocketAddr::new(options.address_of(address.ip().into()), options.port);
  let family = AddressFamily::of(local.ip(), options.ipv6_only);
  let socket = make(Domain::for_address(local), options).map_err(failed)?;
  // Otherwise the system chooses the way first, and the address by that.
  if options.address.is_some() || options.port != 0 {
    socket.bind(&local.into()).map_err(|error| {
      let what = format!("bind {} port {}", local.ip(), local.port());
      SocketError::from_io(&what, &error)
    })?;
  }
  // What cannot be written is the system's to refuse.
  begin_connect(&socket, family.address(address).unwrap_or(address)).map_err(failed)?;
  Ok(socket.into())
}

/// A socket that is not bound yet.
fn make(domain: Domain, options: &DatagramOptions) -> io::Result<RawSocket> {
  let socket = RawSocket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
  socket.set_nonblocking(true)?;
  if options.reuse_address && options.port != 0 {
    share(&socket)?;
  }
  if domain == Domain::IPV6 {
    socket.set_only_v6(options.ipv6_only)?;
  }
  if options.broadcast {
    socket.set_broadcast(true)?;
  }
  set_multicast(&socket, domain, options)?;
  if let Some(bytes) = options.send_buffer_size {
    socket.set_send_buffer_size(bytes.get() as usize)?;
  }
  if let Some(bytes) = options.receive_buffer_size {
    socket.set_recv_buffer_size(bytes.get() as usize)?;
  }
  Ok(socket)
}

/// Lets others bind to the same place, as [`DatagramOptions::reuse_address`] has it. On Linux SO_REUSEPORT would be something else: one of
/// those that share would get each datagram, and only sockets of the same user could share.
fn share(socket: &RawSocket) -> io::Result<()> {
  #[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
  ))]
  socket.set_reuse_port(true)?;
  socket.set_reuse_address(true)
}

fn set_multicast(socket: &RawSocket, domain: Domain, options: &DatagramOptions) -> io::Result<()> {
  let of_v4 = || {
    let hops = options.multicast_hops;
    [
      socket.set_multicast_loop_v4(options.multicast_loop),
      hops.map_or(Ok(()), |hops| socket.set_multicast_ttl_v4(hops.into())),
      only_own_groups_v4(socket),
    ]
  };
  if domain == Domain::IPV4 {
    return of_v4().into_iter().collect();
  }
  if !options.ipv6_only {
    // It sends to IPv4 groups by the options of IPv4, which not every system lets it have.
    drop(of_v4());
  }
  socket.set_multicast_loop_v6(options.multicast_loop)?;
  if let Some(hops) = options.multicast_hops {
    socket.set_multicast_hops_v6(hops.into())?;
  }
  only_own_groups_v6(socket)
}

/// On Linux a socket hears every group that any socket of the host has joined, unless this is said.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn only_own_groups_v4(socket: &RawSocket) -> io::Result<()> {
  socket.set_multicast_all_v4(false)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn only_own_groups_v6(socket: &RawSocket) -> io::Result<()> {
  socket.set_multicast_all_v6(false)
}

/// Elsewhere that is so anyway, or cannot be said.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn only_own_groups_v4(_socket: &RawSocket) -> io::Result<()> {
  Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn only_own_groups_v6(_socket: &RawSocket) -> io::Result<()> {
  Ok(())
}
