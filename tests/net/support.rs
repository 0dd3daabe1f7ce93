//! A runtime on a thread of its own, as in the addon, and an owner that waits for events.

use std::{
  cell::RefCell,
  collections::HashMap,
  net::{Ipv4Addr, SocketAddr, TcpStream},
  rc::{Rc, Weak},
  sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
  },
  time::{Duration, Instant},
};

use moz_tcp_socket::{
  net::{
    ConnectOptions, Context, Event, EventSink, Input, ListenOptions, Listener, PollSet, Socket, SocketError,
    SocketId, recv_buffer::End, tls::ClientTls,
  },
  runtime,
};
use socket2::SockRef;

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
  poll_set: Option<Rc<PollSet>>,
  sockets: RefCell<HashMap<SocketId, Weak<Socket>>>,
  listeners: RefCell<HashMap<SocketId, Weak<Listener>>>,
  events: Receiver<(SocketId, Event)>,
  waiting: RefCell<HashMap<SocketId, Vec<Event>>>,
}

/// To be a client that trusts `ca` besides the system.
#[cfg(not(any(target_vendor = "apple", windows)))]
pub(crate) fn trusting(ca: Vec<Vec<u8>>) -> Arc<ClientTls> {
  let mut tls = ClientTls::default();
  tls.profile.ca = ca;
  Arc::new(tls)
}

impl Owner {
  /// One whose sockets all have tasks.
  pub(crate) fn new() -> Self {
    Self::with(None)
  }

  /// One that moves the bytes of plain connections itself.
  #[cfg(target_os = "linux")]
  pub(crate) fn polling() -> Self {
    Self::with(Some(Rc::new(PollSet::new().unwrap())))
  }

  /// One of each kind that there is here.
  pub(crate) fn each() -> Vec<Self> {
    vec![
      Self::new(),
      #[cfg(target_os = "linux")]
      Self::polling(),
    ]
  }

  fn with(poll_set: Option<Rc<PollSet>>) -> Self {
    let (sender, events) = channel();
    let runtime = runtime::handle().unwrap().clone();
    Self {
      context: Context::new(runtime, Arc::new(Sink(Mutex::new(sender))), poll_set.clone()),
      poll_set,
      sockets: RefCell::default(),
      listeners: RefCell::default(),
      events,
      waiting: RefCell::default(),
    }
  }

  pub(crate) fn keep(&self, socket: Rc<Socket>) -> Rc<Socket> {
    self
      .sockets
      .borrow_mut()
      .insert(socket.id(), Rc::downgrade(&socket));
    socket
  }

  fn socket(&self, id: SocketId) -> Option<Rc<Socket>> {
    self.sockets.borrow().get(&id)?.upgrade()
  }

  fn listener(&self, id: SocketId) -> Option<Rc<Listener>> {
    self.listeners.borrow().get(&id)?.upgrade()
  }

  /// Sorts what came, waiting a moment for it. With a poll set, moves bytes before that.
  fn turn(&self) {
    let mut patience = PATIENCE;
    if let Some(set) = &self.poll_set {
      patience = Duration::from_millis(1);
      set.look(|id, readiness| {
        if self.context.lingering_is_ready(id) {
        } else if let Some(socket) = self.socket(id) {
          socket.ready(readiness);
        } else if let Some(listener) = self.listener(id) {
          listener.ready();
        }
      });
    }
    let first = self.events.recv_timeout(patience).ok();
    for (id, event) in first.into_iter().chain(self.events.try_iter()) {
      if matches!(event, Event::Overdue) {
        self.context.run_timers();
        continue;
      }
      if let (Event::Rested, Some(listener)) = (&event, self.listener(id)) {
        listener.go_on();
        continue;
      }
      let event = match (event, self.socket(id)) {
        (Event::Connected(stream), Some(socket)) => socket.adopt(stream),
        (event, _) => event,
      };
      self.waiting.borrow_mut().entry(id).or_default().push(event);
    }
  }

