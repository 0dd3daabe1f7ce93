//! What a socket has read and its owner has not taken: bounded bytes, then the end of them, with no I/O.
//!
//! The reader appends while the owner is busy, so bytes pile up rather than events; when the bound is reached it
//! stops reading, and TCP pushes back on the peer. At most one [`Readable`](super::Event::Readable) is on its way at
//! any time: the methods that can make one due say so by returning `true`.

use std::collections::VecDeque;

use super::SocketError;

/// The most bytes that the owner takes at once. What is larger leaves the cache, and is slower.
pub const CHUNK: usize = 64 * 1024;

/// The most bytes one socket holds for its owner, beyond what the kernel holds: enough to keep the reader busy during one
/// turn of the owner. Chunks that are kept where they are may be half empty, so that their memory is twice as much at the
/// most.
pub const LIMIT: usize = 4 * CHUNK;

/// How the peer's bytes ended.
#[derive(Clone, Debug)]
pub enum End {
  /// FIN, and with TLS a close_notify before it.
  Eof,
  /// The connection broke.
  Failed(SocketError),
}

/// What [`RecvBuffer::take`] found.
#[derive(Debug)]
pub enum Input {
  /// Nothing to deliver now.
  None,
  /// Bytes in the order they came; never empty.
  Data(Vec<u8>),
  /// So many bytes, more than 0, were read into the memory that the owner offered.
  Filled(usize),
  /// The peer will send no more.
  End(End),
}

/// A bounded buffer between the reader and the owner. See the module.
#[derive(Debug, Default)]
pub struct RecvBuffer {
  /// In order. None is empty.
  chunks: VecDeque<Vec<u8>>,
  /// Bytes in all of them.
  len: usize,
  end: Option<End>,
  /// A `Readable` is on its way to the owner.
  announced: bool,
  /// The owner wants nothing for now.
  suspended: bool,
  /// The owner wants nothing ever again.
  discarding: bool,
  /// The reader waits for room.
  stalled: bool,
}

impl RecvBuffer {
  /// How many bytes the reader may append now. Zero means: wait to be woken. `at_last` is for a connection that is
  /// broken: what is left of it is kept, also while suspended.
  pub fn room(&mut self, at_last: bool) -> usize {
    let room = if (self.suspended && !at_last) || self.end.is_some() {
      0
    } else {
      LIMIT.saturating_sub(self.len)
    };
    self.stalled = room == 0;
    room
  }

  /// Appends what was read, at most [`CHUNK`] bytes at a time if nobody is to get more at once, and leaves `bytes` empty.
  /// Many of them are kept where they are. `true` when a `Readable` is due.
  pub fn append(&mut self, bytes: &mut Vec<u8>) -> bool {
    if self.discarding {
      bytes.clear();
      return false;
    }
    self.len += bytes.len();
    if bytes.len() >= CHUNK / 2 {
      self.chunks.push_back(std::mem::take(bytes));
    } else if let Some(last) = self.chunks.back_mut()
      && last.len() + bytes.len() <= CHUNK
    {
      last.append(bytes);
    } else {
      self.chunks.push_back(bytes.as_slice().into());
      bytes.clear();
    }
    self.announce()
  }

  /// Nothing will follow what was appended. Of several ends the first failure counts. `true` when a `Readable` is due.
  pub fn finish(&mut self, end: End) -> bool {
    if self.discarding {
      return false;
    }
    if !matches!(self.end, Some(End::Failed(_))) {
      self.end = Some(end);
    }
    self.announce()
  }

  /// Takes what is next, in answer to a `Readable`. The flag is `true` when another `Readable` is due, because more bytes
  /// or the end follow those that were taken.
  pub fn take(&mut self) -> (Input, bool) {
    self.announced = false;
    if self.suspended {
      return (Input::None, false);
    }
    if let Some(chunk) = self.chunks.pop_front() {
      self.len -= chunk.len();
      return (Input::Data(chunk), self.announce());
    }
    match self.end.take() {
      Some(end) => {
        self.discarding = true;
        (Input::End(end), false)
      }
      None => (Input::None, false),
    }
  }

  /// Whether the reader stopped for want of room and should be woken, now that there is some.
  pub fn reader_wants_wake(&mut self) -> bool {
    !self.suspended && std::mem::take(&mut self.stalled)
  }

  /// Holds everything back until [`RecvBuffer::resume`]. Nothing is held back that nobody wants any more: reading goes
  /// on, to find the end.
  pub fn suspend(&mut self) {
    self.suspended = !self.discarding;
  }

  /// Bytes that wait to be taken.
  pub fn len(&self) -> usize {
    self.len
  }

  /// Nothing waits to be taken.
  pub fn is_empty(&self) -> bool {
    self.chunks.is_empty() && self.end.is_none()
  }

  /// Whether nobody takes anything any more: the owner closed, or took the end.
  pub fn is_discarding(&self) -> bool {
    self.discarding
  }

  /// Whether everything is held back.
  pub fn is_suspended(&self) -> bool {
    self.suspended
  }

  /// Delivers again. `true` when a `Readable` is due.
  pub fn resume(&mut self) -> bool {
    self.suspended = false;
    self.announce()
  }

  /// Drops what is here and what will come.
  pub fn discard(&mut self) {
    self.discarding = true;
    self.suspended = false;
    self.chunks = VecDeque::new();
    self.len = 0;
    self.end = None;
  }

  /// Ends the plaintext part of a connection. Bytes, or an end, that the owner did not take yet must never be taken
  /// for something that came through TLS: they are dropped here and returned, for the caller to fail with.
  pub fn leave_plaintext(&mut self) -> Option<Input> {
    let first = std::mem::take(&mut self.chunks).pop_front();
    self.len = 0;
    let end = self.end.take();
    first.map(Input::Data).or_else(|| end.map(Input::End))
  }

