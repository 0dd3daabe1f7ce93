//! What all sockets and listeners of one owner have in common.

use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
  EventSink, SocketId,
  debts::Debts,
  lingering::Lingering,
  listener::MOST_MADE_ROOM,
  places::Places,
  poll_set::{Member, PollSet},
  room::Room,
  settle::MOST_SETTLING,
  timers::Timers,
};

/// Belongs to the owner's thread; clones are the same context.
#[derive(Clone)]
pub struct Context(Rc<Inner>);

struct Inner {
  runtime: Handle,
  sink: Arc<dyn EventSink>,
  cancel: CancellationToken,
  tasks: TaskTracker,
  next_id: Cell<SocketId>,
  poll_set: Option<Rc<PollSet>>,
  timers: Timers,
  lingering: Rc<Lingering>,
  settlers: Arc<Places>,
  debts: Arc<Debts>,
  room: Arc<Room>,
}

impl Context {
  /// A context whose tasks run on `runtime` and report to `sink`. With a poll set, the owner's thread moves the bytes
  /// of plain connections itself: whenever the set is readable, the owner looks into it and calls
  /// [`Socket::ready`](super::Socket::ready).
  pub fn new(runtime: Handle, sink: Arc<dyn EventSink>, poll_set: Option<Rc<PollSet>>) -> Self {
    Self(Rc::new(Inner {
      runtime,
      sink,
      cancel: CancellationToken::new(),
      tasks: TaskTracker::new(),
      next_id: Cell::new(1),
      poll_set,
      timers: Timers::default(),
      lingering: Rc::default(),
      settlers: Places::new(MOST_SETTLING),
      debts: Arc::default(),
      room: Arc::default(),
    }))
  }

  /// Whose events are for the context itself; no socket has this id.
  pub const OWN_ID: SocketId = 0;

  /// The poll set found `id` ready. `false` where that is a socket's, of which
  /// [`Socket::ready`](super::Socket::ready) shall be told.
  pub fn lingering_is_ready(&self, id: SocketId) -> bool {
    self.0.lingering.ready(self, id)
  }

  /// Answers `Overdue`.
  pub fn run_timers(&self) {
    if self.0.room.is_wanted() {
      for _ in 0..MOST_MADE_ROOM {
        self.drop_lingering();
      }
    }
    self.0.timers.run(self);
  }

  /// Closes the connection that has lingered longest after FIN, of those that the owner's thread watches, because a
  /// descriptor is needed for another. `false` where none lingers.
  pub(super) fn drop_lingering(&self) -> bool {
    self.0.lingering.drop_oldest(self)
  }

  /// The owner's thread is about to end with its process: waits until the peers of closed sockets have acknowledged what
  /// they are owed, but not longer than `most`. Sockets that are closing must have been released.
  pub fn settle(&self, most: Duration) {
    self.0.lingering.hand_over(self);
    self.0.debts.wait(most);
  }

  /// Ends every task of this context at once, queued bytes and all. Connections that the owner's thread moves end when
  /// the owner drops or aborts their sockets.
  pub fn shut_down(&self) {
    self.0.cancel.cancel();
    self.0.tasks.close();
    self.0.lingering.clear();
    self.0.timers.clear();
  }

  /// Completes when, after [`Context::shut_down`], every descriptor that a task had is closed; but for those that were to
  /// be connected, which are about to be.
  pub async fn ended(&self) {
    self.0.tasks.wait().await;
  }

  /// How many connections and listeners are alive, those included that linger after their socket was closed.
  pub fn live(&self) -> usize {
    let polled = self.0.poll_set.as_ref().map_or(0, |set| set.members());
    self.0.tasks.len() + polled
  }

  /// Sees to what a connection still owes its peer after FIN.
  pub(super) fn linger(&self, id: SocketId, member: Member) {
    self.0.lingering.add(self, id, member);
  }

  pub(super) fn timers(&self) -> &Timers {
    &self.0.timers
  }

  /// Of the tasks that watch connections after FIN.
  pub(super) fn settlers(&self) -> &Arc<Places> {
    &self.0.settlers
  }

  pub(super) fn room(&self) -> &Arc<Room> {
    &self.0.room
  }

  pub(super) fn debts(&self) -> &Arc<Debts> {
    &self.0.debts
  }

  pub(super) fn runtime(&self) -> &Handle {
    &self.0.runtime
  }

  pub(super) fn sink(&self) -> &Arc<dyn EventSink> {
    &self.0.sink
  }

  pub(super) fn poll_set(&self) -> Option<&Rc<PollSet>> {
    self.0.poll_set.as_ref()
  }

  pub(super) fn child_token(&self) -> CancellationToken {
    self.0.cancel.child_token()
  }

  /// Spawns, from within a task, what is to end with this context.
  pub(super) fn tasks(&self) -> &TaskTracker {
    &self.0.tasks
  }

  pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
    self.0.tasks.spawn_on(task, &self.0.runtime);
  }

  /// Ids are not reused before four thousand million sockets have passed. None is 0.
  pub(super) fn next_id(&self) -> SocketId {
    let id = self.0.next_id.get();
    self.0.next_id.set(id.wrapping_add(1).max(1));
    id
  }
}

impl std::fmt::Debug for Context {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.write_str("Context")
  }
}
