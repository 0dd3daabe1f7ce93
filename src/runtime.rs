//! The Tokio runtime: one I/O thread for the whole process, shared by the main thread and all workers.

use std::{io, thread};

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle};

static RUNTIME: OnceCell<Handle> = OnceCell::new();

/// The runtime, started on first use. It lives as long as the process.
///
/// # Errors
/// The system has no thread or descriptor for it. The next call tries again.
pub fn handle() -> io::Result<&'static Handle> {
  RUNTIME.get_or_try_init(|| {
    // A current-thread runtime on a thread of our own: the multi-thread one panics where a thread cannot start.
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
      .name("tokio-net".into())
      .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
  })
}
