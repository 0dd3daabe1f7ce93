//! One hub for each JavaScript environment (the main thread, each worker): it takes the events of all sockets in
//! order, hands them to JavaScript one task at a time, knows which sockets are live, and ends them with the
//! environment.

use std::{
  cell::{Cell, RefCell},
  collections::{HashMap, HashSet, TryReserveError},
  rc::Rc,
  sync::Arc,
  time::{Duration, Instant},
};

use napi::{Env, Error, Result, sys};
use napi_derive::napi;

use super::{
  channel::Channel,
  doorbell::Doorbell,
  event,
  queue::{Bell, Queue},
  uv,
};
use crate::{
  net::{self, Event, EventSink, PollSet, SocketId, input::MOST_TAKEN},
  runtime,
};

/// How long events are delivered before the loop gets to run timers and other I/O. Node itself would go on for a
/// thousand events.
const TURN: Duration = Duration::from_millis(8);

/// How long connections write in a turn, while events wait to be delivered.
const WRITES: Duration = Duration::from_micros(250);

/// A pause between two deliveries that probably means that the loop has been around in between.
const LOOP_GAP: Duration = Duration::from_micros(50);

/// How long the end of the process waits for the peers of closed sockets.
const SETTLE_WAIT: Duration = Duration::from_secs(2);

/// How long the end of an environment waits for its descriptors to be closed.
const TEARDOWN_WAIT: Duration = Duration::from_secs(1);

/// The process is about to end: waits until the peers of closed sockets have what they were sent, two seconds at most.
#[napi(catch_unwind)]
pub fn settle_closed(env: &Env) -> Result<()> {
  crate::fault::point("settleClosed");
  if let Some(hub) = Hub::existing(env)? {
    hub.settle();
  }
  Ok(())
}

/// How many connections and listeners this environment has, with those that linger after their socket was closed. For
/// tests and diagnostics.
#[napi(catch_unwind)]
pub fn live_connections(env: &Env) -> Result<u32> {
  let live = Hub::existing(env)?.map_or(0, |hub| hub.context.live());
  Ok(u32::try_from(live).unwrap_or(u32::MAX))
}

/// Whether this environment's own loop watches plain connections. For tests and diagnostics.
#[napi(catch_unwind)]
pub fn is_in_loop(env: &Env) -> Result<bool> {
  Ok(Hub::existing(env)?.is_some_and(|hub| hub.poll_set.is_some()))
}

/// What the hub knows about a live socket or listener.
pub(super) struct Entry {
  pub(super) channel: Rc<Channel>,
  pub(super) target: Target,
  /// The process stays alive for it.
  keeps_alive: Cell<bool>,
  /// The last read was a large one: more of the like will follow.
  pub(super) bulk: Cell<bool>,
}

impl Entry {
  pub(super) fn new(channel: &Rc<Channel>, target: Target) -> Self {
    Self {
      channel: Rc::clone(channel),
      target,
      keeps_alive: Cell::new(true),
      bulk: Cell::new(false),
    }
  }
}

pub(super) enum Target {
  Socket {
    socket: Rc<net::Socket>,
    /// Bytes become strings, one character each; otherwise ArrayBuffers.
    as_strings: bool,
  },
  Listener {
    /// For the sockets it accepts.
    as_strings: bool,
  },
}

/// A row of deliveries.
#[derive(Clone, Copy)]
struct Busy {
  since: Instant,
  /// When the last of them ended.
  last: Instant,
  /// It rang for the next.
  rang: bool,
}

/// See the module.
pub(super) struct Hub {
  env: sys::napi_env,
  queue: Arc<Queue<Doorbell>>,
  pub(super) context: net::Context,
  poll_set: Option<Rc<PollSet>>,
  /// Where connections are read to: one piece of memory for all of them, from which exact values are copied.
  pub(super) memory: RefCell<Vec<u8>>,
  /// Live sockets and listeners. A closed one has no entry, and its late events go nowhere.
  entries: RefCell<HashMap<SocketId, Rc<Entry>>>,
  /// Sockets that are closed, but whose peers have not got everything yet, and which keep the process alive.
  settling: RefCell<HashSet<SocketId>>,
  /// How many of these keep the process alive.
  keeping: Cell<usize>,
  /// Rings after the loop has run timers and other I/O, where no poll set does.
  later: RefCell<Option<Doorbell>>,
  /// What the doorbell has delivered without the loop coming round, as far as one can tell.
  busy: Cell<Option<Busy>>,
}

