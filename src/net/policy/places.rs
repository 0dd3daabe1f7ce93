//! A bounded number of places for tasks whose end is up to a stranger. Where all are taken, the one whose peer has been
//! silent longest loses its place to the newcomer: so newcomers never wait, and honest peers, who speak, are the last to
//! be dropped.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio_util::sync::CancellationToken;

use crate::net::sync::{Mutex, lock};

/// See the module.
#[derive(Debug)]
pub(in crate::net) struct Places {
  most: usize,
  state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
  /// Counts who came and who was heard: of two at the same moment it says who was first.
  last: u64,
  /// In the order in which they were heard last, and until when they make no room. Whoever loses its place has its token cancelled.
  taken: BTreeMap<u64, (Instant, CancellationToken)>,
}

impl State {
  fn next(&mut self) -> u64 {
    self.last += 1;
    self.last
  }

  fn drop_oldest(&mut self) {
    if let Some((_, (_, lost))) = self.taken.pop_first() {
      lost.cancel();
    }
  }
}

impl Places {
  pub(in crate::net) fn new(most: usize) -> Arc<Self> {
    Arc::new(Self {
      most,
      state: Mutex::new(State::default()),
    })
  }

  /// A place for one more. Until then it makes no room, but for another one where all places are taken.
  pub(in crate::net) fn enter(self: &Arc<Self>, until: Instant) -> Place {
    let lost = CancellationToken::new();
    let heard = self.with(|state| {
      if state.taken.len() >= self.most {
        state.drop_oldest();
      }
      let heard = state.next();
      state.taken.insert(heard, (until, lost.clone()));
      heard
    });
    Place {
      places: Arc::clone(self),
      heard,
      lost,
    }
  }

  /// Makes room `now`: of those whose time is over, takes the place of the one that has been silent longest. Its task ends a moment
  /// later. `false` where there is none.
  pub(in crate::net) fn make_room(&self, now: Instant) -> bool {
    self.with(|state| {
      let mut taken = state.taken.iter();
      let over = taken.find_map(|(heard, (until, _))| (*until <= now).then_some(*heard));
      let lost = over.and_then(|heard| state.taken.remove(&heard));
      lost.map(|(_, lost)| lost.cancel()).is_some()
    })
  }

  fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
    f(&mut lock(&self.state))
  }
}

/// One of the [`Places`], given back when it is dropped.
#[derive(Debug)]
pub(in crate::net) struct Place {
  places: Arc<Places>,
  heard: u64,
  lost: CancellationToken,
}

impl Place {
  /// The peer said something. Until then it makes no room.
  pub(in crate::net) fn heard(&mut self, until: Instant) {
    let before = self.heard;
    self.heard = self.places.with(|state| {
      let heard = state.next();
      if let Some((_, lost)) = state.taken.remove(&before) {
        state.taken.insert(heard, (until, lost));
      }
      heard
    });
  }

  /// Whether the place was lost.
  pub(in crate::net) fn lost(&self) -> CancellationToken {
    self.lost.clone()
  }
}

impl Drop for Place {
  fn drop(&mut self) {
    self.places.with(|state| state.taken.remove(&self.heard));
  }
}

#[cfg(test)]
mod tests {
  use std::time::Duration;

  use super::*;

  fn lost(places: &[Place]) -> Vec<bool> {
    places.iter().map(|place| place.lost.is_cancelled()).collect()
  }

  #[test]
  fn a_newcomer_takes_the_place_of_the_one_that_was_silent_longest() {
    let places = Places::new(3);
    let mut taken: Vec<_> = (0..3).map(|_| places.enter(Instant::now())).collect();
    taken[0].heard(Instant::now());
    taken.push(places.enter(Instant::now()));
    assert_eq!(lost(&taken), [false, true, false, false]);
    taken.push(places.enter(Instant::now()));
    assert_eq!(lost(&taken), [false, true, true, false, false]);
  }

  #[test]
  fn a_place_that_was_given_back_is_free() {
    let places = Places::new(1);
    drop(places.enter(Instant::now()));
    let only = places.enter(Instant::now());
    assert!(!only.lost.is_cancelled());
    drop(only);
    assert!(!places.make_room(Instant::now()));
  }

  #[test]
  fn whose_time_is_not_over_makes_no_room() {
    let places = Places::new(4);
    let began = Instant::now();
    let at = |seconds| began + Duration::from_secs(seconds);
    let mut taken: Vec<_> = [at(1), at(9), at(2)].map(|until| places.enter(until)).into();
    assert!(!places.make_room(began));
    taken[0].heard(at(5));
    assert!(
      places.make_room(at(3)),
      "the third, though the second is silent for longer"
    );
    assert!(!places.make_room(at(3)));
    assert_eq!(lost(&taken), [false, false, true]);
  }

  #[test]
  fn whoever_has_lost_its_place_takes_none_by_speaking() {
    let places = Places::new(1);
    let mut first = places.enter(Instant::now());
    let second = places.enter(Instant::now());
    first.heard(Instant::now());
    drop(first);
    assert!(!second.lost.is_cancelled());
    assert!(places.make_room(Instant::now()));
    assert!(!places.make_room(Instant::now()));
  }
}

/// Every order in which tasks come, are heard, and go; see [`crate::net::sync`].
#[cfg(all(test, loom_model))]
mod loom_model {
  use loom::thread;

  use super::*;

  #[test]
  fn never_more_hold_a_place_than_there_are_and_the_last_to_come_or_to_speak_does() {
    loom::model(|| {
      let places = Places::new(1);
      let tasks = [(); 2].map(|()| {
        let places = Arc::clone(&places);
        thread::spawn(move || {
          let mut place = places.enter(Instant::now());
          place.heard(Instant::now());
          place
        })
      });
      let taken = tasks.map(|task| task.join().unwrap());
      let held = taken.iter().filter(|place| !place.lost.is_cancelled()).count();
      assert_eq!(held, 1);
      drop(taken);
      assert!(!places.make_room(Instant::now()), "all are given back");
    });
  }

  #[test]
  fn a_place_is_lost_at_most_once_though_it_is_given_back_meanwhile() {
    loom::model(|| {
      let places = Places::new(2);
      let (first, second) = (places.enter(Instant::now()), places.enter(Instant::now()));
      let (lost_first, lost_second) = (first.lost(), second.lost());
      let leaves = thread::spawn(move || drop(first));
      let dropped =
        usize::from(places.make_room(Instant::now())) + usize::from(places.make_room(Instant::now()));
      leaves.join().unwrap();
      let lost = [lost_first, lost_second]
        .iter()
        .filter(|lost| lost.is_cancelled())
        .count();
      assert_eq!(lost, dropped);
      assert!(!places.make_room(Instant::now()));
      drop(second);
      // Whoever comes now finds room.
      let (third, fourth) = (places.enter(Instant::now()), places.enter(Instant::now()));
      assert!(!third.lost.is_cancelled() && !fourth.lost.is_cancelled());
    });
  }
}
