//! Moments at which something of an owner's has to be looked at, such as a socket whose peer may have taken too long. They
//! are kept on the owner's thread. One sleeping task of the runtime, for the earliest of them, tells
//! that a timer is due, whereupon the owner's thread calls [`Timers::run`].

use std::{
  cell::{Cell, RefCell},
  collections::BTreeMap,
  panic::{AssertUnwindSafe, catch_unwind},
  rc::{Rc, Weak},
  sync::Arc,
  time::Instant,
};

use tokio::{runtime::Handle, task::AbortHandle, time};

use super::{
  EventSink, SocketId,
  event::{NOBODY, Notice},
};

/// Something that has to be looked at when its [`Timer`] is due.
pub(super) trait Timed {
  /// It is `now`, which is not before the moment that was asked for. Sets its timer again, if it has to be looked at
  /// again.
  fn overdue(self: Rc<Self>, now: Instant);
}

/// When something is to be looked at. Whoever has one clears it in the end, so that nothing is kept for it.
#[derive(Debug, Default)]
pub(super) struct Timer(Cell<Option<Instant>>);

impl Timer {
  /// Asks for one call of `timed`, named `id`, at the moment `at`, in place of what was asked for before.
  pub(super) fn set<T: Timed + 'static>(
    &self,
    timers: &Timers,
    id: SocketId,
    timed: &Rc<T>,
    at: Option<Instant>,
  ) {
    if self.0.get() == at {
      return;
    }
    {
      let mut due = timers.due.borrow_mut();
      if let Some(before) = self.0.replace(at) {
        due.remove(&(before, id));
      }
      if let Some(at) = at {
        let timed: Weak<T> = Rc::downgrade(timed);
        due.insert((at, id), timed);
      }
    }
    timers.sleep();
  }

  /// Takes back what was asked for.
  pub(super) fn clear(&self, timers: &Timers, id: SocketId) {
    if let Some(at) = self.0.take() {
      timers.due.borrow_mut().remove(&(at, id));
    }
  }

  /// The moment that was asked for last, also when it has passed.
  pub(super) fn at(&self) -> Option<Instant> {
    self.0.get()
  }
}

/// All timers of an owner.
pub(super) struct Timers {
  runtime: Handle,
  sink: Arc<dyn EventSink>,
  due: RefCell<BTreeMap<(Instant, SocketId), Weak<dyn Timed>>>,
  sleeper: RefCell<Option<Sleeper>>,
}

/// The task that sleeps until the earliest moment.
struct Sleeper {
  until: Instant,
  task: AbortHandle,
}

impl Timers {
  /// Their owner is told by `sink` when one is due.
  pub(super) fn new(runtime: Handle, sink: Arc<dyn EventSink>) -> Self {
    Self {
      runtime,
      sink,
      due: RefCell::default(),
      sleeper: RefCell::default(),
    }
  }

  /// Calls everything that is due.
  pub(super) fn run(&self) {
    let now = Instant::now();
    let due = {
      let mut due = self.due.borrow_mut();
      let later = due.split_off(&(now, SocketId::MAX));
      std::mem::replace(&mut *due, later)
    };
    // It has woken us, if it was for this.
    self.sleeper.borrow_mut().take_if(|sleeper| sleeper.until <= now);
    for timed in due.into_values().filter_map(|timed| timed.upgrade()) {
      // One that panics must not keep the others from being called.
      let _ = catch_unwind(AssertUnwindSafe(|| timed.overdue(now)));
    }
    self.sleep();
  }

  /// Sees to it that somebody sleeps until the earliest moment.
  fn sleep(&self) {
    let Some(until) = self.due.borrow().first_key_value().map(|((at, _), _)| *at) else {
      return;
    };
    let mut sleeper = self.sleeper.borrow_mut();
    if sleeper.as_ref().is_some_and(|sleeper| sleeper.until <= until) {
      return;
    }
    let sink = Arc::clone(&self.sink);
    // Not one of the context's tasks: nobody waits for it to end.
    let task = self.runtime.spawn(async move {
      time::sleep_until(until.into()).await;
      sink.push(NOBODY, Notice::TimerDue.into());
    });
    let task = task.abort_handle();
    if let Some(before) = sleeper.replace(Sleeper { until, task }) {
      before.task.abort();
    }
  }

  /// Nothing is looked at any more.
  pub(super) fn clear(&self) {
    self.due.borrow_mut().clear();
    if let Some(sleeper) = self.sleeper.take() {
      sleeper.task.abort();
    }
  }
}

#[cfg(test)]
mod tests {
  use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
  };

  use super::*;
  use crate::{
    net::{
      event::{Kind, Report},
      sync::Mutex,
    },
    runtime,
  };

  struct Sink(Mutex<Sender<()>>);

  impl EventSink for Sink {
    fn push(&self, id: SocketId, report: Report) {
      assert!(id == NOBODY && matches!(report.0, Kind::Notice(Notice::TimerDue)));
      self.0.lock().unwrap().send(()).unwrap();
    }
  }

  #[derive(Default)]
  struct Counted {
    timer: Timer,
    calls: Cell<u32>,
  }

  impl Timed for Counted {
    fn overdue(self: Rc<Self>, now: Instant) {
      assert!(self.timer.at().is_some_and(|at| at <= now), "called too early");
      self.calls.set(self.calls.get() + 1);
    }
  }

  fn timers() -> (Timers, Receiver<()>) {
    let (sender, overdue) = channel();
    let sink = Arc::new(Sink(Mutex::new(sender)));
    (Timers::new(runtime::handle().unwrap().clone(), sink), overdue)
  }

  #[test]
  fn the_earliest_is_called_first_and_one_that_was_set_again_not_before_its_new_moment() {
    let (timers, overdue) = timers();
    let [first, second, never]: [Rc<Counted>; 3] = Default::default();
    let start = Instant::now();
    let at = |milliseconds| Some(start + Duration::from_millis(milliseconds));
    second.timer.set(&timers, 2, &second, at(5));
    never.timer.set(&timers, 3, &never, at(6));
    first.timer.set(&timers, 1, &first, at(1));
    second.timer.set(&timers, 2, &second, at(40));
    never.timer.set(&timers, 3, &never, None);
    while second.calls.get() == 0 {
      overdue.recv().unwrap();
      timers.run();
      assert_eq!(first.calls.get(), 1);
    }
    assert_eq!((second.calls.get(), never.calls.get()), (1, 0));
    assert!(start.elapsed() >= Duration::from_millis(40));
  }

  #[test]
  fn what_is_gone_is_not_called() {
    let (timers, overdue) = timers();
    let [kept, dropped]: [Rc<Counted>; 2] = Default::default();
    let now = Some(Instant::now());
    kept.timer.set(&timers, 1, &kept, now);
    dropped.timer.set(&timers, 2, &dropped, now);
    drop(dropped);
    overdue.recv().unwrap();
    timers.run();
    assert_eq!(kept.calls.get(), 1);
  }

  #[test]
  fn nothing_is_kept_for_what_was_cleared() {
    let (timers, _overdue) = timers();
    let counted = Rc::new(Counted::default());
    let later = Some(Instant::now() + Duration::from_secs(3600));
    counted.timer.set(&timers, 1, &counted, later);
    assert_eq!(timers.due.borrow().len(), 1);
    counted.timer.clear(&timers, 1);
    assert!(timers.due.borrow().is_empty());
    assert_eq!(Rc::weak_count(&counted), 0);
  }
}