  fn announce(&mut self) -> bool {
    let due = !self.announced && !self.suspended && !self.is_empty();
    self.announced |= due;
    due
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn data(buffer: &mut RecvBuffer) -> (Vec<u8>, bool) {
    match buffer.take() {
      (Input::Data(data), again) => (data, again),
      other => panic!("expected data, got {other:?}"),
    }
  }

  #[test]
  fn bytes_gather_under_one_announcement() {
    let mut buffer = RecvBuffer::default();
    assert!(buffer.append(&mut b"ab".to_vec()));
    assert!(!buffer.append(&mut b"cd".to_vec()));
    assert_eq!(data(&mut buffer), (b"abcd".to_vec(), false));
    assert!(
      buffer.append(&mut b"e".to_vec()),
      "the next byte announces itself"
    );
  }

  #[test]
  fn chunks_are_taken_one_by_one_and_large_ones_are_not_copied() {
    let mut buffer = RecvBuffer::default();
    let mut large = Vec::with_capacity(CHUNK);
    large.resize(CHUNK / 2, 1);
    let place = large.as_ptr();
    buffer.append(&mut large);
    assert!(large.is_empty());
    buffer.append(&mut vec![2; CHUNK / 2 - 1]);
    buffer.append(&mut vec![3; 2]);
    assert_eq!(buffer.len(), CHUNK + 1);
    let (first, again) = data(&mut buffer);
    assert!(again, "the rest is announced");
    assert_eq!(first.as_ptr(), place);
    assert_eq!(first.len(), CHUNK - 1, "small ones fill up what waits");
    assert_eq!(data(&mut buffer), (vec![3; 2], false));
  }

  #[test]
  fn the_end_comes_after_the_bytes_and_once() {
    let mut buffer = RecvBuffer::default();
    buffer.append(&mut b"ab".to_vec());
    assert!(!buffer.finish(End::Eof), "the bytes are announced already");
    assert_eq!(data(&mut buffer), (b"ab".to_vec(), true));
    assert!(matches!(buffer.take(), (Input::End(End::Eof), false)));
    assert!(matches!(buffer.take(), (Input::None, false)));
  }

  #[test]
  fn a_failure_takes_the_place_of_an_end_that_was_not_taken_and_no_other_takes_its() {
    use crate::net::ErrorName::{NetworkError, NetworkTimeoutError};
    let failed = |name| End::Failed(SocketError::new(name, ""));
    let mut buffer = RecvBuffer::default();
    buffer.append(&mut b"ab".to_vec());
    buffer.finish(End::Eof);
    buffer.finish(failed(NetworkError));
    buffer.finish(failed(NetworkTimeoutError));
    buffer.finish(End::Eof);
    assert_eq!(data(&mut buffer), (b"ab".to_vec(), true));
    let (end, _) = buffer.take();
    assert!(matches!(end, Input::End(End::Failed(error)) if error.name == NetworkError));
    assert!(buffer.is_empty());
  }

  #[test]
  fn a_full_buffer_has_no_room_and_taking_it_wakes_the_reader() {
    let mut buffer = RecvBuffer::default();
    assert_eq!(buffer.room(false), LIMIT);
    buffer.append(&mut vec![0; LIMIT]);
    assert!(!buffer.reader_wants_wake(), "the reader did not ask yet");
    assert_eq!(buffer.room(false), 0);
    data(&mut buffer);
    assert!(buffer.reader_wants_wake());
    assert!(!buffer.reader_wants_wake());
    assert_eq!(buffer.room(false), LIMIT);
  }

  #[test]
  fn nothing_is_delivered_while_suspended_not_even_what_was_announced() {
    let mut buffer = RecvBuffer::default();
    buffer.append(&mut b"ab".to_vec());
    buffer.suspend();
    assert_eq!(buffer.room(false), 0);
    assert!(matches!(buffer.take(), (Input::None, false)));
    assert!(
      !buffer.append(&mut b"cd".to_vec()),
      "a read that was under way is kept but not announced"
    );
    assert!(!buffer.finish(End::Eof));
    assert!(buffer.resume());
    assert_eq!(data(&mut buffer), (b"abcd".to_vec(), true));
  }

  #[test]
  fn suspend_and_resume_before_the_announcement_arrives_do_not_announce_twice() {
    let mut buffer = RecvBuffer::default();
    assert!(buffer.append(&mut b"ab".to_vec()));
    buffer.suspend();
    assert!(!buffer.resume(), "the first announcement is still on its way");
    assert_eq!(data(&mut buffer), (b"ab".to_vec(), false));
  }

  #[test]
  fn what_was_read_before_a_tls_upgrade_cannot_be_taken_after_it() {
    let mut buffer = RecvBuffer::default();
    assert!(buffer.leave_plaintext().is_none());
    buffer.append(&mut b"injected".to_vec());
    buffer.finish(End::Eof);
    assert!(matches!(buffer.leave_plaintext(), Some(Input::Data(data)) if data == b"injected"));
    assert!(matches!(buffer.take(), (Input::None, false)));
  }

  #[test]
  fn after_discard_nothing_is_kept_or_announced() {
    let mut buffer = RecvBuffer::default();
    buffer.append(&mut b"ab".to_vec());
    buffer.discard();
    assert!(!buffer.append(&mut b"cd".to_vec()));
    assert!(!buffer.finish(End::Eof));
    assert!(matches!(buffer.take(), (Input::None, false)));
    assert_eq!(buffer.room(false), LIMIT, "the reader goes on, to find the end");
  }
}
