//! Listening: bind at once, accept until closed, and survive what accept(2) may answer.

use std::{
  io,
  net::SocketAddr,
  sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
    mpsc,
  },
  time::Duration,
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::{
  net::{TcpListener, TcpStream},
  sync::{OwnedSemaphorePermit, Semaphore},
  time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
  Context, ErrorName, Event, EventSink, ListenOptions, Socket, SocketError, SocketId,
  socket::Peer,
  tls::{self, Acceptor},
  transport::{Tcp, Transport},
};

/// Accepted connections that may be in their TLS handshake or wait for their owner; more stay in the kernel's backlog.
pub const MOST_UNDELIVERED: usize = 128;

/// How long the loop waits when the system has no descriptor or memory for another connection.
const BACK_OFF: Duration = Duration::from_millis(100);

/// How many failures in a row are taken for passing ones before the loop backs off as well.
const MOST_QUICK_RETRIES: u32 = 16;

/// How long `close` waits for the loop to let go of the port. It takes microseconds, unless the machine is stuck.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// A connection that came in.
#[derive(Debug)]
pub struct Accepted {
  stream: Incoming,
  /// Where it came from. An IPv4 peer of a dual-stack listener has an IPv4 address.
  pub peer: SocketAddr,
  /// Lets the loop accept another one when this value is dropped.
  _credit: OwnedSemaphorePermit,
}

impl Accepted {
  /// Makes a socket of it, which is open from the start.
  pub fn into_socket(self, context: &Context) -> Socket {
    let peer = Peer {
      host: self.peer.ip().to_string(),
      port: self.peer.port(),
    };
    match self.stream {
      Incoming::Plain(stream) => Socket::established(context, peer, stream),
      Incoming::Secure(transport) => Socket::secured(context, peer, transport),
    }
  }
}

#[derive(Debug)]
enum Incoming {
  Plain(std::net::TcpStream),
  /// After its handshake.
  Secure(Transport),
}

/// A listening socket, seen from its owner. Dropping it closes it.
#[derive(Debug)]
pub struct Listener {
  id: SocketId,
  local: SocketAddr,
  cancel: CancellationToken,
  /// Disconnects when the loop has closed the descriptor.
  closed: mpsc::Receiver<()>,
  failed_handshakes: Arc<AtomicU32>,
}

impl Listener {
  /// Binds and listens before it returns. Reports `Accepted` for each connection, and `Failed` should listening end
  /// by itself.
  ///
  /// # Errors
  /// The system's own: address in use, permission denied, address not available, too many open files, …
  pub fn bind(context: &Context, options: ListenOptions) -> io::Result<Self> {
    let listener = {
      let _runtime = context.runtime().enter();
      TcpListener::from_std(listen(&options)?)?
    };
    let local = listener.local_addr()?;
    let (id, cancel) = (context.next_id(), context.child_token());
    let (open, closed) = mpsc::channel();
    let failed_handshakes = Arc::default();
    let accepting = AcceptLoop {
      delivery: Delivery {
        id,
        sink: Arc::clone(context.sink()),
        tls: options.tls,
        failed_handshakes: Arc::clone(&failed_handshakes),
      },
      tasks: context.tasks().clone(),
      cancel: cancel.clone(),
      ended: false,
      _open: open,
    };
    context.spawn(accepting.run(listener));
    Ok(Self {
      id,
      local,
      cancel,
      closed,
      failed_handshakes,
    })
  }

  /// The id its events carry.
  pub fn id(&self) -> SocketId {
    self.id
  }

  /// The address it listens at, with the real port.
  pub fn local_addr(&self) -> SocketAddr {
    self.local
  }

  /// Connections that were dropped because their TLS handshake failed, or took too long.
  pub fn failed_handshakes(&self) -> u32 {
    self.failed_handshakes.load(Ordering::Relaxed)
  }

  /// Stops listening. When this returns the port is free, and connections that were not delivered are dropped with
  /// their events. Accepted sockets are not affected.
  pub fn close(&self) {
    self.cancel.cancel();
    // `Err` either way: disconnected as expected, or the wait was too long and the port is freed a little later.
    let _ = self.closed.recv_timeout(CLOSE_WAIT);
  }
}

impl Drop for Listener {
  fn drop(&mut self) {
    self.cancel.cancel();
  }
}

