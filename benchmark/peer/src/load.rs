//! Round trips: one connection or many, each with one message under way, whose echo the subject sends. The times are
//! taken here, with the same clock for every subject. With a port it connects; without, it waits for the subject to
//! open all connections, and then begins.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::time::{Duration, Instant};

use crate::epoll::{Epoll, READ, WRITE};
use crate::options::Options;
use crate::ping::quantile;
use crate::tls::{Security, Transport};
use crate::{net, report};

/// After this many connections it waits for an echo, so that the backlog of no subject overflows.
const SYNC_EVERY: usize = 64;
/// How long the system may take to end the connections of a process that is gone.
const GONE: Duration = Duration::from_secs(1);

struct Connection {
  stream: Box<dyn Transport>,
  /// Bytes of the message that the system has not taken.
  to_send: usize,
  to_receive: usize,
  sent: Instant,
}

pub fn run(options: &Options) -> Result<()> {
  let mut epoll = Epoll::new()?;
  let mut connections = if options.port == 0 {
    accept_all(options)?
  } else {
    connect_all(options)?
  };
  for (token, connection) in connections.iter().enumerate() {
    connection.stream.socket().set_nonblocking(true)?;
    epoll.add(connection.stream.socket(), READ, token)?;
  }
  let message = vec![b'x'; options.size];
  let mut buffer = vec![0; 64 * 1024];
  let mut times = Vec::with_capacity(1 << 20);
  let begin = Instant::now();
  for (token, connection) in connections.iter_mut().enumerate() {
    next_message(&epoll, connection, token, &message, begin)?;
  }
  loop {
    for (token, events) in epoll.wait()? {
      let connection = &mut connections[token];
      if events & WRITE != 0 {
        send_rest(&epoll, connection, token, &message)?;
        if connection.to_send == 0 {
          epoll.modify(connection.stream.socket(), READ, token)?;
        }
      }
      if events & !WRITE == 0 {
        continue;
      }
      loop {
        match connection.stream.read(&mut buffer) {
          Ok(count) if count > 0 => connection.to_receive -= count,
          // A ticket, or a part of a record.
          Err(error) if error.kind() == ErrorKind::WouldBlock => {}
          // The subject ends when it has measured enough.
          Ok(_) | Err(_) => return finish(&mut connections, &mut times, begin.elapsed()),
        }
        if connection.to_receive == 0 {
          let now = Instant::now();
          if connection.sent - begin >= options.warmup {
            times.push((now - connection.sent).as_nanos() as u64);
          }
          next_message(&epoll, connection, token, &message, now)?;
        }
        if !connection.stream.pending() {
          break;
        }
      }
    }
  }
}

/// A subject that drops one connection must not pass as a fast one: all of them have to end.
fn finish(connections: &mut [Connection], times: &mut [u64], elapsed: Duration) -> Result<()> {
  let mut buffer = vec![0; 64 * 1024];
  for connection in connections {
    let socket = connection.stream.socket();
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(GONE))?;
    loop {
      match connection.stream.read(&mut buffer) {
        Ok(count) if count > 0 => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
          return Err(Error::other("the subject ended a connection, and kept others"));
        }
        Ok(_) | Err(_) => break,
      }
    }
  }
  report::finish(&[
    ("count", times.len().to_string()),
    ("seconds", elapsed.as_secs_f64().to_string()),
    ("p50", quantile(times, 0.50).to_string()),
    ("p99", quantile(times, 0.99).to_string()),
  ])
}

fn accept_all(options: &Options) -> Result<Vec<Connection>> {
  let (security, ca) = Security::server(options)?;
  let listener = net::listen()?;
  report::listening(listener.local_addr()?.port(), &ca);
  (0..options.connections)
    .map(|_| {
      let (stream, _) = listener.accept()?;
      stream.set_nodelay(true)?;
      Connection::new(security.wrap(stream)?)
    })
    .collect()
}

fn connect_all(options: &Options) -> Result<Vec<Connection>> {
  let security = Security::client(options)?;
  let mut connections = Vec::with_capacity(options.connections);
  for number in 1..=options.connections {
    let mut connection = Connection::new(security.wrap(net::connect(options.port, number)?)?)?;
    if number.is_multiple_of(SYNC_EVERY) {
      let mut byte = [b's'];
      connection.stream.write_all(&byte)?;
      connection.stream.read_exact(&mut byte)?;
    }
    connections.push(connection);
  }
  Ok(connections)
}

impl Connection {
  fn new(mut stream: Box<dyn Transport>) -> Result<Self> {
    stream.handshake()?;
    Ok(Self {
      stream,
      to_send: 0,
      to_receive: 0,
      sent: Instant::now(),
    })
  }
}

fn next_message(
  epoll: &Epoll,
  connection: &mut Connection,
  token: usize,
  message: &[u8],
  now: Instant,
) -> Result<()> {
  connection.to_send = message.len();
  connection.to_receive = message.len();
  connection.sent = now;
  send_rest(epoll, connection, token, message)
}

fn send_rest(epoll: &Epoll, connection: &mut Connection, token: usize, message: &[u8]) -> Result<()> {
  match connection
    .stream
    .write(&message[message.len() - connection.to_send..])
  {
    Ok(count) => connection.to_send -= count,
    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
    // That the subject is gone shows when this is read from.
    Err(_) => connection.to_send = 0,
  }
  // A message nearly always fits into the socket's buffer at once.
  if connection.to_send > 0 {
    return epoll.modify(connection.stream.socket(), READ | WRITE, token);
  }
  Ok(())
}
