//! A connection as one state machine, from an attempt to its last event. It runs on its owner's thread and never waits.
//! Readiness, its owner's orders and what tasks report move it on.

use std::{
  net::{IpAddr, Shutdown, SocketAddr},
  sync::Arc,
  time::Instant,
};

use super::{
  establish::{self, Attempt},
  link::Link,
};
use crate::net::{
  ConnectOptions, Context, Ends, ErrorName, Event, LocalEnd, SocketError, SocketId,
  event::{Established, Notice},
  lingering::with_nowhere,
  peer::Peer,
  policy::{activity::Activity, deadlines::Standing, send_queue::SendQueue},
  readiness::{Interest, Ready, WatchedStream},
  tls::{SavedSession, Security, TlsInfo},
};

/// See the module.
pub(super) struct Connection {
  pub(super) context: Context,
  pub(super) peer: Arc<Peer>,
  pub(super) id: SocketId,
  pub(super) life: Life,
  /// `None` until it is established.
  ends: Option<Ends>,
  /// Of a connection that is over.
  last_tls: Option<Box<(TlsInfo, Option<SavedSession>)>>,
  pub(super) activity: Activity,
  pub(super) send: SendQueue,
  /// A `Readable` is on its way to the owner.
  pub(super) announced: bool,
  /// The peer's end is there, so that there is something to read until it was.
  pub(super) end_is_near: bool,
  pub(super) suspended: bool,
  /// The peer has ended its stream.
  pub(super) has_peer_ended: bool,
  pub(super) closing: Closing,
  /// Writing failed with this. What the peer said before is still delivered.
  pub(super) failure: Option<Box<SocketError>>,
}

/// How far a connection has come.
pub(super) enum Life {
  /// A task of the runtime makes it.
  Establishing { attempt: Attempt },
  /// The kernel connects.
  Connecting(WatchedStream),
  /// It carries bytes.
  Open(Link),
  /// A task of the runtime makes TLS of it (STARTTLS).
  Securing { _attempt: Attempt },
  /// The last event was told, or nobody is there to be told.
  Over,
}

/// What its owner has asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
  /// Nothing.
  No,
  /// To send everything, then FIN, then to tell `Closed`.
  AfterSending,
  /// The same, without what was not yet written, and whatever becomes of what was.
  Now,
}

impl Connection {
  fn new(context: &Context, peer: &Arc<Peer>, id: SocketId, life: Life) -> Self {
    Self {
      context: context.clone(),
      peer: Arc::clone(peer),
      id,
      life,
      ends: None,
      last_tls: None,
      activity: Activity::default(),
      send: SendQueue::default(),
      announced: false,
      end_is_near: false,
      suspended: false,
      has_peer_ended: false,
      closing: Closing::No,
      failure: None,
    }
  }

  /// Starts to connect. Tells `Opened` or `Failed`.
  pub(super) fn connect(context: &Context, peer: &Arc<Peer>, id: SocketId, options: ConnectOptions) -> Self {
    let ConnectOptions { tls, local, .. } = options;
    match peer.host.parse() {
      Ok(address) if tls.is_none() => Self::connect_to(context, peer, id, address, &local),
      _ => {
        let attempt = establish::connect(context, id, peer, local, tls);
        Self::new(context, peer, id, Life::Establishing { attempt })
      }
    }
  }

  fn connect_to(context: &Context, peer: &Arc<Peer>, id: SocketId, address: IpAddr, local: &LocalEnd) -> Self {
    let address = SocketAddr::new(address, peer.port);
    let what = connecting_to(peer);
    let attempt = || {
      let socket = local.socket(&what, address)?;
      let connecting = context.reactor().connect(id, socket, address);
      connecting.map_err(|error| SocketError::from_io(&what, &error))
    };
    let attempted = attempt().or_else(|error| {
      // What only waits for a peer to end makes room for what is wanted now.
      if error.is_exhaustion() && context.drop_lingering() {
        attempt()
      } else {
        Err(error)
      }
    });
    match attempted {
      Ok(stream) => {
        let mut connection = Self::new(context, peer, id, Life::Connecting(stream));
        connection.watch();
        connection
      }
      Err(error) => {
        let connection = Self::new(context, peer, id, Life::Over);
        connection.tell(Event::Failed(error));
        connection
      }
    }
  }