fn listen(options: &ListenOptions) -> io::Result<std::net::TcpListener> {
  let address = SocketAddr::new(options.address, options.port);
  let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
  // On Unix: listen again on a port whose old connections linger. On Windows it would mean stealing the port.
  #[cfg(unix)]
  socket.set_reuse_address(true)?;
  if address.is_ipv6() {
    socket.set_only_v6(!options.address.is_unspecified())?;
  }
  socket.set_nonblocking(true)?;
  socket.bind(&address.into())?;
  socket.listen(options.backlog)?;
  Ok(socket.into())
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
    let mut failures_in_a_row = 0;
    loop {
      let credit = match Arc::clone(&credits).acquire_owned().await {
        Ok(credit) => credit,
        Err(closed) => return SocketError::new(ErrorName::NetworkError, format!("internal error: {closed}")),
      };
      crate::fault::point("accept");
      match listener.accept().await {
        Ok((stream, address)) => {
          failures_in_a_row = 0;
          self.accepted(stream, address, credit);
        }
        Err(error) if is_fatal(&error) => return SocketError::from_io("accept a connection", &error),
        Err(error) => {
          failures_in_a_row += 1;
          if is_exhaustion(&error) || failures_in_a_row > MOST_QUICK_RETRIES {
            time::sleep(BACK_OFF).await;
          }
        }
      }
    }
  }

  fn accepted(&self, stream: TcpStream, address: SocketAddr, credit: OwnedSemaphorePermit) {
    // Refused only on a connection that is already dead, and then the first read says so.
    let _ = stream.set_nodelay(true);
    let peer = SocketAddr::new(address.ip().to_canonical(), address.port());
    if let Some(acceptor) = &self.delivery.tls {
      let secured = self
        .delivery
        .clone()
        .secure(Arc::clone(acceptor), stream, peer, credit);
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
      self.delivery.deliver(Incoming::Plain(stream), peer, credit);
    }
  }
}

/// Where accepted connections go.
#[derive(Clone)]
struct Delivery {
  id: SocketId,
  sink: Arc<dyn EventSink>,
  tls: Option<Arc<Acceptor>>,
  failed_handshakes: Arc<AtomicU32>,
}

impl Delivery {
  fn push(&self, event: Event) {
    self.sink.push(self.id, event);
  }

  fn deliver(&self, stream: Incoming, peer: SocketAddr, credit: OwnedSemaphorePermit) {
    self.push(Event::Accepted(Accepted {
      stream,
      peer,
      _credit: credit,
    }));
  }

  /// Delivers a connection once it is secure. The credit bounds how many of these there are at a time.
  async fn secure(
    self,
    acceptor: Arc<Acceptor>,
    stream: TcpStream,
    peer: SocketAddr,
    credit: OwnedSemaphorePermit,
  ) {
    let host = peer.ip().to_string();
    match tls::accept(Tcp::new(stream), &host, peer.port(), &acceptor).await {
      Ok(transport) => self.deliver(Incoming::Secure(transport), peer, credit),
      // Any stranger can cause this. It is no news of the listener's.
      Err(_) => {
        self.failed_handshakes.fetch_add(1, Ordering::Relaxed);
      }
    }
  }
}

impl Drop for AcceptLoop {
  fn drop(&mut self) {
    if !self.ended {
      let error = SocketError::new(
        ErrorName::NetworkError,
        "internal error: the listener's task panicked",
      );
      self.delivery.push(Event::Failed(error));
    }
  }
}

/// The listening descriptor itself is not one any more; everything else concerns one connection, or passes.
fn is_fatal(error: &io::Error) -> bool {
  use io::ErrorKind as Kind;
  matches!(error.kind(), Kind::InvalidInput | Kind::Unsupported)
    || error.raw_os_error() == Some(bad_descriptor())
}

#[cfg(unix)]
fn bad_descriptor() -> i32 {
  9 // EBADF
}

#[cfg(windows)]
fn bad_descriptor() -> i32 {
  10038 // WSAENOTSOCK
}

/// No descriptor or no memory is left. Accepting again at once would only spin.
fn is_exhaustion(error: &io::Error) -> bool {
  const EXHAUSTED: &[i32] = if cfg!(windows) {
    &[10024, 10055] // WSAEMFILE, WSAENOBUFS
  } else if cfg!(target_vendor = "apple") {
    &[12, 23, 24, 55] // ENOMEM, ENFILE, EMFILE, ENOBUFS
  } else {
    &[12, 23, 24, 105] // ENOMEM, ENFILE, EMFILE, ENOBUFS
  };
  error.raw_os_error().is_some_and(|code| EXHAUSTED.contains(&code))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
  use super::*;

  #[test]
  fn accept_errors_are_sorted_by_what_helps() {
    let of = io::Error::from_raw_os_error;
    for (name, code) in [("ENOMEM", 12), ("ENFILE", 23), ("EMFILE", 24), ("ENOBUFS", 105)] {
      assert!(
        is_exhaustion(&of(code)) && !is_fatal(&of(code)),
        "{name} passes, but not soon"
      );
    }
    for (name, code) in [
      ("EPERM", 1),
      ("EINTR", 4),
      ("ECONNABORTED", 103),
      ("EPROTO", 71),
      ("ETIMEDOUT", 110),
    ] {
      assert!(
        !is_exhaustion(&of(code)) && !is_fatal(&of(code)),
        "{name} concerns one connection"
      );
    }
    for (name, code) in [("EBADF", 9), ("EINVAL", 22)] {
      assert!(is_fatal(&of(code)), "{name} ends the listener");
    }
  }
}
