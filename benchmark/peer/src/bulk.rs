//! Source, sink and handshakes: a thread for each connection, with blocking calls, which is the least work there is.
//! With a port these are clients, else servers.

use std::io::{Error, Read, Result, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::tls::{Security, Transport};
use crate::{net, report};

/// Large enough that calls cost little, small enough for the cache.
const CHUNK: usize = 128 * 1024;
/// What a source with a rate sends at once.
const PACED_CHUNK: usize = 64 * 1024;

/// Sends bytes to everybody who connects.
pub fn source(options: &Options) -> Result<()> {
  serve(options, |mut stream, options| {
    let data: Vec<u8> = (0..CHUNK).map(|n| n as u8).collect();
    let step = if options.rate > 0 { PACED_CHUNK } else { CHUNK };
    let begin = Instant::now();
    let mut sent = 0;
    while options.total == 0 || sent < options.total {
      let left = if options.total == 0 {
        u64::MAX
      } else {
        options.total - sent
      };
      stream.write_all(&data[..step.min(usize::try_from(left).unwrap_or(step))])?;
      sent += step as u64;
      if options.rate > 0 {
        let due = begin + Duration::from_secs_f64(sent as f64 / options.rate as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
      }
    }
    stream.flush()?;
    wait_for_end(stream)
  })
}

/// Takes bytes from everybody who connects, and answers with one byte when it has as many as were announced.
pub fn sink(options: &Options) -> Result<()> {
  if options.discard {
    return serve(options, |mut stream, _| {
      stream.handshake()?;
      while net::discard(stream.socket(), CHUNK)? > 0 {}
      Ok(())
    });
  }
  serve(options, |mut stream, options| {
    let mut buffer = vec![0; CHUNK];
    let mut taken = 0;
    loop {
      let count = stream.read(&mut buffer)? as u64;
      if count == 0 {
        return Ok(());
      }
      taken += count;
      if taken == options.total {
        stream.write_all(b"!")?;
      }
    }
  })
}

/// Makes TLS handshakes, and waits for the other side to end each connection.
pub fn handshake(options: &Options) -> Result<()> {
  if options.port == 0 {
    return serve(options, |stream, _| wait_for_end(stream));
  }
  let security = Security::client(options)?;
  let (failed, failure) = mpsc::channel();
  for first in 0..options.connections {
    let (security, options, failed) = (security.clone(), options.clone(), failed.clone());
    std::thread::spawn(move || {
      for number in (first..).step_by(options.connections) {
        if let Err(error) = shake(&security, &options, number) {
          let _ = failed.send(error);
          return;
        }
      }
    });
  }
  // A subject that cannot make handshakes must not pass as one that was not asked to.
  Err(failure.recv().map_err(Error::other)?)
}

fn shake(security: &Security, options: &Options, number: usize) -> Result<()> {
  let mut stream = security.wrap(net::connect(options.port, number)?)?;
  stream.handshake()?;
  // How the subject ends the connection is not the question.
  let _ = wait_for_end(stream);
  Ok(())
}

fn wait_for_end(mut stream: Box<dyn Transport>) -> Result<()> {
  let mut buffer = [0; 4096];
  while stream.read(&mut buffer)? > 0 {}
  Ok(())
}

/// Does the work on the one connection that this end opens, or on each that it accepts.
pub fn serve<F>(options: &Options, work: F) -> Result<()>
where
  F: Fn(Box<dyn Transport>, &Options) -> Result<()> + Clone + Send + 'static,
{
  if options.port != 0 {
    let stream = Security::client(options)?.wrap(net::connect(options.port, 0)?)?;
    return work(stream, options);
  }
  let (security, ca) = Security::server(options)?;
  let listener = net::listen()?;
  report::listening(listener.local_addr()?.port(), &ca);
  for stream in listener.incoming() {
    let stream = stream?;
    stream.set_nodelay(true)?;
    let (work, security, options) = (work.clone(), security.clone(), options.clone());
    // That a subject goes when it has measured enough is no error.
    std::thread::spawn(move || work(security.wrap(stream)?, &options));
  }
  Ok(())
}
