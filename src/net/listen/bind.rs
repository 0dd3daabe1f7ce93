//! A descriptor that listens, with the options that its connections inherit.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use crate::net::ListenOptions;

/// Binds and listens. It does not block.
///
/// # Errors
/// The system's own: address in use, permission denied, address not available, too many open files, …
pub(super) fn listen(options: &ListenOptions) -> io::Result<std::net::TcpListener> {
  let address = SocketAddr::new(options.address, options.port);
  let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
  // On Unix: listen again on a port whose old connections linger. On Windows it would mean stealing the port.
  #[cfg(unix)]
  socket.set_reuse_address(options.reuse_address)?;
  if options.reuse_port {
    share_port(&socket)?;
  }
  if address.is_ipv6() {
    socket.set_only_v6(options.ipv6_only)?;
  }
  socket.set_nonblocking(true)?;
  // What is accepted inherits it on Linux, from the moment that it is connected: so before it can be.
  options.tuning.apply(&socket)?;
  socket.bind(&address.into())?;
  socket.listen(options.backlog)?;
  Ok(socket.into())
}

/// Connections are spread over all that listen there. The systems that are left out have an option of that name with another
/// meaning, or none.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn share_port(socket: &RawSocket) -> io::Result<()> {
  socket.set_reuse_port(true)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn share_port(_socket: &RawSocket) -> io::Result<()> {
  Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
  use std::net::{Ipv4Addr, TcpStream};

  use socket2::SockRef;

  use super::*;

  #[test]
  fn what_is_accepted_has_nagles_algorithm_off() {
    let listener = listen(&ListenOptions::at(Ipv4Addr::LOCALHOST)).unwrap();
    let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    listener.set_nonblocking(false).unwrap();
    let (stream, _) = listener.accept().unwrap();
    assert!(SockRef::from(&stream).tcp_nodelay().unwrap());
  }
}