  /// One that never was. Tells `Closed`.
  pub(super) fn given_up(context: &Context, peer: &Arc<Peer>, id: SocketId) -> Self {
    let connection = Self::new(context, peer, id, Life::Over);
    connection.tell(Event::Closed { settling: false });
    connection
  }

  /// One that is established, such as an accepted one. May tell `Failed`.
  pub(super) fn established(
    context: &Context,
    peer: &Arc<Peer>,
    id: SocketId,
    established: Established,
  ) -> Self {
    let mut connection = Self::new(context, peer, id, Life::Over);
    connection.take_over(established);
    // Who connects mostly speaks first, and has done so by now.
    connection.announce();
    connection
  }

  pub(super) fn tell(&self, event: Event) {
    self.context.tell(self.id, event);
  }

  /// Tells the last event, and closes the descriptor.
  pub(super) fn end(&mut self, last: Event) {
    if !self.is_over() {
      self.set_over();
      self.tell(last);
    }
  }

  /// Closes the descriptor. Keeps what TLS was.
  pub(super) fn set_over(&mut self) {
    self.keep_tls();
    self.life = Life::Over;
    self.send.clear();
  }

  fn keep_tls(&mut self) {
    if let Life::Open(link) = &self.life
      && let Some(session) = link.session()
    {
      self.last_tls = Some(Box::new((session.info(), session.saved_session())));
    }
  }

  pub(super) fn is_over(&self) -> bool {
    matches!(self.life, Life::Over)
  }

  pub(super) fn fail(&mut self, error: SocketError) {
    self.end(Event::Failed(error));
  }

  /// A bug of ours. The socket must not just fall silent.
  pub(super) fn panicked(&mut self) {
    self.fail(panicked());
  }

  pub(super) fn ends(&self) -> Option<Ends> {
    match &self.life {
      Life::Establishing { attempt } => attempt.ends(),
      _ => self.ends,
    }
  }

  pub(super) fn tls_info(&self) -> Option<TlsInfo> {
    match &self.life {
      Life::Open(link) => link.session().map(|session| session.info()),
      _ => self.last_tls.as_deref().map(|(info, _)| info.clone()),
    }
  }

  pub(super) fn saved_session(&self) -> Option<SavedSession> {
    match &self.life {
      Life::Open(link) => link.session()?.saved_session(),
      _ => self.last_tls.as_deref()?.1.clone(),
    }
  }

  /// The connection, as something that deadlines are about.
  pub(super) fn standing(&self) -> Standing {
    let last = self.activity.last();
    match &self.life {
      // It is established, which nobody has noticed so far.
      Life::Establishing { attempt } if attempt.is_done() => Standing::Active(Some(Instant::now())),
      Life::Connecting(stream) if stream.socket().peer_addr().is_ok() => Standing::Active(Some(Instant::now())),
      Life::Establishing { .. } | Life::Connecting(_) => Standing::Connecting,
      // What has arrived and only waits for the owner is no silence, and neither is the end of it.
      Life::Open(link)
        if last.is_some()
          && !self.suspended
          && !self.has_peer_ended
          && (link.has_input() || !matches!(link.stream.peek(), Err(error) if is_nothing(&error))) =>
      {
        Standing::Active(Some(Instant::now()))
      }
      _ => Standing::Active(last),
    }
  }

  /// Bytes that a close waits for.
  pub(super) fn owed_at_close(&self) -> Option<usize> {
    if self.closing == Closing::No || self.is_over() {
      return None;
    }
    // What the kernel has counts until the peer acknowledges it: the kernel takes more in large steps only.
    let in_kernel = match &self.life {
      Life::Open(link) => link.stream.unacknowledged().unwrap_or(0),
      _ => 0,
    };
    Some(self.send.unwritten() + in_kernel)
  }