impl Hub {
  fn existing(env: &Env) -> Result<Option<Rc<Self>>> {
    Ok(env.get_instance_data::<Rc<Self>>()?.map(|hub| Rc::clone(hub)))
  }

  /// The hub of this environment, made on first use.
  ///
  /// # Errors
  /// No thread or no memory for it. The next call tries again.
  pub(super) fn of(env: &Env, in_loop: bool) -> Result<Rc<Self>> {
    if let Some(hub) = Self::existing(env)? {
      return Ok(hub);
    }
    let runtime = runtime::handle()
      .map_err(|error| Error::from_reason(format!("cannot start the I/O thread: {error}")))?;
    let queue = Arc::new(Queue::default());
    let poll_set = (in_loop && uv::is_there())
      .then(PollSet::new)
      .transpose()
      .map_err(|error| Error::from_reason(format!("cannot watch connections: {error}")))?
      .map(Rc::new);
    let hub = Rc::new(Self {
      env: env.raw(),
      queue: Arc::clone(&queue),
      context: match &poll_set {
        Some(set) => net::Context::with_poll_set(runtime.clone(), queue, Rc::clone(set)),
        None => net::Context::new(runtime.clone(), queue),
      },
      memory: RefCell::new(vec![0; MOST_TAKEN]),
      poll_set,
      entries: RefCell::default(),
      settling: RefCell::default(),
      keeping: Cell::new(0),
      later: RefCell::default(),
      busy: Cell::new(None),
    });
    let alarm = hub.poll_set.as_ref().map(|poll_set| poll_set.alarm().clone());
    hub.queue.open(Doorbell::new(env.raw(), Rc::clone(&hub), alarm)?);
    match &hub.poll_set {
      Some(poll_set) => uv::watch(env, poll_set.descriptor(), &hub)?,
      None => *hub.later.borrow_mut() = Some(Doorbell::later(env.raw(), Rc::clone(&hub))?),
    }
    env.set_instance_data(Rc::clone(&hub), (), |_| {})?;
    // Hooks run in reverse order, so this one comes before Node closes the threadsafe function.
    env.add_env_cleanup_hook(Rc::clone(&hub), |hub| hub.tear_down())?;
    Ok(hub)
  }

  /// Makes a socket or listener live: it gets events, and keeps its realm and the process alive.
  pub(super) fn register(&self, id: SocketId, entry: Entry) -> Result<()> {
    entry.channel.opened();
    self.entries.borrow_mut().insert(id, Rc::new(entry));
    self.count(true)
  }

  /// Forgets a socket or listener.
  pub(super) fn release(&self, id: SocketId) -> Result<()> {
    let Some(entry) = self.entries.borrow_mut().remove(&id) else {
      return Ok(());
    };
    entry.channel.closed();
    if entry.keeps_alive.get() {
      self.count(false)?;
    }
    Ok(())
  }

  /// Whether the process stays alive for a socket or listener. Without effect once it was released.
  pub(super) fn keep_alive(&self, id: SocketId, keep: bool) -> Result<()> {
    match self.entry(id) {
      Some(entry) if entry.keeps_alive.replace(keep) != keep => self.count(keep),
      _ => Ok(()),
    }
  }

  /// Queues an event behind all others, to be delivered as a task of its own.
  pub(super) fn report(&self, id: SocketId, event: Event) {
    self.queue.push(id, event.into());
  }

  /// See [`outbound`](super::outbound).
  pub(super) fn stage(&self, id: SocketId, bytes: &[u8]) -> std::result::Result<usize, TryReserveError> {
    match self.entry(id).as_deref() {
      Some(Entry {
        target: Target::Socket { socket, .. },
        ..
      }) => socket.stage(bytes).map(|()| bytes.len()),
      _ => Ok(0),
    }
  }

  /// See [`outbound`](super::outbound).
  pub(super) fn flush(&self, id: SocketId, bytes: &[u8], report_drained: bool) -> usize {
    match self.entry(id).as_deref() {
      Some(Entry {
        target: Target::Socket { socket, .. },
        ..
      }) => socket.flush(bytes, report_drained),
      _ => 0,
    }
  }

  fn entry(&self, id: SocketId) -> Option<Rc<Entry>> {
    self.entries.borrow().get(&id).cloned()
  }

