//! OpenSSL's memory. It overwrites keys when it frees them, but not all that it makes on the way from a file to a key: its
//! decoders free copies of the whole key as they are, and the next reader of that memory finds it. So while a key is
//! read, everything that is freed is overwritten first. At other times nothing is: connections free buffers all the time.
//!
//! Blocks for records are kept for the next one, see `record_blocks`.

use std::{
  cell::Cell,
  ffi::{c_char, c_int, c_void},
  ptr,
};

use super::record_blocks;

type Malloc = unsafe extern "C" fn(usize, *const c_char, c_int) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize, *const c_char, c_int) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void, *const c_char, c_int);

unsafe extern "C" {
  fn CRYPTO_set_mem_functions(malloc: Malloc, realloc: Realloc, free: Free) -> c_int;
  fn OPENSSL_cleanse(memory: *mut c_void, length: usize);
}

thread_local! {
  /// This thread reads a key.
  static IS_SCRUBBING: Cell<bool> = const { Cell::new(false) };
}

/// Where the C library tells how large a block is that it handed out; elsewhere OpenSSL's memory is left to itself.
const KNOWS_SIZES: bool = cfg!(any(
  target_os = "linux",
  target_os = "android",
  target_os = "freebsd",
  target_os = "dragonfly"
));

/// Comes before any other use of the library: it takes other functions only until it has memory.
pub(crate) fn init() {
  if !KNOWS_SIZES {
    return;
  }
  // SAFETY: they are the C library's, but for what is written into memory that is about to be freed. Where OpenSSL refuses
  // them, it goes on as it did.
  unsafe { CRYPTO_set_mem_functions(malloc, realloc, free) };
}

/// Runs `f`, which reads a key on this thread, and leaves nothing of what it freed.
pub(crate) fn scrubbing<T>(f: impl FnOnce() -> T) -> T {
  struct Restore(bool);
  impl Drop for Restore {
    fn drop(&mut self) {
      IS_SCRUBBING.set(self.0);
    }
  }
  let _restore = Restore(IS_SCRUBBING.replace(true));
  f()
}

/// Not so where a thread ends, and has no such variable any more.
fn is_scrubbing() -> bool {
  IS_SCRUBBING.try_with(Cell::get).unwrap_or(false)
}

/// How large the block at `memory` is; 0 where that is not known.
///
/// # Safety
/// It came from the C library.
unsafe fn size_of(memory: *mut c_void) -> usize {
  #[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "dragonfly"
  ))]
  // SAFETY: the caller's.
  unsafe {
    libc::malloc_usable_size(memory)
  }
  #[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "dragonfly"
  )))]
  {
    let _ = memory;
    0
  }
}

unsafe extern "C" fn malloc(size: usize, _file: *const c_char, _line: c_int) -> *mut c_void {
  if size == 0 || crate::fault::refuses_memory() {
    return ptr::null_mut();
  }
  let size = record_blocks::rounded(size);
  record_blocks::take(size).unwrap_or_else(|| {
    // SAFETY: any size may be asked for.
    unsafe { libc::malloc(size) }
  })
}

unsafe extern "C" fn realloc(
  memory: *mut c_void,
  size: usize,
  file: *const c_char,
  line: c_int,
) -> *mut c_void {
  // SAFETY: `memory` is null or came from these functions, as `free` wants it; as many bytes are copied as both have.
  unsafe {
    if memory.is_null() {
      return malloc(size, file, line);
    }
    if size == 0 {
      free(memory, file, line);
      return ptr::null_mut();
    }
    if crate::fault::refuses_memory() {
      return ptr::null_mut();
    }
    if !is_scrubbing() {
      return libc::realloc(memory, size);
    }
    let larger = libc::malloc(size);
    if !larger.is_null() {
      ptr::copy_nonoverlapping(memory.cast::<u8>(), larger.cast(), size.min(size_of(memory)));
      free(memory, file, line);
    }
    larger
  }
}

unsafe extern "C" fn free(memory: *mut c_void, _file: *const c_char, _line: c_int) {
  // SAFETY: `memory` is null or came from `malloc` or `realloc` above, so from the C library, and nobody uses it any more.
  unsafe {
    if memory.is_null() {
      return;
    }
    let size = size_of(memory);
    if is_scrubbing() {
      OPENSSL_cleanse(memory, size);
    }
    if !record_blocks::keep(memory, size) {
      libc::free(memory);
    }
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn memory_keeps_its_content_when_it_grows_and_none_when_it_is_freed() {
    let here = c"".as_ptr();
    scrubbing(|| {
      // SAFETY: what is read of freed memory is not: the block is moved, and its content looked at in the new place.
      unsafe {
        let small = malloc(32, here, 0);
        small.cast::<u8>().write_bytes(7, 32);
        let large = realloc(small, 100_000, here, 0);
        assert_eq!(large.cast::<[u8; 32]>().read(), [7; 32]);
        assert!(realloc(large, 0, here, 0).is_null());
        assert!(malloc(0, here, 0).is_null());
        free(ptr::null_mut(), here, 0);
      }
    });
    assert!(!is_scrubbing());
  }
}
