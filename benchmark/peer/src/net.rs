//! Sockets with the options that every role needs.

use std::io::{Error, Result};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libc::{c_int, c_void, socklen_t};

/// How many connections the system holds until they are accepted.
const BACKLOG: c_int = 4096;
/// Connections come from this many addresses, so that ports that are still in TIME_WAIT do not run out.
const SOURCES: usize = 16;

/// Listens at a free port of all loopback addresses.
pub fn listen() -> Result<TcpListener> {
  let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
  // SAFETY: the descriptor is open; a second listen only changes the backlog.
  check(unsafe { libc::listen(listener.as_raw_fd(), BACKLOG) })?;
  Ok(listener)
}

/// Connects, and waits until it is done.
pub fn connect(port: u16, number: usize) -> Result<TcpStream> {
  let stream = start_connect(port, number, false)?;
  stream.set_nodelay(true)?;
  Ok(stream)
}

/// Starts a connection of a socket that never blocks. It is done when the socket is writable.
pub fn connect_nonblocking(port: u16, number: usize) -> Result<TcpStream> {
  let stream = start_connect(port, number, true)?;
  stream.set_nodelay(true)?;
  Ok(stream)
}

/// Reads and forgets: the system need not copy the bytes to anybody.
pub fn discard(stream: &TcpStream, limit: usize) -> Result<usize> {
  // SAFETY: with MSG_TRUNC, TCP on Linux writes nothing to the (absent) buffer.
  let count = unsafe { libc::recv(stream.as_raw_fd(), std::ptr::null_mut(), limit, libc::MSG_TRUNC) };
  usize::try_from(count).map_err(|_| Error::last_os_error())
}

/// As many descriptors as the system lets this process have.
pub fn raise_descriptor_limit() {
  // SAFETY: rlimit is plain data. A refusal leaves the limit as it is.
  unsafe {
    let mut limit = std::mem::zeroed::<libc::rlimit>();
    if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
      limit.rlim_cur = limit.rlim_max;
      libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
  }
}

fn start_connect(port: u16, number: usize, nonblocking: bool) -> Result<TcpStream> {
  let flags = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | if nonblocking { libc::SOCK_NONBLOCK } else { 0 };
  // SAFETY: socket returns a descriptor that nobody else owns, or -1, which is checked.
  let socket = unsafe { OwnedFd::from_raw_fd(check(libc::socket(libc::AF_INET, flags, 0))?) };
  let fd = socket.as_raw_fd();
  let on: c_int = 1;
  // SAFETY: the option is an int, and lives through the call.
  check(unsafe {
    let value = (&raw const on).cast::<c_void>();
    libc::setsockopt(
      fd,
      libc::IPPROTO_IP,
      libc::IP_BIND_ADDRESS_NO_PORT,
      value,
      size_of::<c_int>() as socklen_t,
    )
  })?;
  let source = Ipv4Addr::new(127, 0, std::process::id() as u8, 1 + (number % SOURCES) as u8);
  let from = raw_address(source, 0);
  let to = raw_address(Ipv4Addr::LOCALHOST, port);
  let length = size_of::<libc::sockaddr_in>() as socklen_t;
  // SAFETY: both addresses are of the type and size that are told, and live through the calls.
  unsafe {
    check(libc::bind(fd, (&raw const from).cast(), length))?;
    let connected = check(libc::connect(fd, (&raw const to).cast(), length));
    connected.or_else(|error| match error.raw_os_error() {
      Some(libc::EINPROGRESS) => Ok(0),
      _ => Err(error),
    })?;
  }
  Ok(TcpStream::from(socket))
}

fn raw_address(ip: Ipv4Addr, port: u16) -> libc::sockaddr_in {
  libc::sockaddr_in {
    sin_family: libc::AF_INET as libc::sa_family_t,
    sin_port: port.to_be(),
    sin_addr: libc::in_addr {
      s_addr: u32::from(ip).to_be(),
    },
    sin_zero: [0; 8],
  }
}

fn check(result: c_int) -> Result<c_int> {
  if result < 0 {
    Err(Error::last_os_error())
  } else {
    Ok(result)
  }
}
