//! Streams and listeners, each with whoever watches it, and the calls on them: the same for every kind of readiness.

use std::{
  cell::Cell,
  io::{self, IoSlice},
  mem::MaybeUninit,
  net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
  rc::Rc,
  sync::Arc,
};

use socket2::{SockRef, Socket as RawSocket};

#[cfg(not(target_os = "linux"))]
use super::no_poll_set::PollSet;
#[cfg(target_os = "linux")]
use super::poll_set::{self, PollSet};
use super::{
  counted::Counted,
  datagrams::{Datagrams, WatchedDatagrams},
  interest::{Interest, Ready},
  runtime::{RegisteredListener, RegisteredStream, Runtime},
};
use crate::net::{
  EventSink, SocketId,
  sys::{direct, kernel},
};

/// The readiness of one owner.
#[derive(Clone)]
pub(in crate::net) struct Reactor {
  kind: Kind,
  /// How many streams, listeners and datagram sockets there are, watched or not.
  count: Rc<Cell<usize>>,
}

#[derive(Clone)]
enum Kind {
  #[cfg(target_os = "linux")]
  PollSet(Rc<PollSet>),
  Runtime(Runtime),
}

impl Reactor {
  /// That of `set`, into which its owner looks.
  #[cfg(target_os = "linux")]
  pub(in crate::net) fn of_set(set: Rc<PollSet>) -> Self {
    Self::new(Kind::PollSet(set))
  }

  /// There is none here.
  #[cfg(not(target_os = "linux"))]
  pub(in crate::net) fn of_set(set: Rc<PollSet>) -> Self {
    match *set {}
  }

  /// Tokio's, which tells `sink`.
  pub(in crate::net) fn of_runtime(runtime: &tokio::runtime::Handle, sink: &Arc<dyn EventSink>) -> Self {
    Self::new(Kind::Runtime(Runtime::new(runtime.clone(), Arc::clone(sink))))
  }

  fn new(kind: Kind) -> Self {
    let count = Rc::default();
    Self { kind, count }
  }

  /// How many streams, listeners and datagram sockets there are.
  pub(in crate::net) fn count(&self) -> usize {
    self.count.get()
  }

  /// Whether the owner asks what is ready, rather than being told.
  pub(in crate::net) fn is_asked(&self) -> bool {
    !matches!(self.kind, Kind::Runtime(_))
  }

  /// Calls `found` with what is ready, where that can be asked for. Does not wait.
  pub(in crate::net) fn look(&self, found: impl FnMut(SocketId, Ready)) {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Kind::PollSet(set) => set.look(found),
      Kind::Runtime(_) => drop(found),
    }
  }

  /// A stream that is watched for nothing yet.
  ///
  /// # Errors
  /// The system cannot watch it.
  pub(in crate::net) fn stream(&self, id: SocketId, stream: TcpStream) -> io::Result<WatchedStream> {
    let kind = match &self.kind {
      #[cfg(target_os = "linux")]
      Kind::PollSet(set) => Stream::Member(poll_set::Member::new(set, id, stream)),
      Kind::Runtime(runtime) => Stream::Registered(runtime.stream(id, stream)?),
    };
    let counted = Counted::one_of(&self.count);
    Ok(WatchedStream {
      kind,
      _counted: counted,
    })
  }

  /// A stream that is being connected to `address` with `socket`. When it is writable, that is decided.
  ///
  /// # Errors
  /// The system refuses at once.
  pub(in crate::net) fn connect(
    &self,
    id: SocketId,
    socket: RawSocket,
    address: SocketAddr,
  ) -> io::Result<WatchedStream> {
    direct::begin_connect(&socket, address)?;
    self.stream(id, socket.into())
  }

  /// A listener that is watched for nothing yet.
  ///
  /// # Errors
  /// The system cannot watch it.
  pub(in crate::net) fn listener(&self, id: SocketId, listener: TcpListener) -> io::Result<WatchedListener> {
    let kind = match &self.kind {
      #[cfg(target_os = "linux")]
      Kind::PollSet(set) => Listener::Member(poll_set::Member::new(set, id, listener)),
      Kind::Runtime(runtime) => Listener::Registered(runtime.listener(id, listener)?),
    };
    let counted = Counted::one_of(&self.count);
    Ok(WatchedListener {
      kind,
      _counted: counted,
    })
  }

  /// A datagram socket that is watched for nothing yet.
  ///
  /// # Errors
  /// The system cannot watch it.
  pub(in crate::net) fn datagrams(&self, id: SocketId, socket: UdpSocket) -> io::Result<WatchedDatagrams> {
    let kind = match &self.kind {
      #[cfg(target_os = "linux")]
      Kind::PollSet(set) => Datagrams::Member(poll_set::Member::new(set, id, socket)),
      Kind::Runtime(runtime) => Datagrams::Registered(runtime.datagrams(id, socket)?),
    };
    let counted = Counted::one_of(&self.count);
    Ok(WatchedDatagrams {
      kind,
      _counted: counted,
    })
  }
}

/// A stream and who watches it. Dropping it closes the stream.
#[derive(Debug)]
pub(in crate::net) struct WatchedStream {
  kind: Stream,
  _counted: Counted,
}

