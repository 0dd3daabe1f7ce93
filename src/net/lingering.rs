//! Connections after our FIN, which are still watched because closing the descriptor could destroy what the peer has not
//! read yet: see [`settling`](super::policy::settling).

use std::{
  cell::RefCell,
  io::ErrorKind,
  rc::Rc,
  sync::Arc,
  time::{Duration, Instant},
};

use super::{
  ById, Event, EventSink, SocketId,
  event::NOBODY,
  policy::settling::{QUIET, Settling},
  readiness::{Interest, Ready, WatchedStream},
  room::Room,
  timers::{Timed, Timer, Timers},
};

/// How often it is looked at what peers have acknowledged.
const LOOK: Duration = Duration::from_millis(250);

/// How many connections of an owner are watched after FIN. More would let peers that never end hold any number of
/// descriptors; so the one that has been watched longest is closed for another.
const MOST: usize = 512;

/// Bytes that are read and dropped at a time.
const MOST_DROPPED: usize = 64 * 1024;

thread_local! {
  /// Where what nobody wants lands.
  static NOWHERE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with memory for bytes that nobody wants.
pub(super) fn with_nowhere<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
  NOWHERE.with_borrow_mut(|memory| {
    memory.resize(MOST_DROPPED, 0);
    f(memory)
  })
}

/// Those of one owner.
pub(super) struct Lingering {
  connections: RefCell<ById<Lingerer>>,
  timer: Timer,
  timers: Rc<Timers>,
  sink: Arc<dyn EventSink>,
  room: Arc<Room>,
}

struct Lingerer {
  stream: WatchedStream,
  since: Instant,
  /// When the peer sent something last.
  heard: Instant,
  settling: Settling,
}

impl Lingerer {
  /// Reads and drops. `true` when the peer has ended, or the connection broke.
  fn drop_input(&mut self) -> bool {
    let has_ended = match with_nowhere(|memory| self.stream.receive(memory)) {
      Ok(0) => true,
      Ok(_) => {
        self.heard = Instant::now();
        false
      }
      Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    has_ended || self.watch().is_err()
  }

  fn watch(&mut self) -> std::io::Result<()> {
    self.stream.watch(Interest {
      read: true,
      ..Interest::default()
    })
  }

  /// The peer would lose something if the process ended now.
  fn owes(&self, now: Instant) -> bool {
    self.stream.unacknowledged().is_ok_and(|bytes| bytes > 0) || now < self.heard + QUIET
  }
}

impl Lingering {
  pub(super) fn new(timers: Rc<Timers>, sink: Arc<dyn EventSink>, room: Arc<Room>) -> Self {
    Self {
      connections: RefCell::default(),
      timer: Timer::default(),
      timers,
      sink,
      room,
    }
  }

  /// Watches what has sent FIN, and tells `Settled` when it needs nobody any more. Of more than [`MOST`] the one that has
  /// lingered longest is given up.
  pub(super) fn add(self: &Rc<Self>, id: SocketId, stream: WatchedStream) {
    if self.connections.borrow().len() >= MOST {
      self.drop_oldest();
    }
    let now = Instant::now();
    let mut lingerer = Lingerer {
      stream,
      since: now,
      heard: now,
      settling: Settling::default(),
    };
    if lingerer.watch().is_err() {
      return self.sink.push(id, Event::Settled.into());
    }
    self.connections.borrow_mut().insert(id, lingerer);
    self.room.note(self.connections.borrow().len());
    if self.timer.at().is_none() {
      self.timer.set(&self.timers, NOBODY, self, Some(now + LOOK));
    }
  }

  /// Whether `id` is one of these.
  pub(super) fn has(&self, id: SocketId) -> bool {
    self.connections.borrow().contains_key(&id)
  }

  /// `id` was found ready. `false` where that is none of these.
  pub(super) fn ready(&self, id: SocketId, ready: Ready) -> bool {
    let mut connections = self.connections.borrow_mut();
    let Some(lingerer) = connections.get_mut(&id) else {
      return false;
    };
    lingerer.stream.told(ready);
    if lingerer.drop_input() {
      self.settled(&mut connections, id);
    }
    true
  }

  /// Closes the one that has lingered longest. `false` where there is none.
  pub(super) fn drop_oldest(&self) -> bool {
    let mut connections = self.connections.borrow_mut();
    let oldest = connections
      .iter()
      .min_by_key(|(id, lingerer)| (lingerer.since, **id));
    let Some(id) = oldest.map(|(id, _)| *id) else {
      return false;
    };
    self.settled(&mut connections, id);
    true
  }

  /// Drops what has come for all of them. `true` while one of the peers would lose something if the process ended.
  pub(super) fn owe(&self) -> bool {
    let now = Instant::now();
    let mut connections = self.connections.borrow_mut();
    connections.retain(|_, lingerer| !lingerer.drop_input());
    connections.values().any(|lingerer| lingerer.owes(now))
  }

  /// Closes all of them.
  pub(super) fn clear(&self) {
    self.connections.take();
  }

  /// Closes `id`, which needs nobody any more.
  fn settled(&self, connections: &mut ById<Lingerer>, id: SocketId) {
    connections.remove(&id);
    self.room.note(connections.len());
    self.sink.push(id, Event::Settled.into());
  }
}

impl Timed for Lingering {
  fn overdue(self: Rc<Self>, now: Instant) {
    let mut connections = self.connections.borrow_mut();
    connections.retain(|id, lingerer| {
      let unacknowledged = lingerer.stream.unacknowledged().ok();
      let goes_on = lingerer.settling.goes_on(unacknowledged, now);
      if !goes_on {
        self.sink.push(*id, Event::Settled.into());
      }
      goes_on
    });
    self.room.note(connections.len());
    let next = (!connections.is_empty()).then(|| now + LOOK);
    self.timer.set(&self.timers, NOBODY, &self, next);
  }
}
