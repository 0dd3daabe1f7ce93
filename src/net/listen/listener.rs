//! The handle to one listener: bind at once, accept on the owner's thread until closed.

use std::{
  cell::RefCell,
  io::{self, ErrorKind},
  net::{SocketAddr, TcpStream},
  panic::{AssertUnwindSafe, catch_unwind},
  rc::{Rc, Weak},
  sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
  },
  time::Duration,
};

use tokio::time;

use super::{
  accept_error::{BACK_OFF, Failures, Remedy},
  bind::listen,
  handshakes::{Delivery, Demand, Handshakes},
};
use crate::net::{
  Accepted, Context, ErrorName, Event, ListenOptions, SocketError, SocketId, Tuning,
  context::Member,
  credit::{Credit, Credits},
  event::{Established, Notice},
  exhaustion::{ROOM_DELAY, is_exhaustion},
  readiness::{Ready, WatchedListener},
};

/// Accepted connections that may wait for their owner. More stay in the kernel's backlog.
pub const MOST_UNDELIVERED: usize = 128;

/// The most connections that are accepted at a time, where nothing else bounds them. The rest is found ready again.
const MOST_AT_ONCE: usize = 64;

/// How many handshakes are dropped at a time where descriptors run out.
const MOST_MADE_ROOM: usize = 16;

/// A listening socket, seen from its owner. Dropping it closes it.
#[derive(Debug)]
pub struct Listener {
  id: SocketId,
  local: SocketAddr,
  context: Context,
  accepting: RefCell<Accepting>,
  failed_handshakes: Arc<AtomicU32>,
}

/// The inside of a [`Listener`].
#[derive(Debug)]
struct Accepting {
  id: SocketId,
  context: Context,
  /// `None` once it is closed.
  listener: Option<WatchedListener>,
  tuning: Tuning,
  handshakes: Option<Handshakes>,
  /// For connections that wait for their owner.
  credits: Arc<Credits>,
  /// Nothing is accepted that the owner has not asked for.
  on_demand: bool,
  failures: Failures,
}

/// What happens to an accepted connection first, and the credit for it, if that takes one.
enum First {
  Handshake,
  Deliver(Credit),
}

impl Listener {
  /// Binds and listens before it returns. Tells `Accepted` for each connection, and `Failed` should listening end
  /// by itself.
  ///
  /// # Errors
  /// The system's own: address in use, permission denied, address not available, too many open files, …
  pub fn bind(context: &Context, options: ListenOptions) -> io::Result<Rc<Self>> {
    let listener = listen(&options)?;
    let local = listener.local_addr()?;
    let id = context.next_id();
    let failed_handshakes = Arc::<AtomicU32>::default();
    let mut listener = context.reactor().listener(id, listener)?;
    let on_demand = options.on_demand;
    listener.watch(!on_demand)?;
    let delivery = Delivery::new(id, context.sink());
    let sink = Arc::clone(context.sink());
    let most = if on_demand { 0 } else { MOST_UNDELIVERED };
    let credits = Credits::new(most, move || sink.push(id, Notice::MayAccept.into()));
    let handshakes = options.tls.map(|acceptor| {
      let failed = Arc::clone(&failed_handshakes);
      let demand = on_demand.then(|| Demand::new(&credits));
      Handshakes::new(acceptor, delivery, demand, context.child_token(), failed)
    });
    let accepting = Accepting {
      id,
      context: context.clone(),
      listener: Some(listener),
      tuning: options.tuning,
      handshakes,
      credits,
      on_demand,
      failures: Failures::default(),
    };
    if on_demand {
      accepting.wait_for_demand();
    }
    let listener = Rc::new(Self {
      id,
      local,
      context: context.clone(),
      accepting: RefCell::new(accepting),
      failed_handshakes,
    });
    let member: Weak<Self> = Rc::downgrade(&listener);
    context.add(id, member);
    Ok(listener)
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.id
  }

  /// The address it listens at, with the real port.
  pub fn local_addr(&self) -> SocketAddr {
    self.local
  }

  /// Connections that were dropped because their TLS handshake failed, took too long, or had to make room.
  pub fn failed_handshakes(&self) -> u32 {
    self.failed_handshakes.load(Ordering::Relaxed)
  }

  /// Accepts so many connections more, where `on_demand` was chosen. One whose handshake fails does not count.
  pub fn demand(&self, more: usize) {
    let accepting = self.accepting.borrow();
    accepting.credits.add(more);
    if let Some(handshakes) = &accepting.handshakes {
      handshakes.asked_for();
    }
  }

  /// Stops listening, without waiting for anything. When this returns the port is free, and connections that were not
  /// delivered are dropped with their events. Accepted sockets are not affected.
  pub fn close(&self) {
    self.accepting.borrow_mut().close();
  }

  /// Gives an order. A listener that panics over it fails.
  fn drive(&self, order: impl FnOnce(&mut Accepting)) {
    let mut accepting = self.accepting.borrow_mut();
    if catch_unwind(AssertUnwindSafe(|| order(&mut accepting))).is_err() {
      accepting.end(panicked());
    }
  }
}

