//! A runtime on a thread of its own, as in the addon, and an owner that waits for events.

use std::{
  cell::RefCell,
  collections::HashMap,
  io::Write,
  net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
  rc::Rc,
  sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
  },
  thread::{self, JoinHandle},
  time::{Duration, Instant},
};

#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
use moz_tcp_socket::net::{DatagramSocket, Received, batch};
use moz_tcp_socket::{
  net::{
    ConnectOptions, Context, End, ErrorName, Event, EventSink, Input, ListenOptions, Listener, Report,
    Socket, SocketError, SocketId, input::MOST_TAKEN, tls::ClientTls,
  },
  runtime,
};
use socket2::SockRef;

/// Longer than anything here takes on a busy machine; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

struct Sink(Mutex<Sender<(SocketId, Report)>>);

impl EventSink for Sink {
  fn push(&self, id: SocketId, report: Report) {
    let _ = self.0.lock().unwrap().send((id, report));
  }
}

/// The owner of some sockets: a context and the events that came for each of them.
pub(crate) struct Owner {
  pub(crate) context: Context,
  reports: Receiver<(SocketId, Report)>,
  waiting: RefCell<HashMap<SocketId, Vec<Event>>>,
}

/// What arrived.
#[derive(Debug)]
pub(crate) enum Taken {
  Data(Vec<u8>),
  End(End),
}

/// To be a client that trusts `ca` besides the system.
#[cfg(not(any(target_vendor = "apple", windows)))]
pub(crate) fn trusting(ca: Vec<Vec<u8>>) -> Arc<ClientTls> {
  let mut tls = ClientTls::default();
  tls.profile.ca = ca;
  Arc::new(tls)
}

impl Owner {
  /// One that Tokio tells what is ready.
  pub(crate) fn new() -> Self {
    let (sink, reports) = sink();
    Self::of(Context::new(runtime::handle().unwrap().clone(), sink), reports)
  }

  /// One that looks into a set.
  #[cfg(target_os = "linux")]
  pub(crate) fn polling() -> Self {
    let (sink, reports) = sink();
    let set = Rc::new(moz_tcp_socket::net::PollSet::new().unwrap());
    let context = Context::with_poll_set(runtime::handle().unwrap().clone(), sink, set);
    Self::of(context, reports)
  }

  /// One of each kind that there is here.
  pub(crate) fn each() -> Vec<Self> {
    vec![
      Self::new(),
      #[cfg(target_os = "linux")]
      Self::polling(),
    ]
  }

  fn of(context: Context, reports: Receiver<(SocketId, Report)>) -> Self {
    Self {
      context,
      reports,
      waiting: RefCell::default(),
    }
  }

  /// Sorts what came, waiting a moment for it, and has bytes move.
  fn turn(&self) {
    self.context.look();
    self.context.write(|| true);
    let first = self.reports.recv_timeout(Duration::from_millis(1)).ok();
    for (id, report) in first.into_iter().chain(self.reports.try_iter()) {
      if let Some(event) = self.context.answer(id, report) {
        self.waiting.borrow_mut().entry(id).or_default().push(event);
      }
    }
    self.context.write(|| true);
  }

  /// Turns long enough for what has arrived to be noticed.
  #[cfg(not(any(target_vendor = "apple", windows)))]
  pub(crate) fn turn_often(&self) {
    self.meanwhile(|| thread::sleep(Duration::from_millis(20)));
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
    Socket::connect(&self.context, options)
  }

  pub(crate) fn give_up(&self, options: ConnectOptions) -> Rc<Socket> {
    Socket::given_up(&self.context, options)
  }

  pub(crate) fn listen(&self, port: u16) -> std::io::Result<Rc<Listener>> {
    self.listen_with(ListenOptions {
      port,
      ..ListenOptions::at(Ipv4Addr::LOCALHOST)
    })
  }

  pub(crate) fn listen_with(&self, options: ListenOptions) -> std::io::Result<Rc<Listener>> {
    Listener::bind(&self.context, options)
  }

  /// The next event of `id`.
  pub(crate) fn event(&self, id: SocketId) -> Event {
    self.until(|| {
      let mut waiting = self.waiting.borrow_mut();
      let events = waiting.get_mut(&id)?;
      (!events.is_empty()).then(|| events.remove(0))
    })
  }

  /// The next event of `id`, if there is one after a turn.
  #[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
  pub(crate) fn event_of_turn(&self, id: SocketId) -> Option<Event> {
    self.turn();
    let mut waiting = self.waiting.borrow_mut();
    let events = waiting.get_mut(&id)?;
    (!events.is_empty()).then(|| events.remove(0))
  }

  /// Events of `id` that are here already, after everything else of this owner has settled.
  pub(crate) fn rest(&self, id: SocketId) -> Vec<Event> {
    self.context.shut_down();
    runtime::handle().unwrap().block_on(self.context.ended());
    while let Ok((from, report)) = self.reports.try_recv() {
      if let Some(event) = self.context.answer(from, report) {
        self.waiting.borrow_mut().entry(from).or_default().push(event);
      }
    }
    self.waiting.borrow_mut().remove(&id).unwrap_or_default()
  }

