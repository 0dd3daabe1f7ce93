//! The little of epoll that is needed: level-triggered, one number for each descriptor.

use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const EVENTS: usize = 512;

pub const READ: u32 = libc::EPOLLIN as u32;
pub const WRITE: u32 = libc::EPOLLOUT as u32;

pub struct Epoll {
  fd: OwnedFd,
  events: Vec<libc::epoll_event>,
}

impl Epoll {
  pub fn new() -> Result<Self> {
    // SAFETY: a new descriptor, or -1, which is checked before it is owned.
    let fd = unsafe {
      let fd = libc::epoll_create1(libc::EPOLL_CLOEXEC);
      if fd < 0 {
        return Err(Error::last_os_error());
      }
      OwnedFd::from_raw_fd(fd)
    };
    Ok(Self {
      fd,
      events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS],
    })
  }

  /// Watches a descriptor. Closing it ends that.
  pub fn add(&self, socket: &impl AsRawFd, interest: u32, token: usize) -> Result<()> {
    self.control(libc::EPOLL_CTL_ADD, socket, interest, token)
  }

  pub fn modify(&self, socket: &impl AsRawFd, interest: u32, token: usize) -> Result<()> {
    self.control(libc::EPOLL_CTL_MOD, socket, interest, token)
  }

  /// Waits, and returns what is ready: tokens, each with its events.
  pub fn wait(&mut self) -> Result<impl Iterator<Item = (usize, u32)> + use<>> {
    let count = loop {
      // SAFETY: the buffer has room for the number of events that is told.
      let count =
        unsafe { libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), EVENTS as i32, -1) };
      match usize::try_from(count) {
        Ok(count) => break count,
        Err(_) if Error::last_os_error().kind() == ErrorKind::Interrupted => continue,
        Err(_) => return Err(Error::last_os_error()),
      }
    };
    let ready: Vec<_> = self.events[..count]
      .iter()
      .map(|event| (event.u64 as usize, event.events))
      .collect();
    Ok(ready.into_iter())
  }

  fn control(&self, operation: i32, socket: &impl AsRawFd, interest: u32, token: usize) -> Result<()> {
    let mut event = libc::epoll_event {
      events: interest,
      u64: token as u64,
    };
    // SAFETY: both descriptors are open, and the event lives through the call.
    match unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, socket.as_raw_fd(), &mut event) } {
      0 => Ok(()),
      _ => Err(Error::last_os_error()),
    }
  }
}
