//! A runtime on a thread of its own, as in the addon, and an owner that waits for events.

use std::{
  collections::HashMap,
  net::{Ipv4Addr, SocketAddr, TcpStream},
  sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
  },
  time::Duration,
};

use bytes::Bytes;
use moz_tcp_socket::{
  net::{
    Accepted, ConnectOptions, Context, Event, EventSink, Input, ListenOptions, Listener, Socket, SocketError,
    SocketId, TlsOptions, recv_buffer::End,
  },
  runtime,
};

/// Longer than anything here takes on a busy machine; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

struct Sink(Mutex<Sender<(SocketId, Event)>>);

impl EventSink for Sink {
  fn push(&self, id: SocketId, event: Event) {
    let _ = self.0.lock().unwrap().send((id, event));
  }
}

/// The owner of some sockets: a context and the events that came for each of them.
pub(crate) struct Owner {
  pub(crate) context: Context,
  events: Receiver<(SocketId, Event)>,
  waiting: Mutex<HashMap<SocketId, Vec<Event>>>,
}

impl Owner {
  pub(crate) fn new() -> Self {
    let (sender, events) = channel();
    let runtime = runtime::handle().unwrap().clone();
    let context = Context::new(runtime, Arc::new(Sink(Mutex::new(sender))));
    Self {
      context,
      events,
      waiting: Mutex::default(),
    }
  }

  pub(crate) fn connect(&self, address: SocketAddr) -> Socket {
    self.connect_with(&address.ip().to_string(), address.port(), false, Vec::new())
  }

  pub(crate) fn connect_with(&self, host: &str, port: u16, secure: bool, ca: Vec<Vec<u8>>) -> Socket {
    let tls = TlsOptions { ca };
    Socket::connect(
      &self.context,
      ConnectOptions {
        host: host.into(),
        port,
        secure,
        tls,
      },
    )
  }

  pub(crate) fn listen(&self, port: u16) -> std::io::Result<Listener> {
    let address = Ipv4Addr::LOCALHOST.into();
    Listener::bind(
      &self.context,
      ListenOptions {
        address,
        port,
        backlog: 16,
      },
    )
  }

  /// The next event of `id`.
  pub(crate) fn event(&self, id: SocketId) -> Event {
    loop {
      if let Some(queue) = self.waiting.lock().unwrap().get_mut(&id)
        && !queue.is_empty()
      {
        return queue.remove(0);
      }
      let (from, event) = self.events.recv_timeout(PATIENCE).expect("an event in time");
      self.waiting.lock().unwrap().entry(from).or_default().push(event);
    }
  }

  /// Events of `id` that are here already, after everything else of this owner has settled.
  pub(crate) fn rest(&self, id: SocketId) -> Vec<Event> {
    self.context.shut_down();
    runtime::handle().unwrap().block_on(self.context.ended());
    while let Ok((from, event)) = self.events.try_recv() {
      self.waiting.lock().unwrap().entry(from).or_default().push(event);
    }
    self.waiting.lock().unwrap().remove(&id).unwrap_or_default()
  }

  /// A client and the peer's std stream, connected.
  pub(crate) fn pair(&self) -> (Socket, TcpStream) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let socket = self.connect(listener.local_addr().unwrap());
    let (peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(self.event(socket.id()), Event::Opened));
    (socket, peer)
  }

  /// Reads events of `socket` until `count` bytes arrived.
  pub(crate) fn read(&self, socket: &Socket, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
      match self.input(socket) {
        Input::Data(data) => bytes.extend(data),
        other => panic!("wanted {count} bytes, got {} and then {other:?}", bytes.len()),
      }
    }
    bytes
  }

  /// The next input of `socket` that is not empty.
  pub(crate) fn input(&self, socket: &Socket) -> Input {
    loop {
      match self.event(socket.id()) {
        Event::Readable => match socket.take_input() {
          Input::None => {}
          input => return input,
        },
        other => panic!("wanted input, got {other:?}"),
      }
    }
  }

  /// How the connection of `socket` broke, as input or as an event; data before it is dropped.
  pub(crate) fn failure(&self, socket: &Socket) -> SocketError {
    loop {
      match self.event(socket.id()) {
        Event::Failed(error) => return error,
        Event::Readable => {
          if let Input::End(End::Failed(error)) = socket.take_input() {
            return error;
          }
        }
        other => panic!("wanted a failure, got {other:?}"),
      }
    }
  }

  pub(crate) fn accepted(&self, listener: &Listener) -> Accepted {
    match self.event(listener.id()) {
      Event::Accepted(accepted) => accepted,
      other => panic!("wanted a connection, got {other:?}"),
    }
  }
}

/// Stages and flushes.
pub(crate) fn send(socket: &Socket, bytes: &[u8]) {
  socket.stage(Bytes::copy_from_slice(bytes));
  socket.flush(false);
}