impl Member for Listener {
  fn ready(&self, ready: Ready) -> bool {
    if ready.read {
      self.drive(Accepting::accept_some);
    }
    false
  }

  fn write(&self) {}

  fn notice(&self, notice: Notice) {
    if matches!(notice, Notice::MayAccept) {
      self.drive(Accepting::watch);
    }
  }

  fn abort(&self) {
    self.close();
  }

  fn is_over(&self) -> bool {
    self.accepting.borrow().listener.is_none()
  }
}

impl Drop for Listener {
  fn drop(&mut self) {
    self.close();
    self.context.remove(self.id);
  }
}

impl Accepting {
  /// Accepts what is there, as far as it may wait undelivered.
  fn accept_some(&mut self) {
    for _ in 0..MOST_AT_ONCE {
      let Some(first) = self.take_credit() else {
        return self.pause();
      };
      crate::fault::point("accept");
      let accepted = self.listener.as_mut().map(WatchedListener::accept);
      match accepted {
        None => return,
        Some(Ok((stream, address))) => {
          self.failures.none();
          self.accepted(stream, address, first);
        }
        Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => return,
        Some(Err(error)) => match self.failures.another(&error) {
          Remedy::Retry => {}
          Remedy::Wait if is_exhaustion(&error) => {
            if !self.context.drop_lingering() {
              let delay = if self.drop_handshakes() {
                ROOM_DELAY
              } else {
                BACK_OFF
              };
              return self.rest(delay);
            }
          }
          Remedy::Wait => return self.rest(BACK_OFF),
          Remedy::GiveUp => return self.end(SocketError::from_io("accept a connection", &error)),
        },
      }
    }
    // Others come first. Where nobody asks again by itself, we do.
    self.watch();
  }

  /// `None` where no connection may be accepted now. Handshakes take no credit, because strangers would use all of them. But none begins
  /// that nobody has asked for.
  fn take_credit(&self) -> Option<First> {
    match self.handshakes {
      Some(_) if self.on_demand => self.credits.is_any().then_some(First::Handshake),
      Some(_) => Some(First::Handshake),
      None => self.credits.take().map(First::Deliver),
    }
  }

  /// Nothing is accepted before the owner asks for it. That it finds no credit now makes the listener hear of the first.
  fn wait_for_demand(&self) {
    drop(self.take_credit());
  }

  fn accepted(&self, stream: TcpStream, address: SocketAddr, first: First) {
    // Linux lets connections inherit the listener's options, other systems do not. It fails only on a connection that is
    // already dead, and then the first read says so.
    if !cfg!(target_os = "linux") {
      let _ = self.tuning.apply(&stream);
    }
    match (first, &self.handshakes) {
      (First::Deliver(credit), _) => {
        let established = Established {
          stream,
          session: None,
        };
        let credit = if self.on_demand {
          credit.spend();
          None
        } else {
          Some(credit)
        };
        let accepted = Accepted::new(established, address, credit);
        self.context.tell(self.id, Event::Accepted(accepted));
      }
      (First::Handshake, Some(handshakes)) => {
        self.context.spawn(handshakes.begin(stream, address));
      }
      (First::Handshake, None) => {}
    }
  }

  /// Descriptors have run out: closes those of the most silent handshakes. Tasks do that, a moment later. `false` where none has
  /// had its time.
  fn drop_handshakes(&self) -> bool {
    let handshakes = self.handshakes.as_ref();
    let drop_one = |_: &usize| handshakes.is_some_and(Handshakes::drop_most_silent);
    (0..MOST_MADE_ROOM).take_while(drop_one).count() > 0
  }

  fn watch(&mut self) {
    if let Some(listener) = &mut self.listener
      && listener.watch(true).is_err()
    {
      self.rest(BACK_OFF);
    }
  }

  fn pause(&mut self) {
    if let Some(listener) = &mut self.listener {
      // To take it out of a set cannot fail.
      let _ = listener.watch(false);
    }
  }

  /// Accepts nothing for some time.
  fn rest(&mut self, delay: Duration) {
    self.pause();
    let (sink, id) = (Arc::clone(self.context.sink()), self.id);
    // Not one of the context's tasks: it holds nothing that anybody waits for.
    self.context.runtime().spawn(async move {
      time::sleep(delay).await;
      sink.push(id, Notice::MayAccept.into());
    });
  }

  /// Lets go of the port.
  fn close(&mut self) {
    self.listener = None;
    // There is a key among what they share.
    if let Some(handshakes) = self.handshakes.take() {
      handshakes.cancel();
    }
  }

  fn end(&mut self, error: SocketError) {
    if self.listener.is_some() {
      self.close();
      self.context.tell(self.id, Event::Failed(error));
    }
  }
}

/// A bug of ours.
fn panicked() -> SocketError {
  SocketError::new(ErrorName::NetworkError, "internal error: the listener panicked")
}
