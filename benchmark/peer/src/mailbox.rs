//! Reads a mailbox by POP3, as a plain Rust program; `subjects/pop3.js` does the same in JavaScript.

use std::io::{Error, Read, Result, Write};

use crate::limit;
use crate::options::Options;
use crate::tls::Transport;

const END: &[u8] = b"\r\n.\r\n";

struct Client {
  stream: Box<dyn Transport>,
  buffer: Vec<u8>,
  answer: Vec<u8>,
}

pub fn run(options: &Options) -> Result<()> {
  let mut client = Client {
    stream: limit::open(options)?,
    buffer: vec![0; 64 * 1024],
    answer: Vec::new(),
  };
  client.read(b"\r\n")?;
  client.ask("USER reader", b"\r\n")?;
  client.ask("PASS secret", b"\r\n")?;
  let announced = client.numbers("STAT", b"\r\n")?;
  client.ask("UIDL", END)?;
  let mut octets = 0;
  for number in 1..=announced[0] {
    let expected = client.numbers(&format!("RETR {number}"), END)?[0];
    let message = unstuff(&client.answer);
    if message.len() != expected {
      return Err(Error::other("a message of another size than announced"));
    }
    octets += expected;
  }
  if octets != announced[1] {
    return Err(Error::other("a mailbox of another size than announced"));
  }
  client.ask("QUIT", b"\r\n")?;
  client.stream.end()?;
  std::process::exit(0)
}

impl Client {
  fn ask(&mut self, command: &str, end: &[u8]) -> Result<()> {
    self.stream.write_all(format!("{command}\r\n").as_bytes())?;
    self.read(end)
  }

  /// Reads an answer, which is the only one under way.
  fn read(&mut self, end: &[u8]) -> Result<()> {
    self.answer.clear();
    while !self.answer.ends_with(end) {
      let count = self.stream.read(&mut self.buffer)?;
      if count == 0 {
        return Err(Error::other("the server went away"));
      }
      self.answer.extend_from_slice(&self.buffer[..count]);
    }
    match self.answer.starts_with(b"+OK") {
      true => Ok(()),
      false => Err(Error::other("the server refused a command")),
    }
  }

  /// The numbers in the first line of an answer.
  fn numbers(&mut self, command: &str, end: &[u8]) -> Result<Vec<usize>> {
    self.ask(command, end)?;
    let line = self
      .answer
      .split(|byte| *byte == b'\r')
      .next()
      .unwrap_or_default();
    Ok(
      String::from_utf8_lossy(line)
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect(),
    )
  }
}

/// The message in an answer to RETR, without doubled dots.
fn unstuff(answer: &[u8]) -> Vec<u8> {
  let first = answer.iter().position(|byte| *byte == b'\n').unwrap_or_default();
  // From the end of the first line to that of the last one before the dot.
  let stuffed = &answer[first + 1..answer.len() - 3];
  let mut message = Vec::with_capacity(stuffed.len());
  for line in stuffed.split_inclusive(|byte| *byte == b'\n') {
    message.extend_from_slice(if line.starts_with(b"..") { &line[1..] } else { line });
  }
  message
}
