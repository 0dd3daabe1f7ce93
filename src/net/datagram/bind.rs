//! A descriptor that is bound, with its options.

use std::{
  io,
  net::{SocketAddr, UdpSocket},
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use super::options::DatagramOptions;

/// Binds. It does not block.
///
/// # Errors
/// The system's own: address in use, permission denied, address not available, too many open files, …
pub(super) fn bind(options: &DatagramOptions) -> io::Result<UdpSocket> {
  let address = SocketAddr::new(options.address, options.port);
  let domain = Domain::for_address(address);
  let socket = RawSocket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
  socket.set_nonblocking(true)?;
  if options.reuse_address && options.port != 0 {
    socket.set_reuse_address(true)?;
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
  socket.bind(&address.into())?;
  Ok(socket.into())
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