  /// What `peer` receives until the end.
  pub(crate) fn peer_reads_all(&self, mut peer: TcpStream) -> Vec<u8> {
    use std::io::Read as _;

    self.meanwhile(move || {
      let mut received = Vec::new();
      peer.read_to_end(&mut received).expect("an orderly end");
      received
    })
  }

  /// What `work` returns, which a thread of its own does while this one turns.
  pub(crate) fn meanwhile<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
    let worker = thread::spawn(work);
    self.until(|| worker.is_finished().then_some(()));
    worker.join().unwrap()
  }

  /// A client and the peer's std stream, connected.
  pub(crate) fn pair(&self) -> (Rc<Socket>, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
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
        Taken::Data(data) => bytes.extend(data),
        other => panic!("wanted {count} bytes, got {} and then {other:?}", bytes.len()),
      }
    }
    bytes
  }

  /// The next input of `socket` that is not empty.
  pub(crate) fn input(&self, socket: &Socket) -> Taken {
    let mut memory = vec![0; MOST_TAKEN];
    loop {
      match self.event(socket.id()) {
        Event::Readable => match socket.take_input(&mut memory) {
          Input::None => {}
          Input::Filled(length) => return Taken::Data(memory[..length].to_vec()),
          Input::End(end) => return Taken::End(end),
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
        (Socket::accepted(&self.context, accepted), peer)
      }
      other => panic!("wanted a connection, got {other:?}"),
    }
  }
}

/// A datagram that `socket` has, and who sent it.
#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
pub(crate) fn datagram(socket: &DatagramSocket) -> Option<(Vec<u8>, SocketAddr)> {
  let mut memory = vec![0; batch::MEMORY];
  let mut received = Vec::new();
  socket.take(&mut memory, 1, &mut received);
  let Received { start, length, from } = received.pop()?;
  Some((memory[start..start + length].to_vec(), from))
}

pub(crate) fn send(socket: &Socket, bytes: &[u8]) {
  socket.flush(bytes, false);
}

/// Ends the connection with RST.
pub(crate) fn reset(peer: TcpStream) {
  SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
  drop(peer);
}

fn sink() -> (Arc<Sink>, Receiver<(SocketId, Report)>) {
  let (sender, reports) = channel();
  (Arc::new(Sink(Mutex::new(sender))), reports)
}

/// `socket` is told what came before a reset, and of that behind it, and nothing is left.
pub(crate) fn assert_reset_behind(owner: &Owner, socket: &Socket, words: &[u8]) {
  assert_eq!(owner.read(socket, words.len()), words);
  match owner.input(socket) {
    Taken::End(End::Failed(error)) => assert_eq!(error.name, ErrorName::NetworkError, "{error}"),
    other => panic!("wanted a failure, got {other:?}"),
  }
  all_gone(owner);
}

/// A write meets the reset, which `say_and_reset` sends behind `b"last words"`, before anybody has read those.
pub(crate) fn assert_write_that_meets_a_reset_loses_nothing(
  owner: &Owner,
  socket: &Socket,
  say_and_reset: impl FnOnce(),
) {
  socket.suspend();
  let held = hold_runtime();
  say_and_reset();
  send(socket, b"x");
  // Only now Tokio hears of it.
  drop(held);
  socket.resume();
  assert_reset_behind(owner, socket, b"last words");
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

/// More than the kernel keeps for one connection, at both ends together.
pub(crate) const MUCH: usize = 20_000_000;

pub(crate) fn pattern(length: usize) -> Vec<u8> {
  (0..length).map(|i| (i % 251) as u8).collect()
}

/// What `thread` returns; the owner moves bytes meanwhile.
pub(crate) fn join<T>(owner: &Owner, thread: JoinHandle<T>) -> T {
  owner.until(|| thread.is_finished().then_some(()));
  thread.join().unwrap()
}

/// A round trip on another connection, which takes several turns: whatever was on its way has been seen.
pub(crate) fn round_trip(owner: &Owner) {
  let (other, mut peer) = owner.pair();
  peer.write_all(b"x").unwrap();
  assert_eq!(owner.read(&other, 1), b"x");
}

/// Waits until no connection is left.
pub(crate) fn all_gone(owner: &Owner) {
  owner.until(|| (owner.context.live() == 0).then_some(()));
}

/// A connection that is established, though its owner has not looked at that yet.
pub(crate) fn connected_unseen(owner: &Owner) -> (Rc<Socket>, TcpStream) {
  let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
  // A name, which a task looks up.
  let socket = owner.connect_with("localhost", listener.local_addr().unwrap().port(), None);
  let (peer, _) = listener.accept().unwrap();
  // The task that connects has reported and ended.
  let began = Instant::now();
  while owner.context.live() > 0 {
    assert!(began.elapsed() < PATIENCE, "in time");
    thread::yield_now();
  }
  (socket, peer)
}
