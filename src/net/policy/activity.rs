//! When bytes last moved on a connection, either way: noted by whoever moves them, and only where somebody wants to know.

use std::time::Instant;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::net) struct Activity(Option<Instant>);

impl Activity {
  /// Somebody wants to know from now on.
  pub(in crate::net) fn watch(&mut self) {
    self.0.get_or_insert_with(Instant::now);
  }

  /// Bytes moved just now.
  pub(in crate::net) fn note(&mut self) {
    if let Some(last) = &mut self.0 {
      *last = Instant::now();
    }
  }

  /// The last moment that was noted, or the first from which anybody wanted to know.
  pub(in crate::net) fn last(self) -> Option<Instant> {
    self.0
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn it_is_noted_only_where_somebody_wants_to_know() {
    let mut activity = Activity::default();
    activity.note();
    assert_eq!(activity.last(), None);
    activity.watch();
    let first = activity.last().unwrap();
    activity.watch();
    assert_eq!(activity.last(), Some(first));
    while Instant::now() == first {}
    activity.note();
    assert!(activity.last() > Some(first));
  }
}
