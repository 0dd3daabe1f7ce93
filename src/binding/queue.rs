//! The events of an environment, in order: tasks push, the JavaScript thread pops. It knows no Node: what wakes the
//! JavaScript thread is a [`Bell`].

use std::collections::VecDeque;

use crate::net::{
  EventSink, Report, SocketId,
  sync::{Mutex, lock},
};

/// Makes the JavaScript thread look at the queue.
pub(super) trait Bell: Send + 'static {
  /// Called from any thread, under the queue's lock; must neither block nor look at the queue.
  fn ring(&self);
}

/// A queue that is closed until a bell is hung up, and closed for ever once it is taken down.
pub(super) struct Queue<B> {
  state: Mutex<State<B>>,
}

struct State<B> {
  events: VecDeque<(SocketId, Report)>,
  /// A ring is outstanding, or the JavaScript thread is at work and will look again: no need to ring.
  attended: bool,
  /// `None` before there is one, and once the environment is being torn down: nothing is queued then. Every ring happens under the
  /// lock.
  bell: Option<B>,
}

impl<B> Default for Queue<B> {
  fn default() -> Self {
    Self {
      state: Mutex::new(State {
        events: VecDeque::new(),
        attended: false,
        bell: None,
      }),
    }
  }
}

impl<B: Bell> Queue<B> {
  /// From now on events are queued, and `bell` is rung for them.
  pub(super) fn open(&self, bell: B) {
    lock(&self.state).bell = Some(bell);
  }

  /// Takes the bell down: when this returns nobody rings, and nobody will. What was not delivered is dropped.
  pub(super) fn close(&self) {
    let (bell, events) = {
      let mut state = lock(&self.state);
      (state.bell.take(), std::mem::take(&mut state.events))
    };
    // Not under the lock: what is dropped may report to this very queue.
    drop((bell, events));
  }

  /// Calls `f` with the bell, which cannot be taken down meanwhile. `None` when it was.
  pub(super) fn with_bell<T>(&self, f: impl FnOnce(&B) -> T) -> Option<T> {
    lock(&self.state).bell.as_ref().map(f)
  }

  /// The next event. JavaScript thread only.
  pub(super) fn pop(&self) -> Option<(SocketId, Report)> {
    let mut state = lock(&self.state);
    let next = state.events.pop_front();
    state.attended = next.is_some();
    next
  }

  /// Nothing waits to be delivered.
  pub(super) fn is_empty(&self) -> bool {
    lock(&self.state).events.is_empty()
  }

  /// From now on, until `pop` finds nothing, the JavaScript thread is at work: no need to ring.
  pub(super) fn attend(&self) {
    lock(&self.state).attended = true;
  }

  /// Whether anything is left, for which the caller sees to a ring. Otherwise the JavaScript thread may leave: the next push
  /// rings.
  pub(super) fn has_more(&self) -> bool {
    let mut state = lock(&self.state);
    state.attended = !state.events.is_empty();
    state.attended
  }

  /// Rings, unless the bell was taken down.
  pub(super) fn ring(&self) {
    self.with_bell(Bell::ring);
  }
}

impl<B: Bell> EventSink for Queue<B> {
  fn push(&self, id: SocketId, report: Report) {
    let mut state = lock(&self.state);
    let Some(bell) = &state.bell else { return };
    if !state.attended {
      bell.ring();
    }
    state.attended = true;
    state.events.push_back((id, report));
  }
}

