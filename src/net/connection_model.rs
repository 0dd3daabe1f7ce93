//! Every order in which a socket's owner and its task can come together; see [`crate::net::sync`]. An order that nobody
//! wakes the task for, or a fact that nobody is told, leaves both waiting, which loom reports as a deadlock.

use std::{
  collections::VecDeque,
  future::poll_fn,
  sync::atomic::{AtomicUsize, Ordering},
};

use loom::{future::block_on, sync::mpsc, thread};
use tokio::{
  io::ReadBuf,
  runtime::{Builder, Handle},
};

use super::*;
use crate::net::{self, EventSink, Input, socket::Driver};

/// A connection of which each read finds the next piece of `input`, then its end or nothing.
#[derive(Default)]
struct Wire {
  input: VecDeque<&'static [u8]>,
  is_quiet: bool,
  output: Vec<u8>,
}

impl AsyncRead for Wire {
  fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    match self.input.pop_front() {
      Some(piece) => {
        let (now, later) = piece.split_at(piece.len().min(buf.remaining()));
        buf.put_slice(now);
        if !later.is_empty() {
          self.input.push_front(later);
        }
      }
      None if self.is_quiet => return Poll::Pending,
      None => {}
    }
    Poll::Ready(Ok(()))
  }
}

impl AsyncWrite for Wire {
  fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
    self.output.extend_from_slice(data);
    Poll::Ready(Ok(data.len()))
  }

  fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
    Poll::Ready(Ok(()))
  }

  fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
    Poll::Ready(Ok(()))
  }
}

impl InKernel for Wire {
  fn unacknowledged(&self) -> io::Result<usize> {
    Ok(0)
  }

  fn peek(&self) -> io::Result<usize> {
    match self.input.front() {
      Some(piece) => Ok(piece.len().min(1)),
      None if self.is_quiet => Err(io::ErrorKind::WouldBlock.into()),
      None => Ok(0),
    }
  }
}

struct Mailbox {
  events: mpsc::Sender<Event>,
  announcements: Arc<AtomicUsize>,
}

impl EventSink for Mailbox {
  fn push(&self, _: SocketId, event: Event) {
    if matches!(event, Event::Readable) {
      let others = self.announcements.fetch_add(1, Ordering::SeqCst);
      assert_eq!(others, 0, "two announcements are on their way");
    }
    self.events.send(event).ok();
  }
}

struct Owner {
  socket: Arc<Shared>,
  events: mpsc::Receiver<Event>,
  announcements: Arc<AtomicUsize>,
  received: Vec<u8>,
}

impl Owner {
  fn new(runtime: &Handle) -> (Self, Arc<Shared>) {
    let (sender, events) = mpsc::channel();
    let announcements = Arc::new(AtomicUsize::new(0));
    let sink = Arc::new(Mailbox {
      events: sender,
      announcements: Arc::clone(&announcements),
    });
    let context = net::Context::new(runtime.clone(), sink, None);
    let shared = Shared::new(&context, 1, State::default());
    let owner = Self {
      socket: Arc::clone(&shared),
      events,
      announcements,
      received: Vec::new(),
    };
    (owner, shared)
  }

  fn answer(&mut self, event: &Event) -> Input {
    assert!(matches!(event, Event::Readable), "{event:?}");
    self.announcements.fetch_sub(1, Ordering::SeqCst);
    self.socket.take_input(&mut [])
  }

  fn receive_until_the_end(&mut self) {
    loop {
      let event = self.events.recv().unwrap();
      match self.answer(&event) {
        Input::None => {}
        Input::Data(data) => self.received.extend_from_slice(&data),
        Input::Filled(_) => panic!("nothing was offered to be filled"),
        Input::End(End::Eof) => return,
        Input::End(End::Failed(error)) => panic!("{error:?}"),
      }
    }
  }
}

