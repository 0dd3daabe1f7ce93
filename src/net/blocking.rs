//! Threads for what blocks and cannot be cancelled: name lookups, and reading the files with certificates to trust. Each call has a
//! thread of its own. Tokio's pool would do, but where the system has no thread for its first task it panics, and that has to be the
//! error of one socket instead.

use std::{io, thread};

use tokio::sync::oneshot;

/// Runs `work` on a thread. Dropping the future frees its caller at once, and `work` goes on: how many there may be at a time is
/// the caller's to limit.
///
/// # Errors
/// The system has no thread.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
  let (done, outcome) = oneshot::channel();
  thread::Builder::new()
    .name("tcp-blocking".into())
    .spawn(move || {
      // Nobody may want to know any more.
      drop(done.send(work()));
    })?;
  outcome
    .await
    .map_err(|_| io::Error::other("internal error: it panicked"))
}