#[derive(Debug)]
enum Stream {
  #[cfg(target_os = "linux")]
  Member(poll_set::Member<TcpStream>),
  Registered(RegisteredStream),
}

impl WatchedStream {
  /// Changes what it is watched for. What is found stays found: it is told again after the next call, if it is still so.
  ///
  /// # Errors
  /// No memory is left, or the system's limit of watched descriptors is reached.
  pub(in crate::net) fn watch(&mut self, interest: Interest) -> io::Result<()> {
    match &mut self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => member.watch(interest),
      Stream::Registered(stream) => {
        stream.watch(interest);
        Ok(())
      }
    }
  }

  /// What it is watched for.
  pub(in crate::net) fn interest(&self) -> Interest {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => member.interest(),
      Stream::Registered(stream) => stream.interest(),
    }
  }

  /// Its owner was told.
  pub(in crate::net) fn told(&mut self, ready: Ready) {
    match &mut self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(_) => {}
      Stream::Registered(stream) => stream.told(ready),
    }
  }

  /// Reads. 0 is the peer's end.
  ///
  /// # Errors
  /// The system's; `WouldBlock` where nothing is there.
  pub(in crate::net) fn receive(&self, memory: &mut [u8]) -> io::Result<usize> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => direct::receive(&SockRef::from(member.get()), memory),
      Stream::Registered(stream) => stream.receive(memory),
    }
  }

  /// Writes, at least a byte.
  ///
  /// # Errors
  /// The system's; `WouldBlock` where it takes nothing now.
  pub(in crate::net) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => direct::send(&SockRef::from(member.get()), bytes),
      Stream::Registered(stream) => stream.send(bytes.len(), |socket| direct::send(socket, bytes)),
    }
  }

  /// As [`WatchedStream::send`].
  ///
  /// # Errors
  /// As there.
  pub(in crate::net) fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => direct::send_vectored(&SockRef::from(member.get()), slices),
      Stream::Registered(stream) => {
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        stream.send(bytes, |socket| direct::send_vectored(socket, slices))
      }
    }
  }

  /// The socket, for its options and addresses.
  pub(in crate::net) fn socket(&self) -> SockRef<'_> {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => SockRef::from(member.get()),
      Stream::Registered(stream) => stream.socket(),
    }
  }

  /// How many bytes wait, at most 1; 0 is the peer's end.
  ///
  /// # Errors
  /// `WouldBlock` where nothing is there; what is wrong with the connection.
  pub(in crate::net) fn peek(&self) -> io::Result<usize> {
    self.socket().peek(&mut [MaybeUninit::uninit()])
  }

  /// How many bytes can be read at once. 0 where the kernel does not say.
  pub(in crate::net) fn waiting(&self) -> usize {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => kernel::waiting(member.get()).unwrap_or(0),
      Stream::Registered(stream) => stream.waiting(),
    }
  }

  /// Whether the peer has ended its stream, perhaps behind bytes. `was_found` tells whether that was found.
  pub(in crate::net) fn has_peer_ended(&self, was_found: bool) -> bool {
    match &self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(_) => was_found,
      Stream::Registered(stream) => was_found || stream.has_peer_ended(),
    }
  }

  /// Bytes that the peer has not acknowledged, those included that have not left yet.
  ///
  /// # Errors
  /// The system does not tell.
  pub(in crate::net) fn unacknowledged(&self) -> io::Result<usize> {
    kernel::unacknowledged(&*self.socket())
  }

  /// The stream, which nobody watches any more.
  ///
  /// # Errors
  /// The system refuses to stop watching it.
  pub(in crate::net) fn into_stream(self) -> io::Result<TcpStream> {
    match self.kind {
      #[cfg(target_os = "linux")]
      Stream::Member(member) => Ok(member.into_inner()),
      Stream::Registered(stream) => stream.into_stream(),
    }
  }
}

/// A listener and who watches it. Dropping it closes the listener.
#[derive(Debug)]
pub(in crate::net) struct WatchedListener {
  kind: Listener,
  _counted: Counted,
}

#[derive(Debug)]
enum Listener {
  #[cfg(target_os = "linux")]
  Member(poll_set::Member<TcpListener>),
  Registered(RegisteredListener),
}

impl WatchedListener {
  /// Whether it is watched for connections.
  ///
  /// # Errors
  /// No memory is left, or the system's limit of watched descriptors is reached.
  pub(in crate::net) fn watch(&mut self, read: bool) -> io::Result<()> {
    match &mut self.kind {
      #[cfg(target_os = "linux")]
      Listener::Member(member) => member.watch(Interest {
        read,
        ..Interest::default()
      }),
      Listener::Registered(listener) => {
        listener.watch(read);
        Ok(())
      }
    }
  }

  /// A connection, which does not block.
  ///
  /// # Errors
  /// The system's; `WouldBlock` where there is none.
  pub(in crate::net) fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
    match &mut self.kind {
      #[cfg(target_os = "linux")]
      Listener::Member(member) => {
        let (stream, address) = member.get().accept()?;
        stream.set_nonblocking(true)?;
        Ok((stream, address))
      }
      Listener::Registered(listener) => listener.accept(),
    }
  }
}
