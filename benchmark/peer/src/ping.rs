//! Round trips over one connection that the subject opens: send, await the echo, send. The times are taken here, with
//! the same clock for every subject.

use std::io::{Read, Result, Write};
use std::time::Instant;

use crate::options::Options;
use crate::{net, report};

pub fn run(options: &Options) -> Result<()> {
  let listener = net::listen()?;
  report::listening(listener.local_addr()?.port(), "");
  let (mut stream, _) = listener.accept()?;
  stream.set_nodelay(true)?;
  let message = vec![b'x'; options.size];
  let mut reply = vec![0; options.size];
  let mut times = Vec::with_capacity(1 << 20);
  let begin = Instant::now();
  loop {
    let sent = Instant::now();
    // The subject ends the connection when it has measured enough.
    if stream
      .write_all(&message)
      .and_then(|()| stream.read_exact(&mut reply))
      .is_err()
    {
      break;
    }
    if sent - begin >= options.warmup {
      times.push(sent.elapsed().as_nanos() as u64);
    }
  }
  report::finish(&[
    ("count", times.len().to_string()),
    ("p50", quantile(&mut times, 0.50).to_string()),
    ("p99", quantile(&mut times, 0.99).to_string()),
  ])
}

/// In seconds.
pub fn quantile(times: &mut [u64], q: f64) -> f64 {
  if times.is_empty() {
    return 0.0;
  }
  times.sort_unstable();
  times[((times.len() - 1) as f64 * q) as usize] as f64 / 1e9
}