  /// Turns until `done` has something.
  pub(crate) fn until<T>(&self, mut done: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
      if let Some(value) = done() {
        return value;
      }
      assert!(began.elapsed() < PATIENCE, "in time");
      self.turn();
    }
  }

  pub(crate) fn connect(&self, address: SocketAddr) -> Rc<Socket> {
    self.connect_with(&address.ip().to_string(), address.port(), None)
  }

  pub(crate) fn connect_with(&self, host: &str, port: u16, tls: Option<Arc<ClientTls>>) -> Rc<Socket> {
    self.connect_as(ConnectOptions {
      tls,
      ..ConnectOptions::to(host, port)
    })
  }

  pub(crate) fn connect_as(&self, options: ConnectOptions) -> Rc<Socket> {
    self.keep(Socket::connect(&self.context, options))
  }

  pub(crate) fn give_up(&self, options: ConnectOptions) -> Rc<Socket> {
    self.keep(Socket::given_up(&self.context, options))
  }

  pub(crate) fn listen(&self, port: u16) -> std::io::Result<Rc<Listener>> {
    self.listen_with(ListenOptions {
      port,
      ..ListenOptions::at(Ipv4Addr::LOCALHOST)
    })
  }

  pub(crate) fn listen_with(&self, options: ListenOptions) -> std::io::Result<Rc<Listener>> {
    let listener = Rc::new(Listener::bind(&self.context, options)?);
    self
      .listeners
      .borrow_mut()
      .insert(listener.id(), Rc::downgrade(&listener));
    Ok(listener)
  }

  /// The next event of `id`.
  pub(crate) fn event(&self, id: SocketId) -> Event {
    self.until(|| {
      let mut waiting = self.waiting.borrow_mut();
      let events = waiting.get_mut(&id)?;
      (!events.is_empty()).then(|| events.remove(0))
    })
  }

  /// Events of `id` that are here already, after everything else of this owner has settled.
  pub(crate) fn rest(&self, id: SocketId) -> Vec<Event> {
    self.context.shut_down();
    runtime::handle().unwrap().block_on(self.context.ended());
    while let Ok((from, event)) = self.events.try_recv() {
      self.waiting.borrow_mut().entry(from).or_default().push(event);
    }
    self.waiting.borrow_mut().remove(&id).unwrap_or_default()
  }

  /// What `peer` receives until the end.
  pub(crate) fn peer_reads_all(&self, mut peer: TcpStream) -> Vec<u8> {
    use std::io::Read as _;

    let reader = std::thread::spawn(move || {
      let mut received = Vec::new();
      peer.read_to_end(&mut received).expect("an orderly end");
      received
    });
    self.until(|| reader.is_finished().then_some(()));
    reader.join().unwrap()
  }

  /// A client and the peer's std stream, connected.
  pub(crate) fn pair(&self) -> (Rc<Socket>, TcpStream) {
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
    let mut memory = [0; 4096];
    loop {
      match self.event(socket.id()) {
        Event::Readable => match socket.take_input(&mut memory) {
          Input::None => {}
          Input::Filled(length) => return Input::Data(memory[..length].to_vec()),
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
          if let Input::End(End::Failed(error)) = socket.take_input(&mut [0; 4096]) {
            return error;
          }
        }
        other => panic!("wanted a failure, got {other:?}"),
      }
    }
  }

  /// The next connection that came in, and where from.
  pub(crate) fn accepted(&self, listener: &Listener) -> (Rc<Socket>, SocketAddr) {
    match self.event(listener.id()) {
      Event::Accepted(accepted) => {
        let peer = accepted.peer;
        (self.keep(accepted.into_socket(&self.context)), peer)
      }
      other => panic!("wanted a connection, got {other:?}"),
    }
  }
}

pub(crate) fn send(socket: &Socket, bytes: &[u8]) {
  socket.flush(bytes, false);
}

/// Ends the connection with RST.
pub(crate) fn reset(peer: TcpStream) {
  SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
  drop(peer);
}

/// Keeps the thread of the runtime busy until the result is dropped.
pub(crate) fn hold_runtime() -> Sender<()> {
  let (go_on, held) = channel();
  let (holding, is_held) = channel();
  runtime::handle().unwrap().spawn(async move {
    holding.send(()).unwrap();
    let _ = held.recv();
  });
  is_held.recv().unwrap();
  go_on
}
