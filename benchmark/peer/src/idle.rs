//! Idle connections: opens them (or, without a port, lets the subject open them), and takes the time of a round trip
//! while few and while all are there.
//!
//! It directs the subject by one-byte messages, each of which the subject echoes: `p` is a ping, `m` asks it to measure
//! its memory, `o` to open the other connections, and `q` to report.

use std::io::Result;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::ping::quantile;
use crate::tls::{Security, Transport};
use crate::{net, report};

/// The connections of the first measurement; `subjects/harness.js` has the same number.
const FEW: usize = 100;
const PINGS: usize = 300;
/// Until everything that opening connections left behind has come to rest.
const SETTLE: Duration = Duration::from_millis(200);
/// After this many connections it waits for an echo, so that the backlog of no subject overflows.
const SYNC_EVERY: usize = 64;

pub fn run(options: &Options) -> Result<()> {
  let (listener, security) = if options.port == 0 {
    let (security, ca) = Security::server(options)?;
    let listener = net::listen()?;
    report::listening(listener.local_addr()?.port(), &ca);
    (Some(listener), security)
  } else {
    (None, Security::client(options)?)
  };
  let mut connections = Vec::with_capacity(options.connections);
  let grow = |connections: &mut _, to| grow(connections, to, &listener, &security, options);
  grow(&mut connections, FEW)?;
  let mut few = measure(&mut connections)?;
  ask(&mut *connections[0], b'o')?;
  let begin = Instant::now();
  grow(&mut connections, options.connections)?;
  let opening = begin.elapsed();
  let mut all = measure(&mut connections)?;
  ask(&mut *connections[0], b'q')?;
  // The subject reports, and goes. Before that, an end of its connections would be an error to it.
  let _ = connections[0].read(&mut [0]);
  report::finish(&[
    ("few", quantile(&mut few, 0.5).to_string()),
    ("all", quantile(&mut all, 0.5).to_string()),
    ("opening", opening.as_secs_f64().to_string()),
  ])
}

fn grow(
  connections: &mut Vec<Box<dyn Transport>>,
  to: usize,
  listener: &Option<TcpListener>,
  security: &Security,
  options: &Options,
) -> Result<()> {
  while connections.len() < to {
    let number = connections.len() + 1;
    let stream = match listener {
      Some(listener) => listener.accept()?.0,
      None => net::connect(options.port, number)?,
    };
    stream.set_nodelay(true)?;
    let mut stream = security.wrap(stream)?;
    stream.handshake()?;
    if listener.is_none() && (number.is_multiple_of(SYNC_EVERY) || number == to) {
      ask(&mut *stream, b'p')?;
    }
    connections.push(stream);
  }
  Ok(())
}

fn measure(connections: &mut [Box<dyn Transport>]) -> Result<Vec<u64>> {
  std::thread::sleep(SETTLE);
  ask(&mut *connections[0], b'm')?;
  let count = connections.len();
  // Never the same connection twice in a row: each one has been idle.
  (1..=PINGS)
    .map(|n| ask(&mut *connections[n * 7919 % count], b'p'))
    .collect()
}

/// Sends a byte, and returns how long its echo took, in nanoseconds.
fn ask(stream: &mut dyn Transport, what: u8) -> Result<u64> {
  let sent = Instant::now();
  let mut byte = [what];
  stream.write_all(&byte)?;
  stream.read_exact(&mut byte)?;
  Ok(sent.elapsed().as_nanos() as u64)
}
