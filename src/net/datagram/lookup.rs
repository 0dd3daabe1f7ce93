//! The lookup of a name that datagrams are for, by a task of the runtime.

use std::{net::SocketAddr, sync::Arc};

use tokio_util::sync::DropGuard;

use crate::net::{
  Context, ErrorName, EventSink, SocketError, SocketId, event::Notice, names::resolve::resolve,
};

/// One that is under way. Its owner is told `LookedUp`, unless this is dropped before.
#[derive(Debug)]
pub(super) struct Lookup {
  _cancel: DropGuard,
}

impl Lookup {
  /// Begins to look up `host`, an IP literal or a name.
  pub(super) fn begin(context: &Context, id: SocketId, host: String, port: u16) -> Self {
    let cancel = context.child_token();
    let guard = cancel.clone().drop_guard();
    let answer = Answer(Some((Arc::clone(context.sink()), id)));
    context.spawn(async move {
      tokio::select! {
        biased;
        () = cancel.cancelled() => answer.forget(),
        found = resolve(&host, port) => answer.tell(found),
      }
    });
    Self { _cancel: guard }
  }
}

/// Tells the owner's thread what was found, exactly once, also when the task panics.
struct Answer(Option<(Arc<dyn EventSink>, SocketId)>);

impl Answer {
  fn tell(mut self, found: Result<Vec<SocketAddr>, SocketError>) {
    if let Some((sink, id)) = self.0.take() {
      sink.push(id, Notice::LookedUp(found).into());
    }
  }

  fn forget(mut self) {
    self.0.take();
  }
}

impl Drop for Answer {
  fn drop(&mut self) {
    if let Some((sink, id)) = self.0.take() {
      let panicked = SocketError::new(ErrorName::NetworkError, "internal error: the lookup panicked");
      sink.push(id, Notice::LookedUp(Err(panicked)).into());
    }
  }
}
