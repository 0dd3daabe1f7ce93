//! What a TLS library takes for its connection: memory. Ciphertext that was received waits here to be read by the library,
//! and what the library writes waits here to be sent. Nothing blocks, and nothing does I/O.
//!
//! The memory is lent by the thread for as long as something is in it. So an idle session owns none, and a thousand of
//! them share two buffers.

use std::{
  cell::RefCell,
  io::{self, Read, Write},
};

/// The most ciphertext that is received at a time. With what the library holds of a record that began earlier, it never
/// opens to more than 64 KiB of plaintext: a record has 16 KiB at most (RFC 8446 section 5.1).
pub const MOST_RECEIVED: usize = 48 * 1024 - 512;

/// Memory for output is lent again unless something unusual made it larger than this.
const MOST_LENT: usize = 256 * 1024;

thread_local! {
  /// For what is received: of `MOST_RECEIVED` bytes, or lent.
  static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
  /// For what is to be sent: empty, or lent.
  static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// See the module.
#[derive(Debug, Default)]
pub struct Wire {
  /// `input[read..received]` waits for the library.
  input: Vec<u8>,
  read: usize,
  received: usize,
  /// `output[sent..]` waits to be sent.
  output: Vec<u8>,
  sent: usize,
}

impl Wire {
  /// Calls `receive` with memory for ciphertext, unless some of it waits to be read. Returns how much was received.
  ///
  /// # Errors
  /// What `receive` says.
  pub fn receive(&mut self, receive: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
    if self.has_input() {
      return Ok(self.received - self.read);
    }
    let mut memory = INPUT.take();
    memory.resize(MOST_RECEIVED, 0);
    let outcome = receive(&mut memory);
    self.input = memory;
    (self.read, self.received) = (0, *outcome.as_ref().unwrap_or(&0));
    self.give_back_input();
    outcome
  }

  /// Received and not read by the library.
  pub fn has_input(&self) -> bool {
    self.read < self.received
  }

  /// Drops what was received and not read.
  pub fn drop_input(&mut self) {
    self.read = self.received;
    self.give_back_input();
  }

  /// Keeps what was received and not read in memory of its own, because the session leaves this thread.
  pub fn keep_input(&mut self) {
    if self.has_input() {
      let kept = self.input[self.read..self.received].to_vec();
      let lent = std::mem::replace(&mut self.input, kept);
      INPUT.set(lent);
      (self.read, self.received) = (0, self.input.len());
    }
  }

  fn give_back_input(&mut self) {
    if !self.has_input() {
      let memory = std::mem::take(&mut self.input);
      if memory.len() == MOST_RECEIVED {
        INPUT.set(memory);
      }
      (self.read, self.received) = (0, 0);
    }
  }

  /// What the library wrote and was not sent.
  pub fn output(&self) -> &[u8] {
    &self.output[self.sent..]
  }

  /// The first `bytes` of the output were sent.
  pub fn sent(&mut self, bytes: usize) {
    self.sent += bytes;
    if self.sent >= self.output.len() {
      self.drop_output();
    }
  }

  /// Drops what was not sent.
  pub fn drop_output(&mut self) {
    self.sent = 0;
    let mut memory = std::mem::take(&mut self.output);
    if (1..=MOST_LENT).contains(&memory.capacity()) {
      memory.clear();
      OUTPUT.set(memory);
    }
  }
}

impl Read for Wire {
  /// What was received, or that nothing is there at this moment. The end of a connection is no matter of the library's: only
  /// TLS itself can end TLS (RFC 8446 section 6.1).
  fn read(&mut self, memory: &mut [u8]) -> io::Result<usize> {
    if !self.has_input() {
      return Err(io::ErrorKind::WouldBlock.into());
    }
    let bytes = memory.len().min(self.received - self.read);
    memory[..bytes].copy_from_slice(&self.input[self.read..self.read + bytes]);
    self.read += bytes;
    self.give_back_input();
    Ok(bytes)
  }
}

impl Write for Wire {
  fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
    if self.output.capacity() == 0 {
      self.output = OUTPUT.take();
    }
    // What is sent is only forgotten when all of it is, which a peer that asks for answers can put off for ever.
    if self.sent > self.output.len() / 2 {
      self.output.drain(..self.sent);
      self.sent = 0;
    }
    self.output.extend_from_slice(bytes);
    Ok(bytes.len())
  }

  fn flush(&mut self) -> io::Result<()> {
    Ok(())
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn receive(wire: &mut Wire, bytes: &[u8]) -> usize {
    let received = wire.receive(|memory| {
      memory[..bytes.len()].copy_from_slice(bytes);
      Ok(bytes.len())
    });
    received.unwrap()
  }

  #[test]
  fn what_is_received_is_read_once_and_in_order() {
    let mut wire = Wire::default();
    assert_eq!(receive(&mut wire, b"abcde"), 5);
    let mut memory = [0; 3];
    assert_eq!(wire.read(&mut memory).unwrap(), 3);
    assert_eq!(&memory, b"abc");
    assert_eq!(
      receive(&mut wire, b"never"),
      2,
      "nothing is received while something waits"
    );
    assert_eq!(wire.read(&mut memory).unwrap(), 2);
    assert_eq!(&memory[..2], b"de");
    let nothing = wire.read(&mut memory).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
  }

  #[test]
  fn memory_goes_back_to_the_thread_when_it_is_empty() {
    let mut wire = Wire::default();
    receive(&mut wire, b"ab");
    wire.write_all(b"cd").unwrap();
    wire.read_exact(&mut [0; 2]).unwrap();
    wire.sent(1);
    assert_eq!(wire.output(), b"d");
    wire.sent(1);
    assert_eq!((wire.input.capacity(), wire.output.capacity()), (0, 0));
    assert_eq!(INPUT.with_borrow(Vec::len), MOST_RECEIVED);
    assert!(OUTPUT.with_borrow(|memory| memory.is_empty() && memory.capacity() > 0));
  }

  #[test]
  fn what_was_received_too_early_is_kept_in_memory_of_its_own() {
    let mut wire = Wire::default();
    receive(&mut wire, b"abc");
    wire.read_exact(&mut [0; 1]).unwrap();
    wire.keep_input();
    assert_eq!((wire.input.as_slice(), wire.input.capacity()), (&b"bc"[..], 2));
    let mut rest = [0; 2];
    wire.read_exact(&mut rest).unwrap();
    assert_eq!(&rest, b"bc");
    assert_eq!(
      INPUT.with_borrow(Vec::len),
      MOST_RECEIVED,
      "the small one was not lent"
    );
  }

  #[test]
  fn a_failed_receive_leaves_nothing_to_read() {
    let mut wire = Wire::default();
    let refused = wire.receive(|_| Err(io::ErrorKind::ConnectionReset.into()));
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert!(!wire.has_input());
  }
}
