//! An echo for any number of connections, which it accepts or, with a port, opens; as `limit-…` the measure of what an
//! event loop can reach.

use std::io::{ErrorKind, Result};

use crate::epoll::{Epoll, READ, WRITE};
use crate::meter::Meter;
use crate::options::Options;
use crate::tls::{Security, Transport};
use crate::{net, report};

/// What the meter counts.
#[derive(Clone, Copy, PartialEq)]
pub enum Count {
  Nothing,
  Bytes,
  Connections,
}

struct Connection {
  stream: Box<dyn Transport>,
  /// What the system did not take. Nothing is read meanwhile.
  pending: Vec<u8>,
}

const LISTENER: usize = usize::MAX;

pub fn run(options: &Options, count: Count) -> Result<()> {
  let mut epoll = Epoll::new()?;
  let mut connections: Vec<Option<Connection>> = Vec::new();
  let mut free = Vec::new();
  let (listener, security) = if options.port == 0 {
    let (security, ca) = Security::server(options)?;
    let listener = net::listen()?;
    listener.set_nonblocking(true)?;
    epoll.add(&listener, READ, LISTENER)?;
    report::listening(listener.local_addr()?.port(), &ca);
    (Some(listener), security)
  } else {
    let security = Security::client(options)?;
    for number in 0..options.connections {
      let mut stream = security.wrap(net::connect(options.port, number)?)?;
      stream.handshake()?;
      connections.push(Some(Connection::new(&epoll, stream, number)?));
    }
    (None, security)
  };

  let mut meter = Meter::new(options);
  let mut buffer = vec![0; 64 * 1024];
  loop {
    for (token, _) in epoll.wait()? {
      if token == LISTENER {
        while let Some(Ok((stream, _))) = listener.as_ref().map(|listener| listener.accept()) {
          let token = free.pop().unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
          });
          stream.set_nodelay(true)?;
          connections[token] = Some(Connection::new(&epoll, security.wrap(stream)?, token)?);
        }
        continue;
      }
      while let Some(connection) = &mut connections[token] {
        match serve(&epoll, connection, token, &mut buffer) {
          Ok(Some(bytes)) => {
            if count == Count::Bytes && bytes > 0 {
              meter.add(bytes as u64);
            }
            if !connection.pending.is_empty() || !connection.stream.pending() {
              break;
            }
          }
          Ok(None) | Err(_) => {
            connections[token] = None;
            free.push(token);
            if count == Count::Connections {
              meter.add(1);
            }
          }
        }
      }
    }
  }
}

impl Connection {
  fn new(epoll: &Epoll, stream: Box<dyn Transport>, token: usize) -> Result<Self> {
    stream.socket().set_nonblocking(true)?;
    epoll.add(stream.socket(), READ, token)?;
    Ok(Self {
      stream,
      pending: Vec::new(),
    })
  }
}

/// Moves what can be moved, and returns how many bytes came; `None` at the end of the connection.
fn serve(
  epoll: &Epoll,
  connection: &mut Connection,
  token: usize,
  buffer: &mut [u8],
) -> Result<Option<usize>> {
  if !connection.pending.is_empty() {
    let sent = write(&mut *connection.stream, &connection.pending)?;
    connection.pending.drain(..sent);
    if connection.pending.is_empty() {
      epoll.modify(connection.stream.socket(), READ, token)?;
    }
    return Ok(Some(0));
  }
  let count = match connection.stream.read(buffer) {
    Ok(0) => return Ok(None),
    Ok(count) => count,
    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(0)),
    Err(error) => return Err(error),
  };
  let sent = write(&mut *connection.stream, &buffer[..count])?;
  if sent < count {
    connection.pending.extend_from_slice(&buffer[sent..count]);
    epoll.modify(connection.stream.socket(), WRITE, token)?;
  }
  Ok(Some(count))
}

fn write(stream: &mut dyn Transport, bytes: &[u8]) -> Result<usize> {
  match stream.write(bytes) {
    Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
    result => result,
  }
}
