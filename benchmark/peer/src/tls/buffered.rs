//! A socket that is read 64 KiB at a time. OpenSSL asks for the five bytes that begin a record and then for the rest,
//! rustls for 4 KiB; each of these would be a system call.

use std::io::{IoSlice, Read, Result, Write};
use std::net::TcpStream;

const CAPACITY: usize = 64 * 1024;

pub struct Buffered {
  stream: TcpStream,
  buffer: Box<[u8]>,
  begin: usize,
  end: usize,
}

impl Buffered {
  pub fn new(stream: TcpStream) -> Self {
    Self {
      stream,
      buffer: vec![0; CAPACITY].into_boxed_slice(),
      begin: 0,
      end: 0,
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
    self.stream.write(bytes)
  }

  fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<usize> {
    self.stream.write_vectored(parts)
  }

  fn flush(&mut self) -> Result<()> {
    Ok(())
  }
}
