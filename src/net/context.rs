//! What all sockets and listeners of one owner have in common, and how what happens to them gets to them.

use std::{
  cell::{Cell, RefCell},
  rc::{Rc, Weak},
  sync::Arc,
  thread,
  time::{Duration, Instant},
};

use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
  ById, Event, EventSink, SocketId,
  event::{Kind, NOBODY, Notice, Report},
  lingering::Lingering,
  policy::writers::Writers,
  readiness::{PollSet, Reactor, Ready, WatchedStream},
  room::Room,
  timers::Timers,
};

/// How many lingering connections are closed at a time where descriptors run out.
const MOST_MADE_ROOM: usize = 16;

/// How long the end of a process sleeps between two looks at what peers have taken.
const SETTLE_LOOK: Duration = Duration::from_millis(2);

/// A socket or listener.
pub(super) trait Member {
  /// Its descriptor is ready. `true` when it is to write, for which there is an order.
  fn ready(&self, ready: Ready) -> bool;

  /// It is its turn to write.
  fn write(&self);

  /// A task of its has something to say.
  fn notice(&self, notice: Notice);

  /// Its owner is about to end.
  fn abort(&self);

  /// Nothing is left to be done for it.
  fn is_over(&self) -> bool;
}

/// Belongs to the owner's thread; clones are the same context.
#[derive(Clone)]
pub struct Context(Rc<Inner>);

struct Inner {
  runtime: Handle,
  sink: Arc<dyn EventSink>,
  cancel: CancellationToken,
  tasks: TaskTracker,
  next_id: Cell<SocketId>,
  reactor: Reactor,
  timers: Rc<Timers>,
  lingering: Rc<Lingering>,
  room: Arc<Room>,
  members: RefCell<ById<Weak<dyn Member>>>,
  /// Those that their owner has closed, and that go on without it.
  closing: RefCell<ById<Rc<dyn Member>>>,
  writers: RefCell<Writers>,
}

impl Context {
  /// A context whose tasks run on `runtime`, which tells what is ready, and report to `sink`.
  pub fn new(runtime: Handle, sink: Arc<dyn EventSink>) -> Self {
    let reactor = Reactor::of_runtime(&runtime, &sink);
    Self::with(runtime, sink, reactor)
  }

  /// A context whose owner calls [`Context::look`] whenever `set` is readable.
  pub fn with_poll_set(runtime: Handle, sink: Arc<dyn EventSink>, set: Rc<PollSet>) -> Self {
    Self::with(runtime, sink, Reactor::of_set(set))
  }

  fn with(runtime: Handle, sink: Arc<dyn EventSink>, reactor: Reactor) -> Self {
    let timers = Rc::new(Timers::new(runtime.clone(), Arc::clone(&sink)));
    let room = Arc::new(Room::new(Arc::clone(&sink)));
    let lingering = Lingering::new(Rc::clone(&timers), Arc::clone(&sink), Arc::clone(&room));
    Self(Rc::new(Inner {
      runtime,
      sink,
      cancel: CancellationToken::new(),
      tasks: TaskTracker::new(),
      next_id: Cell::new(NOBODY + 1),
      reactor,
      timers,
      lingering: Rc::new(lingering),
      room,
      members: RefCell::default(),
      closing: RefCell::default(),
      writers: RefCell::default(),
    }))
  }

  /// Looks at what is ready, where the owner's thread asks for that. It costs next to nothing: bytes are read when an owner takes
  /// them, and written by [`Context::write`].
  pub fn look(&self) {
    self.0.reactor.look(|id, ready| self.ready(id, ready));
  }

  /// What a report amounts to for the owner. What is for the engine itself is done.
  pub fn answer(&self, id: SocketId, report: Report) -> Option<Event> {
    match report.0 {
      Kind::Event(event) => return Some(event),
      Kind::Notice(Notice::TimerDue) => {
        // What the kernel has done by now is no reason to call a deadline missed.
        self.look();
        self.run_timers();
      }
      Kind::Notice(Notice::MakeRoom) => {
        for _ in 0..MOST_MADE_ROOM {
          self.drop_lingering();
        }
      }
      // The owner has connections write after each answer.
      Kind::Notice(Notice::MayWrite) => {}
      Kind::Notice(Notice::Ready(ready)) => self.ready(id, ready),
      Kind::Notice(notice) => {
        if let Some(member) = self.member(id) {
          member.notice(notice);
        }
      }
    }
    None
  }

  /// Does what timers are due for.
  pub fn run_timers(&self) {
    self.0.timers.run();
  }

  fn ready(&self, id: SocketId, ready: Ready) {
    if self.0.lingering.ready(id, ready) {
      return;
    }
    if self.member(id).is_some_and(|member| member.ready(ready)) {
      self.0.writers.borrow_mut().add(id);
    }
  }

  /// Has connections write whose kernel takes bytes again: one at least, and then as long as it `goes_on`. For those that are
  /// left the owner is called again.
  pub fn write(&self, goes_on: impl FnMut() -> bool) {
    let mut writers = self.0.writers.take();
    let write = |id| {
      if let Some(member) = self.member(id) {
        member.write();
      }
    };
    let left = writers.take_turns(write, goes_on);
    // Nobody has been added meanwhile: that takes a look, or an answer.
    self.0.writers.replace(writers);
    // A set stays readable for them.
    if left && !self.0.reactor.is_asked() {
      self.0.sink.push(NOBODY, Notice::MayWrite.into());
    }
  }

  fn member(&self, id: SocketId) -> Option<Rc<dyn Member>> {
    self.0.members.borrow().get(&id)?.upgrade()
  }