  /// Its descriptor was found ready. `true` when it is to write.
  pub(super) fn ready(&mut self, ready: Ready) -> bool {
    match &mut self.life {
      Life::Connecting(stream) => {
        stream.told(ready);
        self.connected();
        false
      }
      Life::Open(link) => {
        link.stream.told(ready);
        self.end_is_near |= ready.end;
        if ready.read && self.wants_input() {
          self.announce();
        } else if ready.read {
          self.watch();
        }
        ready.write
      }
      Life::Establishing { .. } | Life::Securing { .. } | Life::Over => false,
    }
  }

  /// The kernel has decided whether there is a connection.
  fn connected(&mut self) {
    crate::fault::point("connect");
    let Life::Connecting(stream) = std::mem::replace(&mut self.life, Life::Over) else {
      return;
    };
    let decided = stream.socket().take_error().unwrap_or_else(Some);
    if let Some(error) = decided {
      let error = SocketError::from_io(&connecting_to(&self.peer), &error);
      return self.tell(Event::Failed(error));
    }
    self.open(Link::new(stream, None));
    self.tell(Event::Opened);
    self.go_on_open();
  }

  /// A task has something to say.
  pub(super) fn notice(&mut self, notice: Notice) {
    let is_first = match &self.life {
      Life::Establishing { .. } => true,
      Life::Securing { .. } => false,
      // It has been given up meanwhile.
      _ => return,
    };
    match notice {
      Notice::Established(established) => {
        self.send.pass_barrier();
        if self.take_over(established) && is_first {
          self.tell(Event::Opened);
        }
        self.go_on_open();
      }
      Notice::Failed(error) => {
        self.ends = self.ends();
        self.fail(error);
      }
      _ => {}
    }
  }

  /// `false` where the system does not let us, which was told.
  fn take_over(&mut self, Established { stream, session }: Established) -> bool {
    match self.context.reactor().stream(self.id, stream) {
      Ok(stream) => {
        self.open(Link::new(stream, session));
        true
      }
      Err(error) => {
        self.life = Life::Over;
        self.tell(Event::Failed(self.peer.failed("watch the connection to", &error)));
        false
      }
    }
  }

  fn open(&mut self, link: Link) {
    self.ends = self.ends.or_else(|| Ends::of(link.stream.socket(), &self.peer));
    self.life = Life::Open(link);
    self.activity.note();
  }

  /// Does what was asked for before it was open, and begins to watch it.
  fn go_on_open(&mut self) {
    if self.closing != Closing::No {
      self.go_on_closing();
    } else {
      self.write();
    }
    if matches!(&self.life, Life::Open(link) if link.has_input()) {
      self.announce();
    }
  }

  /// Watches the descriptor for what is wanted now.
  pub(super) fn watch(&mut self) {
    let (wants_input, has_to_write) = (self.wants_input(), self.has_to_write());
    let (stream, interest) = match &mut self.life {
      Life::Connecting(stream) => {
        let interest = Interest {
          read: false,
          write: true,
        };
        (stream, interest)
      }
      Life::Open(link) => {
        let interest = Interest {
          read: wants_input,
          write: has_to_write,
        };
        (&mut link.stream, interest)
      }
      Life::Establishing { .. } | Life::Securing { .. } | Life::Over => return,
    };
    if let Err(error) = stream.watch(interest) {
      self.fail(self.peer.failed("watch the connection to", &error));
    }
  }

  /// See [`Socket::upgrade`](super::socket::Socket::upgrade).
  pub(super) fn upgrade(&mut self, security: Security) {
    let Life::Open(link) = &mut self.life else { return };
    if let Some(error) = self.failure.take() {
      return self.fail(*error);
    }
    if link.session().is_some() {
      let detail = "internal error: TLS inside TLS";
      return self.fail(SocketError::new(ErrorName::SecurityError, detail));
    }
    if let Some(error) = left_over(&link.stream.peek(), &self.peer) {
      return self.fail(error);
    }
    link.upgrade = Some(security);
    self.send.barrier();
    self.write();
  }

  /// What was to be sent before TLS is out: a task makes the handshake.
  pub(super) fn secure(&mut self) {
    let Life::Open(link) = std::mem::replace(&mut self.life, Life::Over) else {
      return;
    };
    let Link { stream, upgrade, .. } = link;
    let Some(security) = upgrade else { return };
    match stream.into_stream() {
      Ok(stream) => {
        let attempt = establish::secure(&self.context, self.id, &self.peer, stream, security);
        self.life = Life::Securing { _attempt: attempt };
      }
      Err(error) => self.tell(Event::Failed(self.peer.failed("begin TLS with", &error))),
    }
  }

