//! What a plain Rust program reaches in the place of a subject, for the workloads of one connection: one thread, calls
//! that block, and one buffer that is used again and again. With a port it is a client, else a server.

use std::io::{Read, Result, Write};

use crate::meter::Meter;
use crate::options::Options;
use crate::tls::{Security, Transport};
use crate::{net, report};

/// Bytes of one small message, and messages of one turn: `subjects/harness.js` has the same.
const SMALL: usize = 16;
const PER_TURN: usize = 100;

pub fn receive(options: &Options) -> Result<()> {
  let mut stream = open(options)?;
  let mut meter = Meter::new(options);
  let mut buffer = vec![0; 64 * 1024];
  loop {
    meter.add(stream.read(&mut buffer)? as u64);
  }
}

pub fn send(options: &Options) -> Result<()> {
  let mut stream = open(options)?;
  let mut meter = Meter::new(options);
  let message = vec![b'x'; options.size];
  loop {
    stream.write_all(&message)?;
    meter.add(options.size as u64);
  }
}

pub fn small(options: &Options) -> Result<()> {
  let mut stream = open(options)?;
  let mut meter = Meter::new(options);
  let turn = [b'x'; SMALL * PER_TURN];
  meter.begin();
  for _ in 0..options.total / turn.len() as u64 {
    stream.write_all(&turn)?;
    meter.count(PER_TURN as u64);
  }
  stream.read_exact(&mut [0])?;
  meter.end()
}

pub fn echo(options: &Options) -> Result<()> {
  let mut stream = open(options)?;
  let mut meter = Meter::new(options);
  let mut buffer = vec![0; 64 * 1024];
  loop {
    let count = stream.read(&mut buffer)?;
    stream.write_all(&buffer[..count])?;
    meter.add(count as u64);
  }
}

pub fn open(options: &Options) -> Result<Box<dyn Transport>> {
  if options.port != 0 {
    return Security::client(options)?.wrap(net::connect(options.port, 0)?);
  }
  let (security, ca) = Security::server(options)?;
  let listener = net::listen()?;
  report::listening(listener.local_addr()?.port(), &ca);
  let (stream, _) = listener.accept()?;
  stream.set_nodelay(true)?;
  security.wrap(stream)
}
