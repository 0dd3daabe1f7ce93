//! Connections after FIN that the owner's thread still watches. Most peers end at once, and then there is no need of a
//! task for what [`settle`](super::settle) describes; the others get one.

use std::{
  cell::{Cell, RefCell},
  collections::HashMap,
  sync::Arc,
  time::Duration,
};

use tokio::time;

use super::{
  Context, Event, EventSink, SocketId, connection::SCRATCH, direct::receive, event::Readiness,
  poll_set::Member, settle,
};

/// How long, at least, a peer has to end before a task takes over; at most it is twice that.
const GRACE: Duration = Duration::from_millis(100);

/// Belongs to a [`Context`].
#[derive(Default)]
pub(super) struct Lingering {
  /// Since the last `Overdue`, and since before that.
  young: RefCell<HashMap<SocketId, Member>>,
  old: RefCell<HashMap<SocketId, Member>>,
  /// An `Overdue` is on its way.
  is_timed: Cell<bool>,
}

impl Lingering {
  /// Watches what has sent FIN. Reports `Settled` when the peer ends.
  pub(super) fn add(&self, context: &Context, id: SocketId, mut member: Member) {
    let wanted = Readiness {
      read: true,
      ..Readiness::default()
    };
    if member.wait_for(wanted).is_err() {
      return settle::spawn(context, id, member.into_stream());
    }
    self.young.borrow_mut().insert(id, member);
    self.time(context);
  }

  /// The poll set found `id` ready. `false` where that is none of these.
  pub(super) fn ready(&self, id: SocketId, sink: &dyn EventSink) -> bool {
    for members in [&self.young, &self.old] {
      let mut members = members.borrow_mut();
      let Some(member) = members.get(&id) else { continue };
      let read = SCRATCH.with_borrow_mut(|scratch| receive(member.stream(), scratch));
      let goes_on = match read {
        Ok(bytes) => bytes > 0,
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
      };
      if !goes_on {
        members.remove(&id);
        sink.push(id, Event::Settled);
      }
      return true;
    }
    false
  }

  /// Answers `Overdue`: gives the old ones to tasks.
  pub(super) fn pass_on(&self, context: &Context) {
    self.is_timed.set(false);
    let next = self.young.take();
    for (id, member) in self.old.replace(next) {
      settle::spawn(context, id, member.into_stream());
    }
    if !self.old.borrow().is_empty() {
      self.time(context);
    }
  }

  /// Ends them all.
  pub(super) fn clear(&self) {
    self.young.borrow_mut().clear();
    self.old.borrow_mut().clear();
  }

  fn time(&self, context: &Context) {
    if !self.is_timed.replace(true) {
      let sink = Arc::clone(context.sink());
      // Not one of the context's tasks: it holds nothing that anybody waits for.
      context.runtime().spawn(async move {
        time::sleep(GRACE).await;
        sink.push(Context::OWN_ID, Event::Overdue);
      });
    }
  }
}
