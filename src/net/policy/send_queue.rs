//! What a socket still has to write: order, accounting and the STARTTLS barrier, with no I/O.
//!
//! Bytes enter in two steps. [`SendQueue::stage`] accepts them, which is when they start to count;
//! [`SendQueue::commit`], at the end of the owner's turn, lets the writer have them. In between,
//! [`SendQueue::clear`] can still take everything back.

use std::collections::{TryReserveError, VecDeque};

use bytes::{Buf, Bytes};

/// Pieces handed to one `writev`.
pub const MOST_SLICES: usize = 64;

/// Bytes handed to one `writev`, give or take: a peer that takes everything must not keep its writer for long.
pub const MOST_BYTES: usize = 1024 * 1024;

/// A copy that can be queued.
///
/// # Errors
/// No memory is left, which is no reason to end the process.
pub fn copy(data: &[u8]) -> Result<Bytes, TryReserveError> {
  let mut copy = Vec::new();
  copy.try_reserve_exact(data.len())?;
  copy.extend_from_slice(data);
  Ok(copy.into())
}

#[derive(Debug)]
enum Segment {
  Data(Bytes),
  /// Everything before goes out as it is, everything behind after a TLS handshake.
  SecureBarrier,
}

/// What the writer should do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
  /// Nothing is committed.
  Idle,
  /// Write the slices that were filled in.
  Write,
  /// The plaintext is out: start TLS, then call [`SendQueue::pass_barrier`].
  Handshake,
}

/// A queue of bytes to send. See the module.
#[derive(Debug, Default)]
pub struct SendQueue {
  segments: VecDeque<Segment>,
  /// How many segments, from the front, the writer may have.
  committed: usize,
  /// Bytes in `segments`, and those that were staged after a `clear`.
  unwritten: usize,
  /// The owner wants to hear when `unwritten` next is zero.
  drain_wanted: bool,
  /// Something was written, ever.
  has_sent: bool,
  /// See [`SendQueue::clear`].
  cleared: bool,
}

impl SendQueue {
  /// Accepts `data` behind everything else. The writer does not see it before [`SendQueue::commit`].
  pub fn stage(&mut self, data: Bytes) {
    // What is dropped counts as well: it never leaves.
    self.unwritten += data.len();
    if !data.is_empty() && !self.cleared {
      self.segments.push_back(Segment::Data(data));
    }
  }

  /// Gives the writer all that was staged.
  pub fn commit(&mut self) {
    self.committed = self.segments.len();
  }

  /// Commits, and separates what is queued now (plain) from what comes later (encrypted).
  pub fn barrier(&mut self) {
    if self.cleared {
      return;
    }
    self.segments.push_back(Segment::SecureBarrier);
    self.commit();
  }

  /// Bytes accepted and not yet written.
  pub fn unwritten(&self) -> usize {
    self.unwritten
  }

  /// No byte is left and no handshake is waiting.
  pub fn is_empty(&self) -> bool {
    self.segments.is_empty()
  }

  /// Drops everything that was not written, barriers too, and from now on everything that is staged: what follows a gap
  /// makes no sense.
  pub fn clear(&mut self) {
    self.cleared = true;
    self.segments.clear();
    self.committed = 0;
    self.unwritten = 0;
    self.drain_wanted = false;
  }

  /// Whether anything was ever written, so that the peer may still be owed it.
  pub fn has_sent(&self) -> bool {
    self.has_sent
  }

  /// Something was written that was never in the queue.
  pub fn sent_past(&mut self) {
    self.has_sent = true;
  }

  /// Asks to be told when all is written, which after a `clear` it never is. `true` when it already is.
  pub fn want_drain(&mut self) -> bool {
    self.drain_wanted = self.unwritten > 0;
    !self.drain_wanted && !self.cleared
  }

  /// Fills `slices` with up to `most` committed pieces of data that may be written now, [`MOST_BYTES`] at the most.
  pub fn next(&self, slices: &mut Vec<Bytes>, most: usize) -> Next {
    slices.clear();
    let mut room = MOST_BYTES;
    for segment in self.segments.iter().take(self.committed.min(most)) {
      match segment {
        Segment::Data(_) if room == 0 => break,
        Segment::Data(data) => {
          let piece = data.slice(..data.len().min(room));
          room -= piece.len();
          slices.push(piece);
        }
        Segment::SecureBarrier if slices.is_empty() => return Next::Handshake,
        Segment::SecureBarrier => break,
      }
    }
    if slices.is_empty() {
      Next::Idle
    } else {
      Next::Write
    }
  }

  /// A drain was asked for, and is not due yet.
  pub fn is_drain_wanted(&self) -> bool {
    self.drain_wanted
  }

  /// Removes `bytes` that were written, or what is left of them after a `clear`. `true` when a wanted drain is due.
  pub fn advance(&mut self, bytes: usize) -> bool {
    self.take(bytes);
    self.written(bytes)
  }

  /// Removes `bytes` that were sealed. They count as unwritten until [`SendQueue::written`].
  pub fn take(&mut self, mut bytes: usize) {
    while bytes > 0 {
      let Some(Segment::Data(front)) = self.segments.front_mut() else {
        break;
      };
      if bytes < front.len() {
        front.advance(bytes);
        break;
      }
      bytes -= front.len();
      self.segments.pop_front();
      self.committed -= 1;
    }
  }

  /// Bytes were sealed that were never in the queue. They count as unwritten until [`SendQueue::written`].
  pub fn sealed_past(&mut self, bytes: usize) {
    self.unwritten += bytes;
  }

  /// So many bytes were written of those that were taken. `true` when a wanted drain is due.
  pub fn written(&mut self, bytes: usize) -> bool {
    self.has_sent = true;
    self.unwritten = self.unwritten.saturating_sub(bytes);
    self.unwritten == 0 && std::mem::take(&mut self.drain_wanted)
  }

