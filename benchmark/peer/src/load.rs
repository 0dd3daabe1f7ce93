//! The client of an echo server: many connections, each with one message under way.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use crate::epoll::{Epoll, READ, WRITE};
use crate::net;
use crate::options::Options;

/// After this many connections it waits for an echo, so that the backlog of no subject overflows.
const SYNC_EVERY: usize = 64;

struct Connection {
  stream: TcpStream,
  /// Bytes of the message that the system has not taken.
  to_send: usize,
  to_receive: usize,
}

pub fn run(options: &Options) -> Result<()> {
  let mut epoll = Epoll::new()?;
  let mut connections = connect_all(options)?;
  for (token, connection) in connections.iter().enumerate() {
    connection.stream.set_nonblocking(true)?;
    epoll.add(&connection.stream, READ, token)?;
  }
  let message = vec![b'x'; options.size];
  let mut buffer = vec![0; 64 * 1024];
  for (token, connection) in connections.iter_mut().enumerate() {
    next_message(&epoll, connection, token, &message)?;
  }
  loop {
    for (token, events) in epoll.wait()? {
      let connection = &mut connections[token];
      if events & WRITE != 0 {
        send_rest(&epoll, connection, token, &message)?;
      }
      if events & !WRITE == 0 {
        continue;
      }
      // Errors end the process: a subject that drops connections must not pass as a fast one.
      let count = connection.stream.read(&mut buffer)?;
      if count == 0 {
        return Ok(());
      }
      connection.to_receive -= count;
      if connection.to_receive == 0 {
        next_message(&epoll, connection, token, &message)?;
      }
    }
  }
}

fn connect_all(options: &Options) -> Result<Vec<Connection>> {
  let mut connections = Vec::with_capacity(options.connections);
  for number in 1..=options.connections {
    let mut stream = net::connect(options.port, number)?;
    if number.is_multiple_of(SYNC_EVERY) {
      let mut byte = [b's'];
      stream.write_all(&byte)?;
      stream.read_exact(&mut byte)?;
    }
    connections.push(Connection {
      stream,
      to_send: 0,
      to_receive: 0,
    });
  }
  Ok(connections)
}

fn next_message(epoll: &Epoll, connection: &mut Connection, token: usize, message: &[u8]) -> Result<()> {
  connection.to_send = message.len();
  connection.to_receive = message.len();
  send_rest(epoll, connection, token, message)
}

fn send_rest(epoll: &Epoll, connection: &mut Connection, token: usize, message: &[u8]) -> Result<()> {
  match connection
    .stream
    .write(&message[message.len() - connection.to_send..])
  {
    Ok(count) => connection.to_send -= count,
    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
    Err(error) => return Err(error),
  }
  // A message nearly always fits into the socket's buffer at once.
  if connection.to_send > 0 {
    return epoll.modify(&connection.stream, READ | WRITE, token);
  }
  Ok(())
}
