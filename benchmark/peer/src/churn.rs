//! Connections that live for one message: connect, send, await the echo, close. A fixed number of them at a time.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use crate::epoll::{Epoll, READ, WRITE};
use crate::meter::Meter;
use crate::net;
use crate::options::Options;

struct Connection {
  stream: TcpStream,
  to_receive: usize,
}

/// With a meter it is the `limit-connect` role.
pub fn run(options: &Options, mut meter: Option<Meter>) -> Result<()> {
  let mut epoll = Epoll::new()?;
  let message = vec![b'x'; options.size];
  let mut buffer = vec![0; 64 * 1024];
  let mut started = 0;
  let mut open = |epoll: &Epoll, token: usize| -> Result<Connection> {
    started += 1;
    let stream = net::connect_nonblocking(options.port, started)?;
    epoll.add(&stream, WRITE, token)?;
    Ok(Connection {
      stream,
      to_receive: options.size,
    })
  };
  let mut connections = (0..options.connections)
    .map(|token| open(&epoll, token))
    .collect::<Result<Vec<_>>>()?;
  loop {
    for (token, events) in epoll.wait()? {
      let connection = &mut connections[token];
      if events & WRITE != 0 {
        // A small message fits into the buffer of a new socket.
        connection.stream.write_all(&message)?;
        epoll.modify(&connection.stream, READ, token)?;
        continue;
      }
      match connection.stream.read(&mut buffer) {
        Ok(count) if count > 0 => connection.to_receive -= count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        // A subject that drops connections must not pass as a fast one.
        Ok(_) => return Err(ErrorKind::UnexpectedEof.into()),
        Err(error) => return Err(error),
      }
      if connection.to_receive == 0 {
        connections[token] = open(&epoll, token)?;
        if let Some(meter) = &mut meter {
          meter.add(1);
        }
      }
    }
  }
}
