//! One hub for each JavaScript environment (the main thread, each worker): it takes the events of all sockets in
//! order, hands them to JavaScript one task at a time, knows which sockets are live, and ends them with the
//! environment.
//!
//! In Gecko an event is a task, after which microtasks run. There are two ways to that, and both take from the same queue, so that
//! the order is one:
//!
//! | who calls | when | what the hub does |
//! |---|---|---|
//! | the doorbell | another thread has queued something | [`Hub::deliver_one`]: Node has made the ring a task, so that it is worth one event |
//! | libuv | the poll set is readable | [`Hub::deliver_all`]: no task has begun, so that each event is made one, until none is left |
//!
//! Where there is no poll set the doorbell rings for each event. Where there is one, the doorbell delivers what it was rung for and
//! leaves what is behind it to the poll set, whose alarm is what rings on the JavaScript thread.

use std::{
  cell::{Cell, RefCell},
  collections::HashSet,
  rc::Rc,
  sync::Arc,
  time::{Duration, Instant},
};

use napi::{Env, Error, Result, sys};

use super::{
  doorbell::Doorbell,
  entry::Entry,
  loop_client::LoopClient,
  pace::{Next, Pace, TURN},
  poll_set::LoopPollSet,
  queue::{Bell, Queue},
};
use crate::{
  net::{self, ById, Event, EventSink, SocketId, input::MOST_TAKEN},
  runtime,
};

/// How long connections write in a turn, while events wait to be delivered.
const WRITES: Duration = Duration::from_micros(250);

/// How long the end of the process waits for the peers of closed sockets.
const SETTLE_WAIT: Duration = Duration::from_secs(2);

/// How long the end of an environment waits for its descriptors to be closed.
const TEARDOWN_WAIT: Duration = Duration::from_secs(1);

/// Makes a call of an event, and calls the realm of its socket.
pub(super) type Deliver = fn(hub: &Rc<Hub>, env: sys::napi_env, id: SocketId, event: Event, entry: &Entry);

/// See the module.
pub(super) struct Hub {
  env: sys::napi_env,
  deliver: Deliver,
  queue: Arc<Queue<Doorbell>>,
  pub(super) context: net::Context,
  poll_set: Option<LoopPollSet>,
  /// Where connections are read to: one piece of memory for all of them, from which exact values are copied.
  pub(super) memory: RefCell<Vec<u8>>,
  /// Live sockets and listeners. A closed one has no entry, and its late events go nowhere.
  entries: RefCell<ById<Rc<Entry>>>,
  /// Sockets that are closed, but whose peers have not got everything yet, and which keep the process alive.
  settling: RefCell<HashSet<SocketId>>,
  /// How many sockets and listeners keep the process alive, live and settling ones.
  keeping: Cell<usize>,
  /// Rings when the loop has come round. Only where there is no poll set, whose alarm does that.
  later: RefCell<Option<Doorbell>>,
  pace: Pace,
}

impl Hub {
  /// The hub of this environment, if one was made.
  pub(super) fn existing(env: &Env) -> Result<Option<Rc<Self>>> {
    Ok(env.get_instance_data::<Rc<Self>>()?.map(|hub| Rc::clone(hub)))
  }

  /// The hub of this environment, made on first use. `in_loop`: it may have a poll set. `deliver` makes calls of its events.
  ///
  /// # Errors
  /// No thread or no memory for it. The next call tries again.
  pub(super) fn of(env: &Env, in_loop: bool, deliver: Deliver) -> Result<Rc<Self>> {
    if let Some(hub) = Self::existing(env)? {
      return Ok(hub);
    }
    let hub = Rc::new(Self::new(env, in_loop, deliver)?);
    if let Err(error) = hub.join_loop(env) {
      hub.queue.close();
      return Err(error);
    }
    // Hooks run in reverse order, so this one comes before Node closes the threadsafe function.
    env.add_env_cleanup_hook(Rc::clone(&hub), |hub| hub.tear_down())?;
    env.set_instance_data(Rc::clone(&hub), (), |_| {})?;
    Ok(hub)
  }

  fn new(env: &Env, in_loop: bool, deliver: Deliver) -> Result<Self> {
    let runtime = runtime::handle()
      .map_err(|error| Error::from_reason(format!("cannot start the I/O thread: {error}")))?;
    let poll_set = if in_loop {
      LoopPollSet::new().map_err(|error| Error::from_reason(format!("cannot watch connections: {error}")))?
    } else {
      None
    };
    let queue = Arc::new(Queue::default());
    let sink = Arc::clone(&queue);
    Ok(Self {
      env: env.raw(),
      deliver,
      context: match &poll_set {
        Some(set) => set.context(runtime.clone(), sink),
        None => net::Context::new(runtime.clone(), sink),
      },
      queue,
      poll_set,
      memory: RefCell::new(vec![0; MOST_TAKEN]),
      entries: RefCell::default(),
      settling: RefCell::default(),
      keeping: Cell::new(0),
      later: RefCell::default(),
      pace: Pace::default(),
    })
  }

