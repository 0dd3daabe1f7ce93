//! A socket that is read 64 KiB at a time, and can gather what is written. OpenSSL asks for the five bytes that begin a
//! record and then for the rest, rustls for 4 KiB; and OpenSSL writes each record by itself. Each of these would be a
//! system call.

use std::io::{ErrorKind, IoSlice, Read, Result, Write};
use std::net::TcpStream;

const CAPACITY: usize = 64 * 1024;

pub struct Buffered {
  stream: TcpStream,
  buffer: Box<[u8]>,
  begin: usize,
  end: usize,
  /// What waits for `flush`, where writes are gathered.
  gathered: Option<Vec<u8>>,
}

impl Buffered {
  pub fn new(stream: TcpStream, gathers: bool) -> Self {
    Self {
      stream,
      buffer: vec![0; CAPACITY].into_boxed_slice(),
      begin: 0,
      end: 0,
      gathered: gathers.then(Vec::new),
    }
  }

  pub fn socket(&self) -> &TcpStream {
    &self.stream
  }

  pub fn is_empty(&self) -> bool {
    self.begin == self.end
  }
}

impl Read for Buffered {
  fn read(&mut self, target: &mut [u8]) -> Result<usize> {
    if self.is_empty() {
      self.begin = 0;
      self.end = 0;
      self.end = self.stream.read(&mut self.buffer)?;
    }
    let count = target.len().min(self.end - self.begin);
    target[..count].copy_from_slice(&self.buffer[self.begin..self.begin + count]);
    self.begin += count;
    Ok(count)
  }
}

impl Write for Buffered {
  fn write(&mut self, bytes: &[u8]) -> Result<usize> {
    let Some(gathered) = &mut self.gathered else {
      return self.stream.write(bytes);
    };
    gathered.extend_from_slice(bytes);
    Ok(bytes.len())
  }

  fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<usize> {
    self.stream.write_vectored(parts)
  }

  /// On a socket that does not block, what the system does not take remains for the next time.
  fn flush(&mut self) -> Result<()> {
    let Some(gathered) = &mut self.gathered else {
      return Ok(());
    };
    let mut sent = 0;
    let result = loop {
      if sent == gathered.len() {
        break Ok(());
      }
      match self.stream.write(&gathered[sent..]) {
        Ok(count) => sent += count,
        Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
        Err(error) => break Err(error),
      }
    };
    gathered.drain(..sent);
    result
  }
}