/// Every order in which tasks, the JavaScript thread and the end of the environment can come together; see
/// [`crate::net::sync`].
#[cfg(all(test, loom_model))]
mod loom_model {
  use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
      Arc,
      atomic::{AtomicUsize, Ordering},
    },
  };

  use loom::{
    sync::{atomic::AtomicBool, mpsc},
    thread,
  };

  use super::*;
  use crate::net::{Event, event::listener_with_leave};

  enum Message {
    Ring,
    /// The loop finds a poll set readable.
    Turn,
    /// The environment has ended.
    End,
  }

  /// Stands for the threadsafe function: what Node has of it, and what became of it.
  #[derive(Clone)]
  struct ModelBell {
    messages: mpsc::Sender<Message>,
    rings: Arc<AtomicUsize>,
    /// Loom's, so that other threads may run between a decision to ring and the ring.
    is_freed: Arc<AtomicBool>,
    /// A turn answers what others have rung for.
    may_ring_twice: bool,
  }

  impl Bell for ModelBell {
    fn ring(&self) {
      assert!(!self.is_freed.load(Ordering::SeqCst), "rung after the teardown");
      let outstanding = self.rings.fetch_add(1, Ordering::SeqCst);
      assert!(
        outstanding == 0 || self.may_ring_twice,
        "two rings are outstanding"
      );
      self.messages.send(Message::Ring).ok();
    }
  }

  /// The JavaScript thread.
  struct Js {
    queue: Arc<Queue<ModelBell>>,
    bell: ModelBell,
    messages: mpsc::Receiver<Message>,
    delivered: Vec<SocketId>,
    /// How many of what was delivered was an accepted connection.
    connections: usize,
  }

  impl Js {
    fn new() -> Self {
      Self::with(false)
    }

    /// With a poll set.
    fn polling() -> Self {
      Self::with(true)
    }

    fn with(may_ring_twice: bool) -> Self {
      let (sender, messages) = mpsc::channel();
      let bell = ModelBell {
        messages: sender,
        rings: Arc::default(),
        is_freed: Arc::new(AtomicBool::new(false)),
        may_ring_twice,
      };
      let queue = Arc::new(Queue::default());
      queue.open(bell.clone());
      Self {
        queue,
        bell,
        messages,
        delivered: Vec::new(),
        connections: 0,
      }
    }

    /// A task that reports `first`, `first + 1`, …
    fn pusher(&self, first: SocketId, count: SocketId) -> thread::JoinHandle<()> {
      let queue = Arc::clone(&self.queue);
      thread::spawn(move || {
        for id in first..first + count {
          queue.push(id, Event::Opened.into());
        }
      })
    }

    /// Waits for a ring and does what the hub does then. `false` when the environment has ended.
    fn answer(&mut self) -> bool {
      match self.messages.recv() {
        Ok(Message::Ring) => {}
        _ => return false,
      }
      self.bell.rings.fetch_sub(1, Ordering::SeqCst);
      if self.deliver_next() && self.queue.has_more() {
        self.queue.ring();
      }
      true
    }

    /// As the hub does: what is for the engine itself is done, which may push, and what is for the owner is delivered.
    fn deliver_next(&mut self) -> bool {
      while let Some((id, report)) = self.queue.pop() {
        self.delivered.push(id);
        self.connections += usize::from(report.is_accepted());
        drop(report);
        if !is_notice(id) {
          return true;
        }
        if id < OF_JS {
          self.queue.push(OF_JS + id, Event::Opened.into());
        }
      }
      false
    }

    /// Waits for a ring or a turn, and does what the hub does where it has a poll set.
    fn answer_polling(&mut self) {
      match self.messages.recv() {
        Ok(Message::Ring) => {
          self.deliver_next();
          if self.queue.has_more() {
            self.bell.messages.send(Message::Ring).unwrap();
          }
        }
        Ok(Message::Turn) => {
          self.queue.attend();
          // A turn has time for one event.
          if self.deliver_next() {
            self.bell.messages.send(Message::Turn).unwrap();
          }
        }
        _ => {}
      }
    }

    /// Each task's events came in order, from its first on, without a gap. Their ids differ in the last digit.
    fn check_order(&self, pushers: &[SocketId]) {
      for first in pushers {
        let of_this: Vec<_> = self
          .delivered
          .iter()
          .copied()
          .filter(|id| id / 10 == first / 10)
          .collect();
        let expected: Vec<_> = (*first..).take(of_this.len()).collect();
        assert_eq!(of_this, expected);
      }
    }
  }

  /// What the JavaScript thread itself pushes while it answers a notice has this and the id of that.
  const OF_JS: SocketId = 1000;

  /// Stands for what the engine answers, and nobody is called for.
  fn is_notice(id: SocketId) -> bool {
    id % 10 > 4
  }

  fn tear_down(queue: &Queue<ModelBell>, bell: &ModelBell) {
    queue.close();
    bell.is_freed.store(true, Ordering::SeqCst);
  }

  #[test]
  fn every_event_is_delivered_in_order_with_one_ring_at_a_time() {
    loom::model(|| {
      let mut js = Js::new();
      let pushers = [js.pusher(10, 2), js.pusher(20, 2)];
      // Does not end when an event waits that nobody rings for, which loom reports as a deadlock.
      while js.delivered.len() < 4 {
        js.answer();
      }
      for pusher in pushers {
        pusher.join().unwrap();
      }
      js.check_order(&[10, 20]);
      assert_eq!(js.bell.rings.load(Ordering::SeqCst), 0, "a ring without an event");
      assert!(!js.queue.has_more());
    });
  }

  #[test]
  fn every_event_is_delivered_though_notices_come_between_and_answers_push_more() {
    loom::model(|| {
      let mut js = Js::new();
      // 14 is an event, 15 a notice, and so is its answer 1015. 24 is an event.
      let pushers = [js.pusher(14, 2), js.pusher(24, 1)];
      while js.delivered.len() < 4 {
        js.answer();
      }
      for pusher in pushers {
        pusher.join().unwrap();
      }
      js.check_order(&[14, 24, 1015]);
      assert!(!js.queue.has_more());
    });
  }

  /// The loop may find the poll set readable at any moment, with a ring outstanding or not.
  #[test]
  fn every_event_is_delivered_where_rings_and_turns_of_a_poll_set_come_together() {
    loom::model(|| {
      let mut js = Js::polling();
      let pusher = js.pusher(14, 2);
      let messages = js.bell.messages.clone();
      let readable = thread::spawn(move || messages.send(Message::Turn).unwrap());
      while js.delivered.len() < 3 {
        js.answer_polling();
      }
      pusher.join().unwrap();
      readable.join().unwrap();
      js.check_order(&[14, 1015]);
    });
  }

  #[test]
  fn nobody_rings_after_an_environment_ended_between_two_events() {
    for before in 0..3 {
      loom::model(move || {
        let mut js = Js::new();
        let pushers = [js.pusher(10, 2), js.pusher(20, 2)];
        while js.delivered.len() < before {
          js.answer();
        }
        tear_down(&js.queue, &js.bell);
        assert!(js.queue.pop().is_none(), "an event outlived its environment");
        js.queue.ring();
        for pusher in pushers {
          pusher.join().unwrap();
        }
        js.check_order(&[10, 20]);
        assert!(js.queue.pop().is_none(), "an event came to a closed queue");
      });
    }
  }

  // More than Node does, which ends an environment on its own thread.
  #[test]
  fn nobody_rings_after_an_environment_ended_during_a_delivery() {
    loom::model(|| {
      let mut js = Js::new();
      let pusher = js.pusher(10, 2);
      let (queue, bell) = (Arc::clone(&js.queue), js.bell.clone());
      let teardown = thread::spawn(move || {
        tear_down(&queue, &bell);
        bell.messages.send(Message::End).ok();
      });
      while js.answer() {}
      pusher.join().unwrap();
      teardown.join().unwrap();
      js.check_order(&[10]);
      assert!(js.queue.pop().is_none());
    });
  }

  /// A connection to be handed over. No system call belongs into a model.
  fn connection() -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    TcpStream::connect(listener.local_addr().unwrap()).unwrap()
  }

  #[test]
  fn connections_that_are_handed_over_all_arrive_though_there_is_leave_for_one_at_a_time() {
    let stream = connection();
    loom::model(move || {
      let mut js = Js::new();
      let queue = Arc::clone(&js.queue);
      // As the listener does: it is told by the queue itself, also while the JavaScript thread takes from it.
      let accept = listener_with_leave(1, move || queue.push(15, Event::Drained.into()));
      let mut tasks = Vec::new();
      while js.connections < 2 {
        if tasks.len() < 2
          && let Some(report) = accept(stream.try_clone().unwrap())
        {
          let (queue, id) = (Arc::clone(&js.queue), 20 + tasks.len() as SocketId);
          tasks.push(thread::spawn(move || queue.push(id, report)));
        }
        // Waits for ever where nobody tells that there is leave again, which loom reports as a deadlock.
        js.answer();
      }
      for task in tasks {
        task.join().unwrap();
      }
      js.check_order(&[20]);
    });
  }

  #[test]
  fn a_connection_gives_its_leave_back_once_though_the_environment_ends_while_it_is_handed_over() {
    let stream = connection();
    loom::model(move || {
      let js = Js::new();
      let told = Arc::new(AtomicUsize::new(0));
      let (queue, counter) = (Arc::clone(&js.queue), Arc::clone(&told));
      let accept = listener_with_leave(1, move || {
        counter.fetch_add(1, Ordering::SeqCst);
        queue.push(15, Event::Drained.into());
      });
      let report = accept(stream.try_clone().unwrap()).unwrap();
      let queue = Arc::clone(&js.queue);
      let task = thread::spawn(move || queue.push(20, report));
      assert!(accept(stream.try_clone().unwrap()).is_none());
      // The report is dropped by who closes the queue, or by who comes too late, and tells this very queue.
      tear_down(&js.queue, &js.bell);
      task.join().unwrap();
      assert_eq!(told.load(Ordering::SeqCst), 1);
      assert!(accept(stream.try_clone().unwrap()).is_some(), "leave was lost");
      assert!(js.queue.pop().is_none());
    });
  }
}