  /// From now on the loop of this environment calls the hub.
  fn join_loop(self: &Rc<Self>, env: &Env) -> Result<()> {
    let client = || Box::new(Rc::clone(self));
    let alarm = self.poll_set.as_ref().map(LoopPollSet::alarm).cloned();
    self.queue.open(Doorbell::new(env.raw(), client(), alarm)?);
    match &self.poll_set {
      Some(poll_set) => poll_set.watch(env, client())?,
      None => *self.later.borrow_mut() = Some(Doorbell::later(env.raw(), client())?),
    }
    Ok(())
  }

  /// Whether the environment's own loop watches connections.
  pub(super) fn is_in_loop(&self) -> bool {
    self.poll_set.is_some()
  }

  /// Makes a socket or listener live: it gets events, and keeps its realm and the process alive.
  pub(super) fn register(&self, id: SocketId, entry: Entry) -> Result<()> {
    entry.realm.opened();
    self.entries.borrow_mut().insert(id, Rc::new(entry));
    self.count(true)
  }

  /// Forgets a socket or listener.
  pub(super) fn release(&self, id: SocketId) -> Result<()> {
    let Some(entry) = self.entries.borrow_mut().remove(&id) else {
      return Ok(());
    };
    entry.realm.closed();
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

  /// What is live under `id`.
  pub(super) fn entry(&self, id: SocketId) -> Option<Rc<Entry>> {
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

  /// Delivers one event within the task that has begun, and sees to it that those behind it come in tasks of their own.
  fn deliver_one(self: &Rc<Self>, env: sys::napi_env) {
    let began = Instant::now();
    let since = self.pace.begin(began);
    self.deliver_next(env);
    if self.is_in_loop() {
      // On this thread that is the alarm of the poll set, which `deliver_all` answers.
      return self.ring_for_more();
    }
    self.write(began);
    let more = self.queue.has_more();
    match self.pace.end(since, Instant::now(), more) {
      Next::Nothing => {}
      Next::Now => self.queue.ring(),
      Next::AfterLoop => {
        if let Some(later) = &*self.later.borrow() {
          later.ring();
        }
      }
    }
  }

  /// Looks which descriptors are ready, and delivers events, each as a task of its own: what comes of that look, and what other
  /// threads have queued. After a turn what is left waits until the loop has come round.
  fn deliver_all(self: &Rc<Self>, env: sys::napi_env) {
    let Some(poll_set) = &self.poll_set else { return };
    let began = Instant::now();
    self.queue.attend();
    self.context.look();
    self.write(began);
    while self.deliver_next(env) {
      if began.elapsed() >= TURN {
        return poll_set.alarm().set();
      }
    }
  }

  /// Rings for the next event, if there is one.
  fn ring_for_more(&self) {
    if self.queue.has_more() {
      self.queue.ring();
    }
  }

  /// Has connections write. What is written makes handlers send more: those that wait to be called come first.
  fn write(&self, began: Instant) {
    self
      .context
      .write(|| began.elapsed() < WRITES || self.queue.is_empty() && began.elapsed() < TURN);
  }

  /// Delivers the next event, behind what the engine has to do before it. `false` when there is none.
  fn deliver_next(self: &Rc<Self>, env: sys::napi_env) -> bool {
    while let Some((id, report)) = self.queue.pop() {
      if let Some(event) = self.context.answer(id, report) {
        self.deliver_event(env, id, event);
        return true;
      }
    }
    false
  }

  fn deliver_event(self: &Rc<Self>, env: sys::napi_env, id: SocketId, event: Event) {
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
      (self.deliver)(self, env, id, event, entry);
    }
  }

  /// Waits until the peers of closed sockets have what they were sent, or the time for that is over.
  pub(super) fn settle(&self) {
    // What a turn has sent that never ended.
    for entry in self.entries.borrow().values() {
      if let Some(socket) = entry.datagrams() {
        socket.flush();
      }
    }
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
    // Dropped when nothing is borrowed: what they hold may come back here.
    let entries = self.entries.take();
    drop(entries);
  }
}

impl LoopClient for Rc<Hub> {
  fn doorbell_rang(&self, env: sys::napi_env) {
    self.deliver_one(env);
  }

  fn loop_came_round(&self) {
    // The doorbell itself rings next, so that libuv sees to the other handles in between.
    self.queue.ring();
  }

  fn descriptor_is_readable(&self, env: sys::napi_env) {
    self.deliver_all(env);
  }

  fn recover(&self) {
    self.ring_for_more();
  }
}