  /// Nothing is to be written before the handshake.
  pub fn is_at_barrier(&self) -> bool {
    matches!(self.segments.front(), Some(Segment::SecureBarrier))
  }

  /// The handshake is done: what is behind the barrier may go.
  pub fn pass_barrier(&mut self) {
    if matches!(self.segments.front(), Some(Segment::SecureBarrier)) {
      self.segments.pop_front();
      self.committed -= 1;
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn next(queue: &SendQueue) -> (Next, Vec<Bytes>) {
    let mut slices = Vec::new();
    let next = queue.next(&mut slices, 16);
    (next, slices)
  }

  #[test]
  fn staged_bytes_count_at_once_but_are_not_written_before_commit() {
    let mut queue = SendQueue::default();
    queue.stage(Bytes::from_static(b"abc"));
    assert_eq!(queue.unwritten(), 3);
    assert_eq!(next(&queue).0, Next::Idle);
    queue.commit();
    assert_eq!(next(&queue), (Next::Write, vec![Bytes::from_static(b"abc")]));
  }

  #[test]
  fn clear_takes_back_what_was_staged_and_committed() {
    let mut queue = SendQueue::default();
    queue.stage(Bytes::from_static(b"abc"));
    queue.commit();
    queue.stage(Bytes::from_static(b"def"));
    queue.clear();
    assert_eq!((queue.unwritten(), queue.is_empty()), (0, true));
    assert_eq!(next(&queue).0, Next::Idle);
  }

  #[test]
  fn nothing_is_accepted_behind_what_was_cleared() {
    let mut queue = SendQueue::default();
    queue.clear();
    assert!(!queue.want_drain());
    queue.stage(Bytes::from_static(b"abc"));
    queue.barrier();
    queue.commit();
    assert_eq!((queue.unwritten(), queue.is_empty()), (3, true));
    assert!(!queue.want_drain());
    assert_eq!(next(&queue).0, Next::Idle);
  }

  #[test]
  fn a_write_that_was_under_way_during_clear_changes_nothing() {
    let mut queue = SendQueue::default();
    queue.stage(Bytes::from_static(b"abc"));
    queue.commit();
    queue.want_drain();
    queue.clear();
    assert!(!queue.advance(3));
    assert_eq!(queue.unwritten(), 0);
  }

  #[test]
  fn partial_writes_keep_order_across_segments() {
    let mut queue = SendQueue::default();
    queue.stage(Bytes::from_static(b"abc"));
    queue.stage(Bytes::from_static(b"defg"));
    queue.commit();
    queue.advance(5);
    assert_eq!(next(&queue), (Next::Write, vec![Bytes::from_static(b"fg")]));
    assert_eq!(queue.unwritten(), 2);
  }

  #[test]
  fn a_drain_is_due_once_and_only_when_asked_for_and_all_is_written() {
    let mut queue = SendQueue::default();
    queue.stage(Bytes::from_static(b"ab"));
    queue.commit();
    assert!(!queue.advance(2), "nobody asked");
    queue.stage(Bytes::from_static(b"abcd"));
    queue.commit();
    assert!(!queue.want_drain());
    assert!(!queue.advance(1));
    queue.stage(Bytes::from_static(b"e"));
    assert!(!queue.advance(3), "a staged byte is left");
    queue.commit();
    assert!(queue.advance(1));
    queue.stage(Bytes::from_static(b"f"));
    queue.commit();
    assert!(!queue.advance(1), "asked for once");
    assert!(queue.want_drain(), "already empty");
  }

  #[test]
  fn plain_bytes_leave_before_the_barrier_and_encrypted_ones_wait_behind_it() {
    let mut queue = SendQueue::default();
    queue.stage(Bytes::from_static(b"STARTTLS"));
    queue.barrier();
    queue.stage(Bytes::from_static(b"secret"));
    queue.commit();
    assert_eq!(next(&queue), (Next::Write, vec![Bytes::from_static(b"STARTTLS")]));
    queue.advance(8);
    assert_eq!(next(&queue).0, Next::Handshake);
    assert_eq!(queue.unwritten(), 6);
    queue.pass_barrier();
    assert_eq!(next(&queue), (Next::Write, vec![Bytes::from_static(b"secret")]));
  }

  #[test]
  fn a_barrier_alone_is_not_empty_so_that_close_waits_for_the_handshake() {
    let mut queue = SendQueue::default();
    queue.barrier();
    assert!(!queue.is_empty());
    assert_eq!(next(&queue).0, Next::Handshake);
    queue.pass_barrier();
    assert!(queue.is_empty());
  }

  #[test]
  fn no_more_bytes_than_one_write_should_have() {
    let mut queue = SendQueue::default();
    queue.stage(Bytes::from(vec![1; MOST_BYTES - 2]));
    queue.stage(Bytes::from_static(b"abc"));
    queue.stage(Bytes::from_static(b"d"));
    queue.commit();
    let (_, slices) = next(&queue);
    assert_eq!(
      slices.iter().map(Bytes::len).collect::<Vec<_>>(),
      [MOST_BYTES - 2, 2]
    );
    queue.advance(MOST_BYTES);
    assert_eq!(
      next(&queue).1,
      [Bytes::from_static(b"c"), Bytes::from_static(b"d")]
    );
  }

  #[test]
  fn no_more_slices_than_asked_for() {
    let mut queue = SendQueue::default();
    for _ in 0..40 {
      queue.stage(Bytes::from_static(b"x"));
    }
    queue.commit();
    assert_eq!(next(&queue).1.len(), 16);
  }
}
