//! Permission for so many accepted connections to wait for their owner. A listener that has found none is told when there is some
//! again.

use std::sync::{Arc, atomic::Ordering};

use super::sync::{AtomicBool, AtomicUsize};

/// Of one listener, which alone takes them where it wants to be told. They are given back by any thread.
pub(super) struct Credits {
  left: AtomicUsize,
  /// Somebody has found none.
  is_wanted: AtomicBool,
  tell: Box<dyn Fn() + Send + Sync>,
}

impl Credits {
  /// Permission for `most`. `tell` is called when there is some again that somebody missed; from any thread.
  pub(super) fn new(most: usize, tell: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
    Arc::new(Self {
      left: AtomicUsize::new(most),
      is_wanted: AtomicBool::new(false),
      tell: Box::new(tell),
    })
  }

  /// Permission for so many more.
  pub(super) fn add(&self, more: usize) {
    let plenty = |left: usize| Some(left.saturating_add(more));
    // It always changes something, so it cannot fail.
    let _ = self
      .left
      .fetch_update(Ordering::AcqRel, Ordering::Acquire, plenty);
    if self.is_wanted.swap(false, Ordering::AcqRel) {
      (self.tell)();
    }
  }

  /// Whether there is permission. Where there is none, the listener is told as soon as there is.
  pub(super) fn is_any(&self) -> bool {
    self.is_wanted.swap(true, Ordering::AcqRel);
    let is_any = self.left.load(Ordering::Acquire) > 0;
    if is_any {
      self.is_wanted.swap(false, Ordering::AcqRel);
    }
    is_any
  }

  /// Uses permission for one up. `false` where there is none. Who calls this is not told when there is.
  pub(super) fn use_up(&self) -> bool {
    let less = |left: usize| left.checked_sub(1);
    let taken = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    taken.is_ok()
  }

  /// Permission for one, which is given back when it is dropped. Where there is none, the listener is told as soon as there is.
  pub(super) fn take(self: &Arc<Self>) -> Option<Credit> {
    // The wish is only ever exchanged: so whoever gave one back before this has made that visible by its own exchange, and
    // whoever does later finds the wish.
    self.is_wanted.swap(true, Ordering::AcqRel);
    let less = |left: usize| left.checked_sub(1);
    let taken = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    taken.ok()?;
    self.is_wanted.swap(false, Ordering::AcqRel);
    let credits = Arc::clone(self);
    Some(Credit {
      credits,
      is_spent: false,
    })
  }
}

impl std::fmt::Debug for Credits {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct("Credits")
      .field("left", &self.left)
      .finish_non_exhaustive()
  }
}

/// See [`Credits::take`].
#[derive(Debug)]
pub(super) struct Credit {
  credits: Arc<Credits>,
  is_spent: bool,
}

impl Credit {
  /// It is not given back.
  pub(super) fn spend(mut self) {
    self.is_spent = true;
  }
}

impl Drop for Credit {
  fn drop(&mut self) {
    if !self.is_spent {
      self.credits.add(1);
    }
  }
}

#[cfg(test)]
mod tests {
  use std::sync::Mutex;

  use super::*;

  #[test]
  fn whoever_found_none_is_told_once_when_there_is_some_again() {
    let told = Arc::new(Mutex::new(0));
    let tell = Arc::clone(&told);
    let credits = Credits::new(2, move || *tell.lock().unwrap() += 1);
    let taken = [credits.take().unwrap(), credits.take().unwrap()];
    assert!(credits.take().is_none());
    assert_eq!(*told.lock().unwrap(), 0);
    drop(taken);
    assert_eq!(*told.lock().unwrap(), 1, "for both");
    drop(credits.take().unwrap());
    assert_eq!(*told.lock().unwrap(), 1, "nobody missed any");
  }

  #[test]
  fn permission_for_any_number_stays_permission_for_any_number() {
    let credits = Credits::new(1, || ());
    for _ in 0..2 {
      credits.add(usize::MAX);
    }
    let taken = [(); 3].map(|()| credits.take().unwrap());
    drop(taken);
  }
}

/// Every order in which a listener takes permissions and others give them back; see [`crate::net::sync`].
#[cfg(all(test, loom_model))]
mod loom_model {
  use loom::{sync::mpsc, thread};

  use super::*;

  /// Takes a permission that often, and waits to be told where there is none. Does not end when it is never told, which loom reports
  /// as a deadlock. Gives back what it took by way of `give_back`.
  fn listen(
    credits: &Arc<Credits>,
    told: &mpsc::Receiver<()>,
    times: usize,
    mut give_back: impl FnMut(Credit),
  ) {
    let mut taken = 0;
    while taken < times {
      match credits.take() {
        Some(credit) => {
          taken += 1;
          give_back(credit);
        }
        None => told.recv().unwrap(),
      }
    }
  }

  fn credits(most: usize) -> (Arc<Credits>, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    // Only ever used by one thread at a time, which loom's sender does not know.
    let tell = loom::sync::Mutex::new(tell);
    let credits = Credits::new(most, move || tell.lock().unwrap().send(()).unwrap());
    (credits, told)
  }

  #[test]
  fn a_listener_that_found_none_is_told_when_two_threads_give_back() {
    let mut model = loom::model::Builder::new();
    // All of its orders take minutes. A thread that is interrupted more often shows nothing new.
    model.preemption_bound = Some(3);
    model.check(|| {
      let (credits, told) = credits(2);
      let givers = [(); 2].map(|()| {
        let credit = credits.take().unwrap();
        thread::spawn(move || drop(credit))
      });
      let mut kept = Vec::new();
      listen(&credits, &told, 2, |credit| kept.push(credit));
      for giver in givers {
        giver.join().unwrap();
      }
      assert!(credits.take().is_none(), "there are two, whoever has them");
    });
  }

  #[test]
  fn a_listener_with_one_is_told_each_time() {
    loom::model(|| {
      let (credits, told) = credits(1);
      let mut givers = Vec::new();
      listen(&credits, &told, 3, |credit| {
        givers.push(thread::spawn(move || drop(credit)))
      });
      for giver in givers {
        giver.join().unwrap();
      }
      assert!(credits.take().is_some());
    });
  }
}
