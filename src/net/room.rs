//! A task's wish that the owner's thread close connections that only linger, because descriptors have run out: what that
//! thread watches, tasks cannot reach.

use std::sync::{Arc, atomic::Ordering};

use super::{
  EventSink,
  event::{NOBODY, Notice},
  sync::AtomicUsize,
};

/// See the module. One for each owner.
pub(super) struct Room {
  sink: Arc<dyn EventSink>,
  /// How many connections the owner's thread watches after FIN.
  lingering: AtomicUsize,
}

impl Room {
  pub(super) fn new(sink: Arc<dyn EventSink>) -> Self {
    let lingering = AtomicUsize::new(0);
    Self { sink, lingering }
  }

  /// Asks the owner's thread. `false` where there is nothing that it could close.
  pub(super) fn ask(&self) -> bool {
    let can_be_made = self.lingering.load(Ordering::Relaxed) > 0;
    if can_be_made {
      self.sink.push(NOBODY, Notice::MakeRoom.into());
    }
    can_be_made
  }

  /// So many linger now.
  pub(super) fn note(&self, lingering: usize) {
    self.lingering.store(lingering, Ordering::Relaxed);
  }
}

/// Every order in which a task asks and the owner's thread counts; see [`crate::net::sync`].
#[cfg(all(test, loom_model))]
mod loom_model {
  use loom::{sync::Mutex, thread};

  use super::*;
  use crate::net::{Report, SocketId, event::Kind, sync::lock};

  #[derive(Default)]
  struct Sink(Mutex<usize>);

  impl EventSink for Sink {
    fn push(&self, id: SocketId, report: Report) {
      assert!(id == NOBODY && matches!(report.0, Kind::Notice(Notice::MakeRoom)));
      *lock(&self.0) += 1;
    }
  }

  #[test]
  fn whoever_hears_that_room_is_made_has_been_told_of_and_nobody_else_has() {
    loom::model(|| {
      let sink = Arc::<Sink>::default();
      let room = Arc::new(Room::new(sink.clone()));
      let askers = [(); 2].map(|()| {
        let room = Arc::clone(&room);
        thread::spawn(move || usize::from(room.ask()))
      });
      room.note(1);
      room.note(0);
      let heard: usize = askers.into_iter().map(|asker| asker.join().unwrap()).sum();
      assert_eq!(*lock(&sink.0), heard);
      assert!(!room.ask(), "none lingers any more");
    });
  }

  #[test]
  fn whoever_asks_after_a_connection_began_to_linger_is_not_refused() {
    loom::model(|| {
      let room = Arc::new(Room::new(Arc::<Sink>::default()));
      room.note(1);
      let asker = Arc::clone(&room);
      assert!(thread::spawn(move || asker.ask()).join().unwrap());
    });
  }
}
