//! One hub for each JavaScript environment (the main thread, each worker): it takes the events of all sockets in
//! order, hands them to JavaScript one task at a time, knows which sockets are live, and ends them with the
//! environment.

use std::{
  cell::{Cell, RefCell},
  collections::{HashMap, VecDeque},
  rc::Rc,
  sync::{Arc, Mutex},
  time::{Duration, Instant},
};

use napi::{Env, Error, Result, sys};
use napi_derive::napi;

use super::{channel::Channel, doorbell::Doorbell, event};
use crate::{
  net::{self, Event, EventSink, SocketId, sync::lock},
  runtime,
};

/// How long events are delivered before the loop gets to run timers and other I/O. Node itself would go on for a
/// thousand events.
const TURN: Duration = Duration::from_millis(8);

/// A pause between two deliveries that shows that the loop has been around in between.
const LOOP_GAP: Duration = Duration::from_micros(50);

/// How long the end of an environment waits for its descriptors to be closed.
const TEARDOWN_WAIT: Duration = Duration::from_secs(1);

/// Goes on delivering events, after `defer()` gave the loop a turn.
#[napi(catch_unwind)]
pub fn resume_delivery(env: &Env) -> Result<()> {
  crate::fault::point("resumeDelivery");
  Hub::of(env)?.queue.ring();
  Ok(())
}

/// How many native tasks this environment has: one for each connection and listener, and for what lingers. For tests
/// and diagnostics.
#[napi(catch_unwind)]
pub fn live_tasks(env: &Env) -> Result<u32> {
  Ok(u32::try_from(Hub::of(env)?.context.live_tasks()).unwrap_or(u32::MAX))
}

/// What the hub knows about a live socket or listener.
#[derive(Clone)]
pub(super) struct Entry {
  pub(super) channel: Rc<Channel>,
  pub(super) target: Target,
}

#[derive(Clone)]
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

/// See the module.
pub(super) struct Hub {
  env: sys::napi_env,
  queue: Arc<Queue>,
  pub(super) context: net::Context,
  /// Live sockets and listeners. A closed one has no entry, and its late events go nowhere.
  entries: RefCell<HashMap<SocketId, Entry>>,
  /// How many entries keep the process alive.
  keeping: Cell<usize>,
  /// When the deliveries began that follow each other without a pause, and when the last one ended.
  busy: Cell<Option<(Instant, Instant)>>,
}

impl Hub {
  /// The hub of this environment, made on first use.
  ///
  /// # Errors
  /// No thread or no memory for it. The next call tries again.
  pub(super) fn of(env: &Env) -> Result<Rc<Self>> {
    if let Some(hub) = env.get_instance_data::<Rc<Self>>()? {
      return Ok(Rc::clone(hub));
    }
    let runtime = runtime::handle()
      .map_err(|error| Error::from_reason(format!("cannot start the I/O thread: {error}")))?;
    let queue = Arc::new(Queue::default());
    let hub = Rc::new(Self {
      env: env.raw(),
      queue: Arc::clone(&queue),
      context: net::Context::new(runtime.clone(), queue),
      entries: RefCell::default(),
      keeping: Cell::new(0),
      busy: Cell::new(None),
    });
    let doorbell = Doorbell::new(env.raw(), Rc::clone(&hub))?;
    lock(&hub.queue.state).doorbell = Some(doorbell);
    env.set_instance_data(Rc::clone(&hub), (), |_| {})?;
    // Hooks run in reverse order, so this one comes before Node closes the threadsafe function.
    env.add_env_cleanup_hook(Rc::clone(&hub), |hub| hub.tear_down())?;
    Ok(hub)
  }

  /// Makes a socket or listener live: it gets events, and keeps its realm and the process alive.
  pub(super) fn register(&self, id: SocketId, entry: Entry) -> Result<()> {
    entry.channel.opened();
    self.entries.borrow_mut().insert(id, entry);
    self.keep_alive(true)
  }

