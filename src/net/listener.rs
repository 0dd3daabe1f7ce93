//! Listening: bind at once, accept until closed, and survive what accept(2) may answer.

use std::{
  io,
  net::SocketAddr,
  sync::{Arc, mpsc},
  time::Duration,
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::{
  net::TcpListener,
  sync::{OwnedSemaphorePermit, Semaphore},
  time,
};
use tokio_util::sync::CancellationToken;

use super::{
  Context, ErrorName, Event, EventSink, ListenOptions, Socket, SocketError, SocketId, TlsOptions,
  socket::Peer,
};

/// Accepted connections that may wait for their owner; more stay in the kernel's backlog.
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
  stream: std::net::TcpStream,
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
      tls: TlsOptions::default(),
    };
    Socket::established(context, peer, self.stream)
  }
}

/// A listening socket, seen from its owner. Dropping it closes it.
#[derive(Debug)]
pub struct Listener {
  id: SocketId,
  local: SocketAddr,
  cancel: CancellationToken,
  /// Disconnects when the loop has closed the descriptor.
  closed: mpsc::Receiver<()>,
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
      TcpListener::from_std(listen(options)?)?
    };
    let local = listener.local_addr()?;
    let (id, cancel) = (context.next_id(), context.child_token());
    let (open, closed) = mpsc::channel();
    let accepting = AcceptLoop {
      id,
      sink: Arc::clone(context.sink()),
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

fn listen(options: ListenOptions) -> io::Result<std::net::TcpListener> {
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
  id: SocketId,
  sink: Arc<dyn EventSink>,
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
      self.sink.push(self.id, Event::Failed(error));
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
          // Fails only where the system refuses to stop watching it, and then it is of no use.
          if let Ok(stream) = stream.into_std() {
            self.deliver(stream, address, credit);
          }
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

  fn deliver(&self, stream: std::net::TcpStream, address: SocketAddr, credit: OwnedSemaphorePermit) {
    // Refused only on a connection that is already dead, and then the first read says so.
    let _ = stream.set_nodelay(true);
    let peer = SocketAddr::new(address.ip().to_canonical(), address.port());
    self.sink.push(
      self.id,
      Event::Accepted(Accepted {
        stream,
        peer,
        _credit: credit,
      }),
    );
  }
}

impl Drop for AcceptLoop {
  fn drop(&mut self) {
    if !self.ended {
      let error = SocketError::new(
        ErrorName::NetworkError,
        "internal error: the listener's task panicked",
      );
      self.sink.push(self.id, Event::Failed(error));
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