  /// See [`Socket::close`](super::socket::Socket::close).
  pub(super) fn close(&mut self) {
    if self.closing == Closing::No {
      self.closing = Closing::AfterSending;
    }
    self.suspended = false;
    self.send.commit();
    self.go_on_closing();
  }

  /// See [`Socket::close_immediately`](super::socket::Socket::close_immediately).
  pub(super) fn close_immediately(&mut self) {
    self.closing = Closing::Now;
    self.suspended = false;
    self.send.clear();
    match &mut self.life {
      Life::Open(link) => {
        // Half a record is no place for a close_notify: the peer learns that something is missing.
        if let Some(session) = link.session_mut()
          && session.has_output()
        {
          session.drop_output();
        }
        self.go_on_closing();
      }
      _ => self.end(Event::Closed { settling: false }),
    }
  }

  fn go_on_closing(&mut self) {
    if !matches!(self.life, Life::Open(_)) {
      return;
    }
    if let Some(error) = self.failure.take() {
      return self.fail(*error);
    }
    self.send.commit();
    self.write();
  }

  /// Everything is written, and the owner closed.
  pub(super) fn finish(&mut self) {
    self.keep_tls();
    let Life::Open(link) = std::mem::replace(&mut self.life, Life::Over) else {
      return;
    };
    // Fails when the peer is gone, which is no longer of interest: all was handed over.
    let _ = link.stream.socket().shutdown(Shutdown::Write);
    // A peer that was sent nothing has nothing to lose by a reset. With TLS, something always was.
    let has_sent = self.send.has_sent() || link.session().is_some();
    let settling = !self.has_peer_ended && self.closing == Closing::AfterSending && has_sent;
    self.tell(Event::Closed { settling });
    if settling {
      self.context.linger(self.id, link.stream);
    } else {
      drop_waiting(&link.stream);
    }
  }

  /// The handle is gone. What it closed goes on; see [`Context::keep`].
  pub(super) fn release(&mut self) {
    if self.closing == Closing::No {
      self.set_over();
    }
  }

  /// See [`Socket::abort`](super::socket::Socket::abort).
  pub(super) fn abort(&mut self) {
    self.end(Event::Closed { settling: false });
  }
}

/// Reads and drops what has come: on unread bytes, closing a descriptor makes the kernel send RST at once.
fn drop_waiting(stream: &WatchedStream) {
  with_nowhere(|memory| {
    for _ in 0..16 {
      if !matches!(stream.receive(memory), Ok(1..)) {
        break;
      }
    }
  });
}

/// An address is the only one there is, but is named all the same, as where a name has several.
fn connecting_to(Peer { host, port }: &Peer) -> String {
  format!("connect to {host} port {port} ({host})")
}

fn is_nothing(error: &std::io::Error) -> bool {
  error.kind() == std::io::ErrorKind::WouldBlock
}

/// What is wrong with a connection on which `peeked` was found when TLS was to begin.
fn left_over(peeked: &std::io::Result<usize>, peer: &Peer) -> Option<SocketError> {
  match peeked {
    // The peer has ended its stream, so that no handshake can follow.
    Ok(0) => Some(SocketError::new(
      ErrorName::NetworkInterruptError,
      "the peer ended the connection before TLS began",
    )),
    // The peer, or somebody in between, spoke where only TLS may speak (RFC 3207 section 6, "NO STARTTLS" 2021).
    Ok(_) => Some(SocketError::new(
      ErrorName::SecurityError,
      "plaintext arrived after the last event before upgradeToSecure(); it was discarded (STARTTLS injection?)",
    )),
    Err(error) if is_nothing(error) || error.kind() == std::io::ErrorKind::Interrupted => None,
    // The kernel says it once; the handshake would find an end and no reason.
    Err(error) => Some(peer.failed("read from", error)),
  }
}

/// A bug of ours.
pub(super) fn panicked() -> SocketError {
  SocketError::new(
    ErrorName::NetworkError,
    "internal error: the socket's task panicked",
  )
}
