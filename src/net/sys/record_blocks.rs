//! Memory of records, kept by each thread for the next record. OpenSSL frees the buffer of a record as soon as it is empty, so that an
//! idle connection owns none; the C library keeps nothing so large at hand, and would look for it anew for each message.

use std::{cell::RefCell, ffi::c_void};

/// Bytes of a block: a record of 16 KiB (RFC 8446 section 5.1), with what TLS and the library need around it.
const BLOCK: usize = 17 * 1024;

/// What is not much smaller gets a whole one.
const SMALLEST: usize = 16 * 1024;

/// How much more than it was asked for the C library says that a block has, at most.
const SLACK: usize = 64;

/// A connection at work has one for reading and one for writing.
const MOST_KEPT: usize = 4;

thread_local! {
  static KEPT: RefCell<Kept> = const { RefCell::new(Kept(Vec::new())) };
}

/// Blocks that nobody uses.
struct Kept(Vec<*mut c_void>);

impl Drop for Kept {
  fn drop(&mut self) {
    for block in self.0.drain(..) {
      // SAFETY: it came from the C library, and nobody uses it.
      unsafe { libc::free(block) };
    }
  }
}

/// How many bytes to ask the C library for where `size` are wanted.
pub(super) fn rounded(size: usize) -> usize {
  if (SMALLEST..BLOCK).contains(&size) {
    BLOCK
  } else {
    size
  }
}

/// A block of `size` bytes, if one was kept.
pub(super) fn take(size: usize) -> Option<*mut c_void> {
  if size != BLOCK {
    return None;
  }
  // A thread that ends has no such variable any more.
  KEPT.try_with(|kept| kept.borrow_mut().0.pop()).ok().flatten()
}

/// Keeps `block`, of which the C library says that it has `size` bytes, unless it is of another size, or enough are kept. Nobody uses
/// it any more where this is `true`.
pub(super) fn keep(block: *mut c_void, size: usize) -> bool {
  let keep = |kept: &RefCell<Kept>| {
    let blocks = &mut kept.borrow_mut().0;
    let has_room = blocks.len() < MOST_KEPT;
    if has_room {
      blocks.push(block);
    }
    has_room
  };
  (BLOCK..BLOCK + SLACK).contains(&size) && KEPT.try_with(keep).unwrap_or(false)
}

#[cfg(test)]
mod tests {
  use super::*;

  /// As the C library would say it.
  fn block() -> *mut c_void {
    // SAFETY: any size may be asked for.
    unsafe { libc::malloc(BLOCK) }
  }

  #[test]
  fn a_block_for_a_record_is_used_again_and_others_are_not_kept() {
    let [first, small] = [block(), block()];
    assert!(keep(first, BLOCK + 8));
    assert!(!keep(small, SMALLEST) && !keep(small, 2 * BLOCK));
    assert_eq!(rounded(SMALLEST + 5), BLOCK);
    assert_eq!(
      (rounded(SMALLEST - 1), rounded(BLOCK + 1)),
      (SMALLEST - 1, BLOCK + 1)
    );
    assert_eq!(take(SMALLEST), None);
    assert_eq!(take(BLOCK), Some(first));
    assert_eq!(take(BLOCK), None);
    for block in [first, small] {
      // SAFETY: it is not kept, and nobody uses it.
      unsafe { libc::free(block) };
    }
  }

  #[test]
  fn no_more_than_a_few_are_kept() {
    let blocks: Vec<_> = (0..=MOST_KEPT).map(|_| block()).collect();
    let kept = blocks.iter().filter(|&&block| keep(block, BLOCK)).count();
    assert_eq!(kept, MOST_KEPT);
    // SAFETY: it was not kept. The others are freed with the thread.
    unsafe { libc::free(blocks[MOST_KEPT]) };
  }
}
