//! Measures the window of time that counts, for the `limit-…` roles. `subjects/harness.js` is the same in JavaScript.

use std::time::{Duration, Instant};

use crate::options::Options;
use crate::report;

pub struct Meter {
  warmup: Duration,
  duration: Duration,
  skip: u64,
  /// When the first work was done.
  first: Option<Instant>,
  window: Option<Sample>,
  work: u64,
}

#[derive(Clone, Copy)]
struct Sample {
  at: Instant,
  cpu: Duration,
  main_cpu: Duration,
  work: u64,
}

impl Meter {
  pub fn new(options: &Options) -> Self {
    Self {
      warmup: options.warmup,
      duration: options.duration,
      skip: options.skip,
      first: None,
      window: None,
      work: 0,
    }
  }

  /// Counts work; ends the process with a report when the window is over.
  pub fn add(&mut self, work: u64) {
    if self.skip > 0 {
      self.skip = self.skip.saturating_sub(work);
      return;
    }
    self.work += work;
    let now = Instant::now();
    match (&self.first, &self.window) {
      (None, _) => self.first = Some(now),
      (Some(first), None) if now - *first >= self.warmup => self.begin(),
      (_, Some(window)) if now - window.at >= self.duration => self.end(),
      _ => {}
    }
  }

  /// Opens the window, where it is not a matter of time.
  pub fn begin(&mut self) {
    self.window = Some(self.sample());
  }

  /// Closes the window, where it is not a matter of time.
  pub fn end(&self) -> ! {
    let (end, Some(begin)) = (self.sample(), self.window) else {
      report::finish(&[])
    };
    report::finish(&[
      ("work", (end.work - begin.work).to_string()),
      ("wall", (end.at - begin.at).as_secs_f64().to_string()),
      ("cpu", (end.cpu - begin.cpu).as_secs_f64().to_string()),
      (
        "mainCpu",
        (end.main_cpu - begin.main_cpu).as_secs_f64().to_string(),
      ),
      ("peakRss", report::peak_rss().to_string()),
    ])
  }

  /// Counts work of a window that is not a matter of time.
  pub fn count(&mut self, work: u64) {
    self.work += work;
  }

  fn sample(&self) -> Sample {
    Sample {
      at: Instant::now(),
      cpu: report::cpu(),
      main_cpu: report::thread_cpu(),
      work: self.work,
    }
  }
}
