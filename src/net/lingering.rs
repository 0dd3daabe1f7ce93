//! Connections after our FIN that the owner's thread still watches, because closing the descriptor could destroy what
//! the peer has not read yet: see [`settle`](super::settle). Tasks do the same for connections that have a task.

use std::{
  cell::RefCell,
  collections::HashMap,
  io::ErrorKind,
  rc::Rc,
  time::{Duration, Instant},
};

use super::{
  Context, Event, SocketId,
  connection::SCRATCH,
  direct::receive,
  event::Readiness,
  poll_set::Member,
  settle::{self, MOST_SETTLING, Settling},
  timers::{Timed, Timer},
};

/// How often it is looked at what peers have acknowledged.
const LOOK: Duration = Duration::from_millis(250);

/// Belongs to a [`Context`].
#[derive(Default)]
pub(super) struct Lingering {
  members: RefCell<HashMap<SocketId, Lingerer>>,
  timer: Timer,
}

struct Lingerer {
  member: Member,
  since: Instant,
  settling: Settling,
}

impl Lingering {
  /// Watches what has sent FIN, and reports `Settled` when it needs nobody any more. Of more than [`MOST_SETTLING`] the
  /// one that has lingered longest is given up.
  pub(super) fn add(self: &Rc<Self>, context: &Context, id: SocketId, mut member: Member) {
    let wanted = Readiness {
      read: true,
      ..Readiness::default()
    };
    if member.wait_for(wanted).is_err() {
      return context.sink().push(id, Event::Settled);
    }
    if self.members.borrow().len() >= MOST_SETTLING {
      self.drop_oldest(context);
    }
    let since = Instant::now();
    let lingerer = Lingerer {
      member,
      since,
      settling: Settling::default(),
    };
    self.members.borrow_mut().insert(id, lingerer);
    context.room().note(self.members.borrow().len());
    if self.timer.at().is_none() {
      self.timer.set(context, Context::OWN_ID, self, Some(since + LOOK));
    }
  }

  /// The poll set found `id` ready. `false` where that is none of these.
  pub(super) fn ready(&self, context: &Context, id: SocketId) -> bool {
    let mut members = self.members.borrow_mut();
    let Some(lingerer) = members.get(&id) else {
      return false;
    };
    let read = SCRATCH.with_borrow_mut(|scratch| receive(lingerer.member.stream(), scratch));
    let has_ended = match read {
      Ok(bytes) => bytes == 0,
      Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    if has_ended {
      settled(context, &mut members, id);
    }
    true
  }

  /// Closes the one that has lingered longest. `false` where there is none.
  pub(super) fn drop_oldest(&self, context: &Context) -> bool {
    let mut members = self.members.borrow_mut();
    let oldest = members.iter().min_by_key(|(id, lingerer)| (lingerer.since, **id));
    let Some(id) = oldest.map(|(id, _)| *id) else {
      return false;
    };
    settled(context, &mut members, id);
    true
  }

  /// Gives all of them to tasks, because the owner's thread is about to wait for something else.
  pub(super) fn hand_over(&self, context: &Context) {
    for (id, lingerer) in self.members.take() {
      settle::spawn(context, id, lingerer.member.into_stream());
    }
  }

  /// Closes all of them.
  pub(super) fn clear(&self) {
    self.members.take();
  }
}

/// Closes `id`, which needs nobody any more.
fn settled(context: &Context, members: &mut HashMap<SocketId, Lingerer>, id: SocketId) {
  members.remove(&id);
  context.room().note(members.len());
  context.sink().push(id, Event::Settled);
}

impl Timed for Lingering {
  fn overdue(self: Rc<Self>, context: &Context, now: Instant) {
    let mut members = self.members.borrow_mut();
    members.retain(|id, lingerer| {
      let unacknowledged = crate::os::unacknowledged(lingerer.member.stream());
      let goes_on = lingerer.settling.goes_on(unacknowledged.ok(), now);
      if !goes_on {
        context.sink().push(*id, Event::Settled);
      }
      goes_on
    });
    context.room().note(members.len());
    let next = (!members.is_empty()).then(|| now + LOOK);
    self.timer.set(context, Context::OWN_ID, &self, next);
  }
}
