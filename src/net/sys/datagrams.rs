//! Many datagrams with one call, where the system has such.

use std::{io, net::SocketAddr};

use socket2::SockRef;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use super::direct::receive_from;
use crate::net::batch::{Received, places};

/// Receives what is there, at most `most` datagrams, into the places of `memory`, and adds them to `received`.
///
/// # Errors
/// The system's; `WouldBlock` where nothing is there. What came before an error is received; the error is then told by the next call.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(in crate::net) fn receive_many(
  socket: &SockRef<'_>,
  memory: &mut [u8],
  most: usize,
  received: &mut Vec<Received>,
) -> io::Result<()> {
  use std::{mem::MaybeUninit, os::fd::AsRawFd, ptr};

  use socket2::{SockAddr, SockAddrStorage};

  use super::direct::again;
  use crate::net::batch::MOST_DATAGRAMS;

  let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; MOST_DATAGRAMS];
  let mut names = [const { MaybeUninit::<SockAddrStorage>::uninit() }; MOST_DATAGRAMS];
  let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; MOST_DATAGRAMS];
  let mut starts = [0; MOST_DATAGRAMS];
  let mut count = 0;
  for (index, (start, place)) in places(memory).take(most).enumerate() {
    starts[index] = start;
    let part = parts[index].write(libc::iovec {
      iov_base: place.as_mut_ptr().cast(),
      iov_len: place.len(),
    });
    // SAFETY: plain data, of which all zeros is a value.
    let message = messages[index].write(unsafe { std::mem::zeroed() });
    message.msg_hdr.msg_iov = part;
    message.msg_hdr.msg_iovlen = 1;
    message.msg_hdr.msg_name = names[index].as_mut_ptr().cast();
    message.msg_hdr.msg_namelen = size_of::<SockAddrStorage>() as libc::socklen_t;
    count += 1;
  }
  let found = again(|| {
    // SAFETY: the first `count` messages are initialized, and lead to memory that is there for this call.
    let found = unsafe {
      libc::recvmmsg(
        socket.as_raw_fd(),
        messages.as_mut_ptr().cast(),
        count,
        libc::MSG_DONTWAIT as _,
        ptr::null_mut(),
      )
    };
    usize::try_from(found).map_err(|_| io::Error::last_os_error())
  })?;
  for ((message, name), start) in messages.iter().zip(names).zip(starts).take(found) {
    // SAFETY: the kernel has filled as many, and an address for each, of which it says how long it is.
    let (length, from) = unsafe {
      let message = message.assume_init_ref();
      let from = SockAddr::new(name.assume_init(), message.msg_hdr.msg_namelen);
      (message.msg_len as usize, from)
    };
    if let Some(from) = from.as_socket() {
      received.push(Received {
        start,
        length,
        from: canonical(from),
      });
    }
  }
  Ok(())
}

/// One of them.
///
/// # Errors
/// The system's; `WouldBlock` where nothing is there.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::net) fn receive_many(
  socket: &SockRef<'_>,
  memory: &mut [u8],
  most: usize,
  received: &mut Vec<Received>,
) -> io::Result<()> {
  if let Some((start, place)) = places(memory).take(most).next() {
    let (length, from) = receive_from(socket, place)?;
    let from = canonical(from);
    received.push(Received { start, length, from });
  }
  Ok(())
}

/// Sends `datagrams` in order, until the system takes one no more, and returns how many it has: one at least.
///
/// # Errors
/// Of the first of them: the system's; `WouldBlock` where it takes nothing now.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(in crate::net) fn send_many(
  socket: &SockRef<'_>,
  datagrams: &[(SocketAddr, &[u8])],
) -> io::Result<usize> {
  use std::{mem::MaybeUninit, os::fd::AsRawFd};

  use socket2::SockAddr;

  use super::direct::again;
  use crate::net::batch::MOST_DATAGRAMS;

  let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; MOST_DATAGRAMS];
  let mut names = [const { MaybeUninit::<SockAddr>::uninit() }; MOST_DATAGRAMS];
  let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; MOST_DATAGRAMS];
  let mut count = 0;
  for (index, &(to, bytes)) in datagrams.iter().take(MOST_DATAGRAMS).enumerate() {
    let part = parts[index].write(libc::iovec {
      iov_base: bytes.as_ptr().cast_mut().cast(),
      iov_len: bytes.len(),
    });
    let name = names[index].write(to.into());
    // SAFETY: plain data, of which all zeros is a value.
    let message = messages[index].write(unsafe { std::mem::zeroed() });
    message.msg_hdr.msg_iov = part;
    message.msg_hdr.msg_iovlen = 1;
    message.msg_hdr.msg_name = name.as_ptr().cast_mut().cast();
    message.msg_hdr.msg_namelen = name.len();
    count += 1;
  }
  again(|| {
    // SAFETY: the first `count` messages are initialized, and lead to memory that is there for this call, and is only read.
    let sent = unsafe {
      libc::sendmmsg(
        socket.as_raw_fd(),
        messages.as_mut_ptr().cast(),
        count,
        (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
      )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
  })
}

/// The first of them.
///
/// # Errors
/// The system's; `WouldBlock` where it takes nothing now.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::net) fn send_many(
  socket: &SockRef<'_>,
  datagrams: &[(SocketAddr, &[u8])],
) -> io::Result<usize> {
  let Some(&(to, bytes)) = datagrams.first() else {
    return Ok(0);
  };
  super::direct::again(|| socket.send_to(bytes, &to.into()))?;
  Ok(1)
}

/// An IPv4 sender has an IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
  let ip = address.ip().to_canonical();
  if ip.is_ipv4() {
    SocketAddr::new(ip, address.port())
  } else {
    address
  }
}
