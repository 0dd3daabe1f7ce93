//! An echo server for any number of connections; as `limit-…` the measure of what an event loop can reach.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use crate::epoll::{Epoll, READ, WRITE};
use crate::meter::Meter;
use crate::options::Options;
use crate::{net, report};

/// What the meter counts.
#[derive(Clone, Copy, PartialEq)]
pub enum Count {
  Nothing,
  Bytes,
  Connections,
}

struct Connection {
  stream: TcpStream,
  /// What the system did not take. Nothing is read meanwhile.
  pending: Vec<u8>,
}

const LISTENER: usize = usize::MAX;

pub fn run(options: &Options, count: Count) -> Result<()> {
  let listener = net::listen()?;
  listener.set_nonblocking(true)?;
  let mut epoll = Epoll::new()?;
  epoll.add(&listener, READ, LISTENER)?;
  report::listening(listener.local_addr()?.port(), "");

  let mut meter = Meter::new(options);
  let mut connections: Vec<Option<Connection>> = Vec::new();
  let mut free = Vec::new();
  let mut buffer = vec![0; 64 * 1024];
  loop {
    for (token, _) in epoll.wait()? {
      if token == LISTENER {
        while let Ok((stream, _)) = listener.accept() {
          let token = free.pop().unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
          });
          stream.set_nonblocking(true)?;
          stream.set_nodelay(true)?;
          epoll.add(&stream, READ, token)?;
          connections[token] = Some(Connection {
            stream,
            pending: Vec::new(),
          });
        }
        continue;
      }
      let Some(connection) = &mut connections[token] else {
        continue;
      };
      match serve(&epoll, connection, token, &mut buffer) {
        Ok(Some(bytes)) if count == Count::Bytes && bytes > 0 => meter.add(bytes as u64),
        Ok(Some(_)) => {}
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

/// Moves what can be moved, and returns how many bytes came; `None` at the end of the connection.
fn serve(
  epoll: &Epoll,
  connection: &mut Connection,
  token: usize,
  buffer: &mut [u8],
) -> Result<Option<usize>> {
  if !connection.pending.is_empty() {
    let sent = write(&mut connection.stream, &connection.pending)?;
    connection.pending.drain(..sent);
    if connection.pending.is_empty() {
      epoll.modify(&connection.stream, READ, token)?;
    }
    return Ok(Some(0));
  }
  let count = match connection.stream.read(buffer) {
    Ok(0) => return Ok(None),
    Ok(count) => count,
    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(0)),
    Err(error) => return Err(error),
  };
  let sent = write(&mut connection.stream, &buffer[..count])?;
  if sent < count {
    connection.pending.extend_from_slice(&buffer[sent..count]);
    epoll.modify(&connection.stream, WRITE, token)?;
  }
  Ok(Some(count))
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize> {
  match stream.write(bytes) {
    Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
    result => result,
  }
}