  /// From now on `member` is told what happens to `id`.
  pub(super) fn add(&self, id: SocketId, member: Weak<dyn Member>) {
    self.0.members.borrow_mut().insert(id, member);
  }

  /// Nothing of `id` is left to tell.
  pub(super) fn remove(&self, id: SocketId) {
    self.0.members.borrow_mut().remove(&id);
  }

  /// `member` is kept until it is over, whether its owner keeps it or not.
  pub(super) fn keep(&self, id: SocketId, member: Rc<dyn Member>) {
    self.0.closing.borrow_mut().insert(id, member);
  }

  /// Takes back [`Context::keep`].
  pub(super) fn let_go(&self, id: SocketId) {
    // Dropped when nothing is borrowed: it may come back here.
    let kept = self.0.closing.borrow_mut().remove(&id);
    drop(kept);
  }

  /// Closes the connection that has lingered longest after FIN, because a descriptor is needed for another. `false` where none
  /// lingers.
  pub(super) fn drop_lingering(&self) -> bool {
    self.0.lingering.drop_oldest()
  }

  /// The owner's thread is about to end with its process: waits until the peers of closed sockets have acknowledged what
  /// they are owed, but not longer than `most`. `answer_reports` answers what tasks report meanwhile.
  pub fn settle(&self, most: Duration, mut answer_reports: impl FnMut()) {
    let until = Instant::now() + most;
    loop {
      answer_reports();
      self.look();
      self.write(|| true);
      let closing: Vec<_> = self.0.closing.borrow().values().map(Rc::clone).collect();
      let closing = closing.iter().any(|member| !member.is_over());
      if !(closing || self.0.lingering.owe()) || Instant::now() >= until {
        return;
      }
      thread::sleep(SETTLE_LOOK);
    }
  }

  /// Ends everything at once: tasks, connections and listeners, queued bytes and all.
  pub fn shut_down(&self) {
    let members: Vec<_> = self
      .0
      .members
      .borrow()
      .values()
      .filter_map(Weak::upgrade)
      .collect();
    for member in members {
      member.abort();
    }
    self.0.cancel.cancel();
    self.0.tasks.close();
    self.0.lingering.clear();
    self.0.timers.clear();
    let closing = self.0.closing.take();
    drop(closing);
  }

  /// Completes when, after [`Context::shut_down`], every descriptor that a task had is closed; but for those that were to
  /// be connected, which are about to be.
  pub async fn ended(&self) {
    self.0.tasks.wait().await;
  }

  /// How many connections and listeners are alive, those included that linger after their socket was closed, and attempts to
  /// connect.
  pub fn live(&self) -> usize {
    self.0.tasks.len() + self.0.reactor.count()
  }

  /// Sees to what a connection still owes its peer after FIN.
  pub(super) fn linger(&self, id: SocketId, stream: WatchedStream) {
    self.0.lingering.add(id, stream);
  }

  /// Tells the owner, behind everything else.
  pub(super) fn tell(&self, id: SocketId, event: Event) {
    self.0.sink.push(id, event.into());
  }

  pub(super) fn sink(&self) -> &Arc<dyn EventSink> {
    &self.0.sink
  }

  pub(super) fn timers(&self) -> &Timers {
    &self.0.timers
  }

  pub(super) fn room(&self) -> &Arc<Room> {
    &self.0.room
  }

  pub(super) fn runtime(&self) -> &Handle {
    &self.0.runtime
  }

  pub(super) fn reactor(&self) -> &Reactor {
    &self.0.reactor
  }

  pub(super) fn child_token(&self) -> CancellationToken {
    self.0.cancel.child_token()
  }

  /// Runs a task that ends with this context.
  pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
    self.0.tasks.spawn_on(task, &self.0.runtime);
  }

  /// Ids come round after four thousand million sockets; those that are in use then are passed over. None is [`NOBODY`].
  pub(super) fn next_id(&self) -> SocketId {
    loop {
      let id = self.0.next_id.get();
      self.0.next_id.set(id.wrapping_add(1).max(NOBODY + 1));
      if !self.0.members.borrow().contains_key(&id) && !self.0.lingering.has(id) {
        return id;
      }
    }
  }
}

impl std::fmt::Debug for Context {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.write_str("Context")
  }
}

#[cfg(test)]
mod tests {
  use std::net::{Ipv4Addr, TcpListener, TcpStream};

  use super::*;
  use crate::runtime;

  struct Nowhere;

  impl EventSink for Nowhere {
    fn push(&self, _id: SocketId, _report: Report) {}
  }

  struct Idle;

  impl Member for Idle {
    fn ready(&self, _ready: Ready) -> bool {
      false
    }

    fn write(&self) {}

    fn notice(&self, _notice: Notice) {}

    fn abort(&self) {}

    fn is_over(&self) -> bool {
      false
    }
  }

  #[test]
  fn when_ids_come_round_those_in_use_are_passed_over() {
    let context = Context::new(runtime::handle().unwrap().clone(), Arc::new(Nowhere));
    let member: Rc<dyn Member> = Rc::new(Idle);
    assert_eq!(context.next_id(), 1);
    context.add(1, Rc::downgrade(&member));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    context.linger(2, context.reactor().stream(2, stream).unwrap());
    context.0.next_id.set(SocketId::MAX);
    assert_eq!(context.next_id(), SocketId::MAX);
    assert_eq!(context.next_id(), 3, "0 is nobody, 1 is open, 2 lingers");
    context.remove(1);
    context.0.next_id.set(1);
    assert_eq!(context.next_id(), 1);
  }
}
