//! The first way to accept: a task on the runtime. It sees to TLS as well, where the listener has that.

use std::{
  io,
  net::SocketAddr,
  sync::{Arc, mpsc},
  time::Duration,
};

use tokio::{
  net::{TcpListener, TcpStream},
  sync::{OwnedSemaphorePermit, Semaphore},
  time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
  Context, ErrorName, Event, SocketError,
  accept_error::{BACK_OFF, Failures, Remedy},
  listener::{Delivery, Incoming, MOST_UNDELIVERED, panicked},
};

/// How long `close` waits for the task to let go of the port. It takes microseconds, unless the machine is stuck.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// The task, seen from its owner. Dropping it ends the task.
#[derive(Debug)]
pub(super) struct Accepting {
  cancel: CancellationToken,
  /// Disconnects when the task has closed the descriptor.
  closed: mpsc::Receiver<()>,
}

impl Accepting {
  /// # Errors
  /// The runtime cannot watch the listener.
  pub(super) fn start(
    context: &Context,
    delivery: Delivery,
    listener: std::net::TcpListener,
  ) -> io::Result<Self> {
    let listener = {
      let _runtime = context.runtime().enter();
      TcpListener::from_std(listener)?
    };
    let cancel = context.child_token();
    let (open, closed) = mpsc::channel();
    let accept_loop = AcceptLoop {
      delivery,
      tasks: context.tasks().clone(),
      cancel: cancel.clone(),
      ended: false,
      _open: open,
    };
    context.spawn(accept_loop.run(listener));
    Ok(Self { cancel, closed })
  }

  pub(super) fn cancel(&self) {
    self.cancel.cancel();
  }

  /// When this returns the port is free.
  pub(super) fn close(&self) {
    self.cancel();
    // `Err` either way: disconnected as expected, or the wait was too long and the port is freed a little later.
    let _ = self.closed.recv_timeout(CLOSE_WAIT);
  }
}

impl Drop for Accepting {
  fn drop(&mut self) {
    self.cancel();
  }
}

struct AcceptLoop {
  delivery: Delivery,
  tasks: TaskTracker,
  cancel: CancellationToken,
  ended: bool,
  _open: mpsc::Sender<()>,
}

impl AcceptLoop {
  async fn run(mut self, listener: TcpListener) {
    let cancel = self.cancel.clone();
    let failure = tokio::select! {
      biased;
      () = cancel.cancelled() => None,
      error = self.accept(&listener) => Some(error),
    };
    self.ended = true;
    drop(listener);
    if let Some(error) = failure {
      self.delivery.push(Event::Failed(error));
    }
  }

  /// Accepts for ever; returns what made the listener itself unusable.
  async fn accept(&self, listener: &TcpListener) -> SocketError {
    let credits = Arc::new(Semaphore::new(MOST_UNDELIVERED));
    let mut failures = Failures::default();
    loop {
      let credit = match Arc::clone(&credits).acquire_owned().await {
        Ok(credit) => credit,
        Err(closed) => return SocketError::new(ErrorName::NetworkError, format!("internal error: {closed}")),
      };
      crate::fault::point("accept");
      match listener.accept().await {
        Ok((stream, address)) => {
          failures.none();
          self.accepted(stream, address, credit);
        }
        Err(error) => match failures.another(&error) {
          Remedy::Retry => {}
          Remedy::Wait => time::sleep(BACK_OFF).await,
          Remedy::GiveUp => return SocketError::from_io("accept a connection", &error),
        },
      }
    }
  }

  fn accepted(&self, stream: TcpStream, address: SocketAddr, credit: OwnedSemaphorePermit) {
    // Fails only on a connection that is already dead, and then the first read says so.
    let _ = self.delivery.tuning.apply(&stream);
    if let Some(acceptor) = &self.delivery.tls {
      let secured = self
        .delivery
        .clone()
        .secure(Arc::clone(acceptor), stream, address, credit);
      let cancel = self.cancel.clone();
      self.tasks.spawn(async move {
        tokio::select! {
          biased;
          () = cancel.cancelled() => {}
          () = secured => {}
        }
      });
    } else if let Ok(stream) = stream.into_std() {
      // It fails only where the system refuses to stop watching it, and then it is of no use.
      self.delivery.deliver(Incoming::Plain(stream), address, credit);
    }
  }
}

impl Drop for AcceptLoop {
  fn drop(&mut self) {
    if !self.ended {
      self.delivery.push(Event::Failed(panicked()));
    }
  }
}
