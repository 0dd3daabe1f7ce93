//! Datagrams, as many at a time as the system takes: source and sink, and as `limit-…` what a plain Rust program reaches.

use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::meter::Meter;
use crate::options::Options;
use crate::report;

/// Datagrams of one call.
const BATCH: usize = 32;
/// Longer ones than that are cut, of which there are none.
const MOST_BYTES: usize = 2048;

/// Bytes that one call may have cut into datagrams, and how many those may be (`UDP_MAX_SEGMENTS`).
const MOST_CUT: usize = 65_000;
const MOST_SEGMENTS: usize = 64;

/// Sends to the subject, whether that keeps up or not, until it goes. The kernel cuts the datagrams (`UDP_SEGMENT`), which costs this end a
/// fraction of what each costs the subject: with two cores nothing else is faster than every subject.
pub fn source(options: &Options) -> Result<()> {
  let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
  socket.connect((Ipv4Addr::LOCALHOST, options.port))?;
  let size = options.size as libc::c_int;
  // SAFETY: the option is an int, and lives through the call.
  let status = unsafe {
    libc::setsockopt(
      socket.as_raw_fd(),
      libc::SOL_UDP,
      libc::UDP_SEGMENT,
      (&raw const size).cast(),
      size_of::<libc::c_int>() as libc::socklen_t,
    )
  };
  if status != 0 {
    return Err(Error::last_os_error());
  }
  let mut batch = Batch::new(options.size * MOST_SEGMENTS.min(MOST_CUT / options.size));
  loop {
    match batch.send(&socket) {
      // A subject that has measured enough goes.
      Err(error) if error.kind() != ErrorKind::ConnectionRefused => return Err(error),
      _ => {}
    }
  }
}

/// How long the sink sleeps.
const PAUSE: Duration = Duration::from_millis(1);

/// Receives, and does nothing with it. It looks now and then: over a network, too, nobody who sends has to wake those that receive.
pub fn sink(_options: &Options) -> Result<()> {
  let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
  report::listening(socket.local_addr()?.port(), "");
  socket.set_nonblocking(true)?;
  let mut batch = Batch::new(MOST_BYTES);
  loop {
    match batch.receive(&socket) {
      Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
      received => drop(received?),
    }
  }
}

/// As a subject that receives.
pub fn limit_receive(options: &Options) -> Result<()> {
  let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
  report::listening(socket.local_addr()?.port(), "");
  let mut meter = Meter::new(options);
  let mut batch = Batch::new(MOST_BYTES);
  loop {
    meter.add(batch.receive(&socket)?);
  }
}

/// As a subject that sends.
pub fn limit_send(options: &Options) -> Result<()> {
  let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
  socket.connect((Ipv4Addr::LOCALHOST, options.port))?;
  let mut meter = Meter::new(options);
  let mut batch = Batch::new(options.size);
  loop {
    meter.add(batch.send(&socket)?);
  }
}

/// Memory for some datagrams, and what the system is told of it.
struct Batch {
  _memory: Vec<Vec<u8>>,
  _parts: Vec<libc::iovec>,
  messages: Vec<libc::mmsghdr>,
}

impl Batch {
  fn new(size: usize) -> Self {
    let mut memory = vec![vec![7; size]; BATCH];
    let part = |bytes: &mut Vec<u8>| libc::iovec {
      iov_base: bytes.as_mut_ptr().cast(),
      iov_len: size,
    };
    let mut parts: Vec<_> = memory.iter_mut().map(part).collect();
    let message = |part: &mut libc::iovec| {
      // SAFETY: plain data, of which all zeros is a value.
      let mut message = unsafe { std::mem::zeroed::<libc::mmsghdr>() };
      message.msg_hdr.msg_iov = part;
      message.msg_hdr.msg_iovlen = 1;
      message
    };
    let messages = parts.iter_mut().map(message).collect();
    Self {
      _memory: memory,
      _parts: parts,
      messages,
    }
  }

  /// Returns how many were sent.
  fn send(&mut self, socket: &UdpSocket) -> Result<u64> {
    // SAFETY: the messages lead to memory that lives as long as this, and there are BATCH of them.
    let count = unsafe { libc::sendmmsg(socket.as_raw_fd(), self.messages.as_mut_ptr(), BATCH as u32, 0) };
    u64::try_from(count).map_err(|_| Error::last_os_error())
  }

  /// Waits for one, takes what is there, and returns how many that were.
  fn receive(&mut self, socket: &UdpSocket) -> Result<u64> {
    // SAFETY: as above; the memory is written.
    let count = unsafe {
      libc::recvmmsg(
        socket.as_raw_fd(),
        self.messages.as_mut_ptr(),
        BATCH as u32,
        libc::MSG_WAITFORONE,
        std::ptr::null_mut(),
      )
    };
    u64::try_from(count).map_err(|_| Error::last_os_error())
  }
}
