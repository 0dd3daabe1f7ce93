//! Source, sink and handshakes: a thread for each connection, with blocking calls, which is the least work there is.

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::tls::Transport;
use crate::{net, report, tls};

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
    return serve_plain(options, |stream, _| {
      while net::discard(&stream, CHUNK)? > 0 {}
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
  serve(options, |stream, _| wait_for_end(stream))
}

fn wait_for_end(mut stream: Box<dyn Transport>) -> Result<()> {
  let mut buffer = [0; 4096];
  while stream.read(&mut buffer)? > 0 {}
  Ok(())
}

fn serve(options: &Options, work: fn(Box<dyn Transport>, &Options) -> Result<()>) -> Result<()> {
  if !options.tls {
    let listener = net::listen()?;
    report::listening(listener.local_addr()?.port(), "");
    return each(listener, options, move |stream, options| {
      work(Box::new(stream), options)
    });
  }
  let (config, ca) = tls::server()?;
  let listener = net::listen()?;
  report::listening(listener.local_addr()?.port(), &ca);
  each(listener, options, move |stream, options| {
    work(Box::new(tls::accept(stream, &Arc::clone(&config))?), options)
  })
}

fn serve_plain(options: &Options, work: fn(TcpStream, &Options) -> Result<()>) -> Result<()> {
  let listener = net::listen()?;
  report::listening(listener.local_addr()?.port(), "");
  each(listener, options, work)
}

fn each<F>(listener: std::net::TcpListener, options: &Options, work: F) -> Result<()>
where
  F: Fn(TcpStream, &Options) -> Result<()> + Clone + Send + 'static,
{
  for stream in listener.incoming() {
    let stream = stream?;
    stream.set_nodelay(true)?;
    let (work, options) = (work.clone(), options.clone());
    // That a subject goes when it has measured enough is no error.
    std::thread::spawn(move || work(stream, &options));
  }
  Ok(())
}
