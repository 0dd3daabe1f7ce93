//! The first way to accept: a task on the runtime. It sees to TLS as well, where the listener has that.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
  net::{TcpListener, TcpStream},
  runtime::Handle,
  sync::OwnedSemaphorePermit,
  time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
  Context, ErrorName, Event, SocketError,
  accept_error::{BACK_OFF, Failures, ROOM_DELAY, Remedy, is_exhaustion},
  listener::{Delivery, Incoming, panicked},
};

/// The task, seen from its owner. Dropping it ends the task.
#[derive(Debug)]
pub(super) struct Accepting {
  cancel: CancellationToken,
  port: Port,
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
      Arc::new(TcpListener::from_std(listener)?)
    };
    let cancel = context.child_token();
    let (port, hold) = Port::of(&listener);
    let accept_loop = AcceptLoop {
      delivery,
      tasks: context.tasks().clone(),
      cancel: cancel.clone(),
      ended: false,
      _hold: hold,
    };
    context.spawn(accept_loop.run(listener));
    Ok(Self { cancel, port })
  }

  pub(super) fn cancel(&self) {
    self.cancel.cancel();
  }

  /// When this returns the port is free.
  pub(super) fn close(&self) {
    self.cancel();
    self.port.free();
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
  _hold: Hold,
}

impl AcceptLoop {
  async fn run(mut self, listener: Arc<TcpListener>) {
    let cancel = self.cancel.clone();
    let failure = tokio::select! {
      biased;
      () = cancel.cancelled() => None,
      error = self.accept(&listener) => Some(error),
    };
    self.ended = true;
    drop(listener);
    match failure {
      // The owner may have freed the port just now.
      Some(error) if !cancel.is_cancelled() => self.delivery.push(Event::Failed(error)),
      _ => {}
    }
    if let Some(handshakes) = &self.delivery.handshakes {
      handshakes.cancel();
    }
  }

  /// Accepts for ever; returns what made the listener itself unusable.
  async fn accept(&self, listener: &TcpListener) -> SocketError {
    let mut failures = Failures::default();
    loop {
      // Handshakes need no leave: strangers would use it up.
      let credit = match &self.delivery.handshakes {
        Some(_) => None,
        None => match self.delivery.credit().await {
          Some(credit) => Some(credit),
          None => {
            return SocketError::new(
              ErrorName::NetworkError,
              "internal error: nothing can be delivered",
            );
          }
        },
      };
      crate::fault::point("accept");
      match listener.accept().await {
        Ok((stream, address)) => {
          failures.none();
          // Fails only on a connection that is already dead, and then the first read says so.
          let _ = self.delivery.tuning.apply(&stream);
          match (credit, &self.delivery.handshakes) {
            (None, Some(handshakes)) => {
              let secure = handshakes.begin(self.delivery.clone(), || Ok(stream), address);
              self.tasks.spawn_on(secure, &Handle::current());
            }
            (Some(credit), _) => self.deliver(stream, address, credit),
            (None, None) => {}
          }
        }
        Err(error) => match failures.another(&error) {
          Remedy::Retry => {}
          Remedy::Wait if is_exhaustion(&error) && self.delivery.make_room() => time::sleep(ROOM_DELAY).await,
          Remedy::Wait => time::sleep(BACK_OFF).await,
          Remedy::GiveUp => return SocketError::from_io("accept a connection", &error),
        },
      }
    }
  }

  fn deliver(&self, stream: TcpStream, from: SocketAddr, credit: OwnedSemaphorePermit) {
    // It fails only where the system refuses to stop watching it, and then it is of no use.
    if let Ok(stream) = stream.into_std() {
      self.delivery.deliver(Incoming::Plain(stream), from, credit);
    }
  }
}

impl Drop for AcceptLoop {
  fn drop(&mut self) {
    if !self.ended {
      if let Some(handshakes) = &self.delivery.handshakes {
        handshakes.cancel();
      }
      self.delivery.push(Event::Failed(panicked()));
    }
  }
}

#[cfg(not(target_os = "linux"))]
use elsewhere::{Hold, Port};
#[cfg(target_os = "linux")]
use linux::{Hold, Port};

/// How an owner that does not wait for the task frees its port.
#[cfg(target_os = "linux")]
mod linux {
  use std::{
    net::Shutdown,
    sync::{Arc, Weak},
  };

  use socket2::SockRef;
  use tokio::net::TcpListener;

  /// The descriptor, for as long as the task has it.
  #[derive(Debug)]
  pub(super) struct Port(Weak<TcpListener>);

  /// The task has nothing to tell.
  pub(super) struct Hold;

  impl Port {
    pub(super) fn of(listener: &Arc<TcpListener>) -> (Self, Hold) {
      (Self(Arc::downgrade(listener)), Hold)
    }

    /// On Linux, a listener that is shut down does not listen any more; its descriptor is closed when the task ends.
    pub(super) fn free(&self) {
      if let Some(listener) = self.0.upgrade() {
        // Fails only where it was done before.
        let _ = SockRef::from(&*listener).shutdown(Shutdown::Read);
      }
    }
  }
}

/// Other systems shut down connections only: so the owner waits for the task.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
  use std::{
    sync::{Arc, mpsc},
    time::Duration,
  };

  use tokio::net::TcpListener;

  /// It takes microseconds, unless the machine is stuck.
  const MOST_WAIT: Duration = Duration::from_secs(2);

  /// Disconnects when the task has closed the descriptor.
  #[derive(Debug)]
  pub(super) struct Port(mpsc::Receiver<()>);

  /// What the task drops when it has closed the descriptor.
  pub(super) struct Hold(#[expect(dead_code)] mpsc::Sender<()>);

  impl Port {
    pub(super) fn of(_listener: &Arc<TcpListener>) -> (Self, Hold) {
      let (sender, receiver) = mpsc::channel();
      (Self(receiver), Hold(sender))
    }

    pub(super) fn free(&self) {
      // `Err` either way: disconnected as expected, or the wait was too long and the port is freed a little later.
      let _ = self.0.recv_timeout(MOST_WAIT);
    }
  }
}
