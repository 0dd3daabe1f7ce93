//! Readiness by epoll, on the owner's own thread: a set that fits into another event loop, because its descriptor becomes
//! readable when any of its members is ready.

use std::{
  cell::Cell,
  io,
  os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
  rc::Rc,
  sync::Arc,
};

use rustix::event::{EventfdFlags, epoll, eventfd};

use super::interest::{Interest, Ready};
use crate::net::{SocketId, event::NOBODY};

/// The most members that one look finds ready. More are found by the next.
const MOST_READY: usize = 256;

/// What stands for the set itself.
const ALARM: SocketId = NOBODY;

/// See the module. Belongs to one thread.
pub struct PollSet {
  epoll: OwnedFd,
  alarm: Alarm,
  /// What the last look found; kept for its memory.
  events: Cell<Vec<epoll::Event>>,
}

impl PollSet {
  /// An empty set.
  ///
  /// # Errors
  /// No descriptor or no memory is left.
  pub fn new() -> io::Result<Self> {
    let alarm = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let set = Self {
      epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
      alarm: Alarm(Arc::new(alarm)),
      events: Cell::new(Vec::with_capacity(MOST_READY)),
    };
    let data = epoll::EventData::new_u64(ALARM.into());
    epoll::add(&set.epoll, &set.alarm.0, data, epoll::EventFlags::IN)?;
    Ok(set)
  }

  /// Readable while any member is ready, or the alarm is set. Valid as long as the set.
  pub fn descriptor(&self) -> RawFd {
    self.epoll.as_raw_fd()
  }

  /// What makes the owner look again.
  pub fn alarm(&self) -> &Alarm {
    &self.alarm
  }

  /// Calls `found` with each member that is ready, up to a limit. Does not wait. A member that stays ready is found
  /// again.
  pub fn look(&self, mut found: impl FnMut(SocketId, Ready)) {
    let mut events = self.events.take();
    events.clear();
    let now = rustix::time::Timespec {
      tv_sec: 0,
      tv_nsec: 0,
    };
    // An interrupted call found nothing; the descriptor stays readable.
    let _ = epoll::wait(
      &self.epoll,
      rustix::buffer::spare_capacity(&mut events),
      Some(&now),
    );
    for event in &events {
      // Copied out of a packed struct.
      let (data, flags) = (event.data, event.flags);
      // Ids are what was registered below.
      let id = data.u64() as SocketId;
      if id == ALARM {
        let _ = rustix::io::read(&self.alarm.0, &mut [0; 8]);
        continue;
      }
      let broken = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
      found(
        id,
        Ready {
          read: broken || flags.contains(epoll::EventFlags::IN),
          end: broken || flags.contains(epoll::EventFlags::RDHUP),
          write: broken || flags.contains(epoll::EventFlags::OUT),
        },
      );
    }
    self.events.set(events);
  }
}

impl std::fmt::Debug for PollSet {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.write_str("PollSet")
  }
}

/// Makes the descriptor of a [`PollSet`] readable, without a member that is ready.
#[derive(Clone, Debug)]
pub struct Alarm(Arc<OwnedFd>);

impl Alarm {
  /// Goes off once, however often it is set before somebody looks.
  pub fn set(&self) {
    // Fails only when it is readable already.
    let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
  }
}

/// A stream, or a listener, in a [`PollSet`]. Dropping it closes that.
#[derive(Debug)]
pub(super) struct Member<S> {
  inner: S,
  set: Rc<PollSet>,
  id: SocketId,
  interest: Interest,
}

impl<S: AsFd> Member<S> {
  /// Watched for nothing yet.
  pub(super) fn new(set: &Rc<PollSet>, id: SocketId, inner: S) -> Self {
    Self {
      inner,
      set: Rc::clone(set),
      id,
      interest: Interest::default(),
    }
  }

  pub(super) fn get(&self) -> &S {
    &self.inner
  }

  pub(super) fn interest(&self) -> Interest {
    self.interest
  }

  /// Changes what it is watched for.
  ///
  /// # Errors
  /// No memory is left, or the system's limit of watched descriptors is reached.
  pub(super) fn watch(&mut self, interest: Interest) -> io::Result<()> {
    if interest == self.interest {
      return Ok(());
    }
    let epoll = &self.set.epoll;
    let mut flags = epoll::EventFlags::empty();
    flags.set(epoll::EventFlags::IN, interest.read);
    flags.set(epoll::EventFlags::RDHUP, interest.read || interest.end);
    flags.set(epoll::EventFlags::OUT, interest.write);
    let data = epoll::EventData::new_u64(self.id.into());
    // One that is watched for nothing must not be in the set: errors would be reported all the same, again and again.
    if self.interest == Interest::default() {
      epoll::add(epoll, &self.inner, data, flags)?;
    } else if interest == Interest::default() {
      epoll::delete(epoll, &self.inner)?;
    } else {
      epoll::modify(epoll, &self.inner, data, flags)?;
    }
    self.interest = interest;
    Ok(())
  }

  /// Takes the stream, or listener, out of the set.
  pub(super) fn into_inner(mut self) -> S {
    // That cannot fail: it needs no memory, and what is watched for something is in the set.
    let _ = self.watch(Interest::default());
    self.inner
  }
}