/// The task, on a thread of its own. Ends with what the pump stopped for.
fn serve(shared: Arc<Shared>, mut wire: Wire) -> thread::JoinHandle<(Step, Wire)> {
  thread::spawn(move || {
    let peer = Peer {
      host: String::new(),
      port: 0,
    };
    let mut pump = Pump {
      shared: &shared,
      transport: &mut wire,
      peer: &peer,
      reading: true,
      broken: None,
      unannounced: false,
      stalled: None,
    };
    let step = block_on(poll_fn(|cx| pump.poll(cx)));
    (step, wire)
  })
}

/// All orders in which a thread is interrupted, while it could go on, at most six times; to try all takes
/// too long. `LOOM_MAX_PREEMPTIONS` sets another bound.
fn model(f: impl Fn(&Handle) + Send + Sync + 'static) {
  // Contexts name a runtime; nothing runs on it.
  let runtime = Builder::new_current_thread().build().unwrap();
  let handle = runtime.handle().clone();
  let mut orders = loom::model::Builder::new();
  orders.preemption_bound.get_or_insert(6);
  orders.check(move || f(&handle));
}

#[test]
fn a_reader_that_waits_for_room_is_woken_and_everything_arrives_in_order() {
  model(|runtime| {
    let (mut owner, shared) = Owner::new(runtime);
    if shared.with(|state| state.recv.append(&mut vec![0; LIMIT - 1])) {
      shared.push(Event::Readable);
    }
    let wire = Wire {
      input: [&b"ab"[..]].into(),
      ..Wire::default()
    };
    let task = serve(shared, wire);
    owner.receive_until_the_end();
    assert_eq!(owner.received.len(), LIMIT - 1 + 2);
    assert!(owner.received.ends_with(b"\0ab"));
    owner.socket.close();
    assert!(matches!(task.join().unwrap().0, Step::Close { .. }));
  });
}

#[test]
fn nothing_is_taken_while_suspended_and_everything_after_it() {
  model(|runtime| {
    let (mut owner, shared) = Owner::new(runtime);
    let wire = Wire {
      input: [&b"a"[..], b"b"].into(),
      ..Wire::default()
    };
    let task = serve(shared, wire);
    owner.socket.suspend();
    while let Ok(event) = owner.events.try_recv() {
      assert!(matches!(owner.answer(&event), Input::None));
    }
    owner.socket.resume();
    owner.receive_until_the_end();
    assert_eq!(owner.received, b"ab");
    owner.socket.close();
    assert!(matches!(task.join().unwrap().0, Step::Close { .. }));
  });
}

#[test]
fn what_is_flushed_is_written_and_a_wanted_drain_is_reported_once() {
  model(|runtime| {
    let (mut owner, shared) = Owner::new(runtime);
    let wire = Wire {
      is_quiet: true,
      ..Wire::default()
    };
    let task = serve(shared, wire);
    owner.socket.flush(b"a", false);
    owner.socket.flush(b"b", true);
    assert!(matches!(owner.events.recv(), Ok(Event::Drained)));
    assert_eq!(owner.socket.unwritten(), 0);
    owner.socket.stage(b"c").unwrap();
    owner.socket.close();
    let (step, wire) = task.join().unwrap();
    assert!(matches!(step, Step::Close { .. }));
    assert_eq!(wire.output, b"abc");
    assert!(owner.events.try_recv().is_err());
  });
}

#[test]
fn plaintext_that_was_not_taken_before_an_upgrade_ends_the_socket() {
  model(|runtime| {
    let (mut owner, shared) = Owner::new(runtime);
    let wire = Wire {
      input: [&b"injected"[..]].into(),
      is_quiet: true,
      ..Wire::default()
    };
    let task = serve(shared, wire);
    owner.socket.upgrade(Security::Client(Default::default()));
    let (step, _) = task.join().unwrap();
    while let Ok(event) = owner.events.try_recv() {
      assert!(matches!(owner.answer(&event), Input::None));
    }
    match step {
      Step::Fail(error) => assert_eq!(error.name, ErrorName::SecurityError),
      Step::Handshake(_) => panic!("plaintext came before TLS, and nobody noticed"),
      Step::Close { .. } => panic!("nobody closed"),
    }
  });
}