  /// Counts a reason more, or less, to keep the process alive.
  fn count(&self, more: bool) -> Result<()> {
    let before = self.keeping.get();
    let after = if more {
      before + 1
    } else {
      before.saturating_sub(1)
    };
    self.keeping.set(after);
    if (before == 0) == (after == 0) {
      return Ok(());
    }
    let kept = self
      .queue
      .with_bell(|doorbell| doorbell.keep_alive(self.env, after > 0));
    kept.unwrap_or(Ok(()))
  }

  /// Delivers one event, then arranges for the next. Called by the doorbell: once for each ring, each a task of its
  /// own, after which Node runs microtasks.
  pub(super) fn deliver(&self, env: sys::napi_env) {
    let began = Instant::now();
    let since = match self.busy.get() {
      Some(busy) if busy.rang || began.duration_since(busy.last) < LOOP_GAP => busy.since,
      _ => began,
    };
    self.deliver_next(env);
    if self.poll_set.is_some() {
      // The rest is for `turn`, which this rings for.
      return self.ring_for_rest();
    }
    self.write(began);
    let last = Instant::now();
    let rang = !self.queue.rest();
    self.busy.set(Some(Busy { since, last, rang }));
    if !rang {
      return;
    }
    let later = self.later.borrow();
    match &*later {
      Some(later) if last.duration_since(since) >= TURN => {
        self.busy.set(None);
        later.ring();
      }
      _ => self.queue.ring(),
    }
  }

  /// Has [`Hub::deliver`] called, if the environment has not ended.
  pub(super) fn ring(&self) {
    self.queue.ring();
  }

  /// Rings for the next event, if there is one.
  pub(super) fn ring_for_rest(&self) {
    if !self.queue.rest() {
      self.queue.ring();
    }
  }

  /// Descriptors are ready. Called by the loop: moves their bytes, accepts, and delivers what comes of
  /// it, each event as a task of its own.
  pub(super) fn turn(&self, env: sys::napi_env) {
    let Some(poll_set) = &self.poll_set else { return };
    let began = Instant::now();
    self.queue.attend();
    self.context.look();
    self.write(began);
    while self.deliver_next(env) {
      if began.elapsed() >= TURN {
        poll_set.alarm().set();
        return;
      }
    }
  }

  /// Has connections write. What is written makes handlers send more: those that wait to be called come first.
  fn write(&self, began: Instant) {
    self
      .context
      .write(|| began.elapsed() < WRITES || self.queue.is_empty() && began.elapsed() < TURN);
  }

  /// Delivers the next event, behind what the engine has to do before it. `false` when there is none.
  fn deliver_next(&self, env: sys::napi_env) -> bool {
    while let Some((id, report)) = self.queue.pop() {
      if let Some(event) = self.context.answer(id, report) {
        self.deliver_one(env, id, event);
        return true;
      }
    }
    false
  }

  fn deliver_one(&self, env: sys::napi_env, id: SocketId, event: Event) {
    let entry = self.entry(id);
    let kept = || entry.as_ref().is_some_and(|entry| entry.keeps_alive.get());
    let changed = match &event {
      Event::Closed { settling: true } if kept() && self.settling.borrow_mut().insert(id) => self.count(true),
      Event::Settled if self.settling.borrow_mut().remove(&id) => self.count(false),
      _ => Ok(()),
    };
    // Fails only where the environment ends, and with it every reason to stay alive.
    drop(changed);
    if let Some(entry) = &entry {
      event::deliver(env, id, event, entry);
    }
  }

  /// See [`settle_closed`].
  fn settle(&self) {
    self.context.settle(SETTLE_WAIT, || {
      while let Some((id, report)) = self.queue.pop() {
        // Nobody is called any more.
        drop(self.context.answer(id, report));
      }
    });
  }

  /// Ends everything, because the environment does. When this returns, and no task was stuck, ports are free and connections
  /// closed.
  fn tear_down(&self) {
    self.queue.close();
    self.later.take();
    self.context.shut_down();
    if let Ok(runtime) = runtime::handle() {
      // An error means that a task is stuck. It holds nothing of this environment.
      let _ = runtime.block_on(async { tokio::time::timeout(TEARDOWN_WAIT, self.context.ended()).await });
    }
    self.entries.borrow_mut().clear();
  }
}
