//! A mailbox that is read by POP3 (RFC 1939): enough of the protocol for a client that logs in, lists, fetches all and
//! quits. The messages are made before the port is told, so that serving them is one write for each.

use std::io::{Read, Result, Write};
use std::sync::Arc;

use crate::bulk;
use crate::options::Options;
use crate::tls::Transport;

/// Sizes of messages, in KiB, again and again: most are short texts, some are newsletters or have pictures, and a few
/// have a document. 20 messages are 2.7 MiB.
const SIZES: [usize; 20] = [
  2, 3, 4, 5, 6, 8, 9, 11, 14, 18, 22, 27, 35, 46, 60, 75, 90, 150, 400, 1800,
];
const LINE: usize = 76;
/// A line of a message in so many begins with a dot, which POP3 doubles.
const DOT_EVERY: usize = 40;

struct Message {
  /// Its size as it is told to clients: without doubled dots.
  octets: usize,
  /// The whole answer to RETR.
  answer: Vec<u8>,
}

pub fn run(options: &Options) -> Result<()> {
  let mailbox = Arc::new((0..options.connections).map(message).collect::<Vec<_>>());
  bulk::serve(options, move |stream, _| serve(stream, &mailbox))
}

fn serve(mut stream: Box<dyn Transport>, mailbox: &[Message]) -> Result<()> {
  let mut commands = Vec::new();
  let mut buffer = [0; 4096];
  stream.write_all(b"+OK ready\r\n")?;
  loop {
    let count = stream.read(&mut buffer)?;
    if count == 0 {
      return stream.end();
    }
    commands.extend_from_slice(&buffer[..count]);
    while let Some(end) = commands.windows(2).position(|pair| pair == b"\r\n") {
      let command = String::from_utf8_lossy(&commands[..end]).into_owned();
      commands.drain(..end + 2);
      answer(&mut *stream, &command, mailbox)?;
    }
  }
}

fn answer(stream: &mut dyn Transport, command: &str, mailbox: &[Message]) -> Result<()> {
  let (verb, argument) = command.split_once(' ').unwrap_or((command, ""));
  let number = argument.parse::<usize>().unwrap_or(0);
  match verb {
    "USER" | "PASS" | "QUIT" => stream.write_all(b"+OK\r\n"),
    "STAT" => {
      let octets: usize = mailbox.iter().map(|message| message.octets).sum();
      stream.write_all(format!("+OK {} {octets}\r\n", mailbox.len()).as_bytes())
    }
    "UIDL" => {
      let lines: String = (1..=mailbox.len())
        .map(|number| format!("{number} benchmark-{number:08}\r\n"))
        .collect();
      stream.write_all(format!("+OK\r\n{lines}.\r\n").as_bytes())
    }
    "RETR" if (1..=mailbox.len()).contains(&number) => stream.write_all(&mailbox[number - 1].answer),
    _ => stream.write_all(b"-ERR\r\n"),
  }
}

fn message(index: usize) -> Message {
  let size = SIZES[index % SIZES.len()] * 1024;
  let mut body = format!(
    "From: sender@example.org\r\nTo: reader@example.org\r\nSubject: message {index}\r\n\
     Date: Fri, 27 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{index}@example.org>\r\n\r\n"
  )
  .into_bytes();
  let mut octets = body.len();
  for line in 0.. {
    if octets >= size {
      break;
    }
    let mut text: Vec<u8> = (0..LINE)
      .map(|column| b'A' + ((index + line * 7 + column * 3) % 26) as u8)
      .collect();
    if line % DOT_EVERY == 0 {
      text[0] = b'.';
      body.push(b'.');
    }
    text.extend_from_slice(b"\r\n");
    octets += text.len();
    body.extend_from_slice(&text);
  }
  let mut answer = format!("+OK {octets} octets\r\n").into_bytes();
  answer.extend_from_slice(&body);
  answer.extend_from_slice(b".\r\n");
  Message { octets, answer }
}