  /// Forgets a socket or listener. `kept_alive` as it was.
  pub(super) fn release(&self, id: SocketId, kept_alive: bool) -> Result<()> {
    let Some(entry) = self.entries.borrow_mut().remove(&id) else {
      return Ok(());
    };
    entry.channel.closed();
    if kept_alive {
      self.keep_alive(false)
    } else {
      Ok(())
    }
  }

  pub(super) fn is_live(&self, id: SocketId) -> bool {
    self.entries.borrow().contains_key(&id)
  }

  /// Counts a reason more, or less, to keep the process alive.
  pub(super) fn keep_alive(&self, more: bool) -> Result<()> {
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
    match &lock(&self.queue.state).doorbell {
      Some(doorbell) => doorbell.keep_alive(self.env, after > 0),
      None => Ok(()),
    }
  }

  /// Delivers one event, then arranges for the next. Called by the doorbell: once for each ring, each a task of its
  /// own, after which Node runs microtasks.
  pub(super) fn deliver(&self, env: sys::napi_env) {
    let began = Instant::now();
    let busy_since = match self.busy.get() {
      Some((since, last)) if began.duration_since(last) < LOOP_GAP => since,
      _ => began,
    };
    let Some((id, event)) = self.queue.pop() else {
      return;
    };
    let entry = self.entries.borrow().get(&id).cloned();
    let channel = entry.as_ref().map(|entry| Rc::clone(&entry.channel));
    if let Some(entry) = entry {
      event::deliver(env, id, event, &entry);
    }
    let ended = Instant::now();
    self.busy.set(Some((busy_since, ended)));
    if self.queue.rest() {
      return;
    }
    let turn_is_over = ended.duration_since(busy_since) >= TURN;
    if turn_is_over && channel.is_some_and(|channel| channel.defer(env)) {
      self.busy.set(None);
    } else {
      self.queue.ring();
    }
  }

  /// Ends everything, because the environment does. When this returns, ports are free and descriptors closed.
  fn tear_down(&self) {
    let (doorbell, events) = {
      let mut state = lock(&self.queue.state);
      (state.doorbell.take(), std::mem::take(&mut state.events))
    };
    drop((doorbell, events));
    self.context.shut_down();
    if let Ok(runtime) = runtime::handle() {
      // An error means that a task is stuck. It holds nothing of this environment.
      let _ = runtime.block_on(async { tokio::time::timeout(TEARDOWN_WAIT, self.context.ended()).await });
    }
    self.entries.borrow_mut().clear();
  }
}

/// The events of an environment, in order. Tasks push; the JavaScript thread pops.
#[derive(Default)]
struct Queue {
  state: Mutex<QueueState>,
}

#[derive(Default)]
struct QueueState {
  events: VecDeque<(SocketId, Event)>,
  /// A ring is outstanding, or the JavaScript thread is at work and will look again: no need to ring.
  attended: bool,
  /// The gate: `None` once the environment is being torn down. Every ring happens under the lock.
  doorbell: Option<Doorbell>,
}

impl Queue {
  fn pop(&self) -> Option<(SocketId, Event)> {
    let mut state = lock(&self.state);
    let next = state.events.pop_front();
    state.attended = next.is_some();
    next
  }

  /// `true` when nothing is left, and the next push rings.
  fn rest(&self) -> bool {
    let mut state = lock(&self.state);
    state.attended = !state.events.is_empty();
    !state.attended
  }

  fn ring(&self) {
    if let Some(doorbell) = &lock(&self.state).doorbell {
      doorbell.ring();
    }
  }
}

impl EventSink for Queue {
  fn push(&self, id: SocketId, event: Event) {
    let mut state = lock(&self.state);
    let Some(doorbell) = &state.doorbell else { return };
    if !state.attended {
      doorbell.ring();
    }
    state.attended = true;
    state.events.push_back((id, event));
  }
}
