//! Plain connections, and listeners for them, whose readiness the owner's thread polls itself: an epoll set that fits into
//! another event loop, because its descriptor becomes readable when any of its members is ready.

use std::{
  cell::Cell,
  io,
  net::{SocketAddr, TcpStream},
  os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
  rc::Rc,
  sync::Arc,
};

use rustix::{
  event::{EventfdFlags, epoll, eventfd},
  io::Errno,
};
use socket2::Socket as RawSocket;

use super::{Context, SocketId, event::Readiness};

/// The most members that one look finds ready. More are found by the next.
const MOST_READY: usize = 256;

/// What stands for the set itself.
const ALARM: SocketId = Context::OWN_ID;

/// See the module. Belongs to one thread.
pub struct PollSet {
  epoll: OwnedFd,
  alarm: Alarm,
  members: Cell<usize>,
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
      members: Cell::new(0),
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

  /// How many streams and listeners belong to the set, waiting or not.
  pub fn members(&self) -> usize {
    self.members.get()
  }

  /// What makes the owner look again.
  pub fn alarm(&self) -> &Alarm {
    &self.alarm
  }

  /// Calls `found` with each member that is ready, up to a limit. Does not wait. A member that stays ready is found
  /// again.
  pub fn look(&self, mut found: impl FnMut(SocketId, Readiness)) {
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
        Readiness {
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
    f.debug_struct("PollSet")
      .field("members", &self.members)
      .finish_non_exhaustive()
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
pub struct Member<S = TcpStream> {
  stream: S,
  seat: Seat,
  id: SocketId,
  waits_for: Readiness,
}

impl<S: AsFd> Member<S> {
  /// Puts `stream` into `set`, waiting for nothing.
  pub fn new(set: &Rc<PollSet>, id: SocketId, stream: S) -> Self {
    Self {
      stream,
      seat: Seat::new(set),
      id,
      waits_for: Readiness::default(),
    }
  }

  /// The stream, to read and write.
  pub fn stream(&self) -> &S {
    &self.stream
  }

  /// What it waits for.
  pub fn waits_for(&self) -> Readiness {
    self.waits_for
  }

  /// Changes what it waits for.
  ///
  /// # Errors
  /// No memory is left, or the system's limit of watched descriptors is reached.
  pub fn wait_for(&mut self, wanted: Readiness) -> io::Result<()> {
    if wanted == self.waits_for {
      return Ok(());
    }
    let epoll = &self.seat.0.epoll;
    let mut flags = epoll::EventFlags::empty();
    flags.set(epoll::EventFlags::IN | epoll::EventFlags::RDHUP, wanted.read);
    flags.set(epoll::EventFlags::OUT, wanted.write);
    let data = epoll::EventData::new_u64(self.id.into());
    // One that waits for nothing must not be in the set: errors would be reported all the same, again and again.
    if self.waits_for == Readiness::default() {
      epoll::add(epoll, &self.stream, data, flags)?;
    } else if wanted == Readiness::default() {
      epoll::delete(epoll, &self.stream)?;
    } else {
      epoll::modify(epoll, &self.stream, data, flags)?;
    }
    self.waits_for = wanted;
    Ok(())
  }

  /// Takes the stream out of the set.
  pub fn into_stream(mut self) -> S {
    // Taking it out cannot fail: that needs no memory, and one that waits for something is in the set.
    let _ = self.wait_for(Readiness::default());
    self.stream
  }
}

impl Member {
  /// A stream that is being connected to `address` with `socket`, which does not block. When it is writable, that is
  /// decided.
  ///
  /// # Errors
  /// The system refuses at once.
  pub fn connecting(
    set: &Rc<PollSet>,
    id: SocketId,
    socket: RawSocket,
    address: SocketAddr,
  ) -> io::Result<Self> {
    loop {
      match socket.connect(&address.into()) {
        Ok(()) => break,
        Err(error) => match Errno::from_io_error(&error) {
          Some(Errno::INPROGRESS | Errno::ALREADY | Errno::ISCONN) => break,
          Some(Errno::INTR) => {}
          _ => return Err(error),
        },
      }
    }
    Ok(Self::new(set, id, socket.into()))
  }

  /// How many bytes can be read at once. 0 where the kernel does not say.
  pub fn waiting(&self) -> usize {
    rustix::io::ioctl_fionread(&self.stream).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
  }
}

/// Counts a member.
#[derive(Debug)]
struct Seat(Rc<PollSet>);

impl Seat {
  fn new(set: &Rc<PollSet>) -> Self {
    set.members.set(set.members.get() + 1);
    Self(Rc::clone(set))
  }
}

impl Drop for Seat {
  fn drop(&mut self) {
    self.0.members.set(self.0.members.get() - 1);
  }
}
