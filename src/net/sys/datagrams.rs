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

/// Sends `datagrams` in order, until the system takes one no more, and returns how many it has: one at least. `as_runs`: such of one length that
/// go to one place are given as one, which the kernel, or the network card, cuts (`UDP_SEGMENT`). Not every card and every route can do
/// that: an error may be about that alone.
///
/// # Errors
/// Of the first of them: the system's; `WouldBlock` where it takes nothing now.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(in crate::net) fn send_many(
  socket: &SockRef<'_>,
  datagrams: &[(SocketAddr, &[u8])],
  as_runs: bool,
) -> io::Result<usize> {
  use std::{mem::MaybeUninit, os::fd::AsRawFd};

  use socket2::SockAddr;

  use super::direct::again;
  use crate::net::batch::MOST_DATAGRAMS;

  let mut parts = [const { MaybeUninit::<libc::iovec>::uninit() }; MOST_DATAGRAMS];
  let mut names = [const { MaybeUninit::<SockAddr>::uninit() }; MOST_DATAGRAMS];
  let mut cuts = [const { MaybeUninit::<Cut>::uninit() }; MOST_DATAGRAMS];
  let mut messages = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; MOST_DATAGRAMS];
  let mut runs = [0; MOST_DATAGRAMS];
  let datagrams = &datagrams[..datagrams.len().min(MOST_DATAGRAMS)];
  for (part, &(_, bytes)) in parts.iter_mut().zip(datagrams) {
    part.write(libc::iovec {
      iov_base: bytes.as_ptr().cast_mut().cast(),
      iov_len: bytes.len(),
    });
  }
  let (mut count, mut begin) = (0, 0);
  while begin < datagrams.len() {
    let (to, bytes) = datagrams[begin];
    let run = if as_runs { run_of(&datagrams[begin..]) } else { 1 };
    let name = names[count].write(to.into());
    // SAFETY: plain data, of which all zeros is a value.
    let message = messages[count].write(unsafe { std::mem::zeroed() });
    message.msg_hdr.msg_iov = parts[begin].as_mut_ptr();
    message.msg_hdr.msg_iovlen = run as _;
    message.msg_hdr.msg_name = name.as_ptr().cast_mut().cast();
    message.msg_hdr.msg_namelen = name.len();
    if run > 1 {
      let cut = cuts[count].write(Cut::every(bytes.len() as u16));
      message.msg_hdr.msg_control = (&raw mut *cut).cast();
      message.msg_hdr.msg_controllen = size_of::<Cut>() as _;
    }
    runs[count] = run;
    count += 1;
    begin += run;
  }
  let sent = again(|| {
    // SAFETY: the first `count` messages are initialized, and lead to memory that is there for this call, and is only read.
    let sent = unsafe {
      libc::sendmmsg(
        socket.as_raw_fd(),
        messages.as_mut_ptr().cast(),
        count as _,
        (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
      )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
  })?;
  Ok(runs[..sent].iter().sum())
}

/// A control message (cmsg(3)): the datagrams of a run have so many bytes each.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[repr(C)]
struct Cut {
  header: libc::cmsghdr,
  length: u16,
  /// Up to where another one would begin.
  _rest: [u8; size_of::<usize>() - size_of::<u16>()],
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Cut {
  fn every(length: u16) -> Self {
    // SAFETY: plain data, of which all zeros is a value.
    let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
    header.cmsg_level = libc::SOL_UDP;
    header.cmsg_type = libc::UDP_SEGMENT;
    // SAFETY: it only computes.
    header.cmsg_len = unsafe { libc::CMSG_LEN(size_of::<u16>() as u32) } as _;
    Self {
      header,
      length,
      _rest: [0; size_of::<usize>() - size_of::<u16>()],
    }
  }
}

/// The longest datagrams that are cut from a run: what is longer may have to be cut into packets besides. Those of an Ethernet.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MOST_OF_RUN: usize = 1452;

/// How many of the first of `datagrams` can be given as one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn run_of(datagrams: &[(SocketAddr, &[u8])]) -> usize {
  let (to, bytes) = datagrams[0];
  if bytes.is_empty() || bytes.len() > MOST_OF_RUN || to.ip().is_multicast() {
    return 1;
  }
  let is_alike = |other: &&(SocketAddr, &[u8])| other.0 == to && other.1.len() == bytes.len();
  datagrams.iter().take_while(is_alike).count()
}

/// The first of them.
///
/// # Errors
/// The system's; `WouldBlock` where it takes nothing now.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(in crate::net) fn send_many(
  socket: &SockRef<'_>,
  datagrams: &[(SocketAddr, &[u8])],
  _as_runs: bool,
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
  use super::*;

  #[test]
  fn a_run_is_of_one_length_to_one_place() {
    let [one, other] = [[127, 0, 0, 1], [127, 0, 0, 2]].map(|ip| SocketAddr::from((ip, 5)));
    let [short, long, longest] = [&[0; 3][..], &[0; 4], &[0; MOST_OF_RUN + 1]];
    for (datagrams, expected) in [
      (vec![(one, short)], 1),
      (vec![(one, short), (one, short), (one, short)], 3),
      (vec![(one, short), (one, short), (one, long)], 2),
      (vec![(one, short), (other, short)], 1),
      (vec![(one, &[]), (one, &[])], 1),
      (vec![(one, longest), (one, longest)], 1),
    ] {
      assert_eq!(run_of(&datagrams), expected, "{datagrams:?}");
    }
    let group = SocketAddr::from(([224, 0, 0, 251], 5));
    assert_eq!(run_of(&[(group, short), (group, short)]), 1);
  }
}
