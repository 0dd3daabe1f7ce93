//! How much memory the Rust code of a thread has taken: idle sessions must not keep any for what they do not receive or
//! send. OpenSSL has its own, which does not count here.

use std::{
  alloc::{GlobalAlloc, Layout, System},
  cell::Cell,
};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
  static TAKEN: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: usize, sign: isize) {
  // Fails where a thread ends, when nobody measures.
  let _ = TAKEN.try_with(|taken| taken.set(taken.get() + bytes.cast_signed() * sign));
}

// SAFETY: it is the system's.
unsafe impl GlobalAlloc for Counting {
  unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
    count(layout.size(), 1);
    // SAFETY: the caller's.
    unsafe { System.alloc(layout) }
  }

  unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
    count(layout.size(), -1);
    // SAFETY: the caller's.
    unsafe { System.dealloc(memory, layout) }
  }
}

/// What this thread has taken and not given back.
pub(super) fn allocated() -> isize {
  TAKEN.get()
}
