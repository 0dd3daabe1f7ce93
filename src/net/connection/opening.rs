//! How a connection comes to be open: by an attempt of its own, by a task, from a listener; and how it becomes a TLS one
//! later (STARTTLS).

use std::{
  io::{self, ErrorKind},
  net::{IpAddr, SocketAddr},
  sync::Arc,
};

use super::{
  establish,
  link::Link,
  state::{Closing, Connection, Life, Outgoing},
};
use crate::net::{
  ConnectOptions, Context, Ends, ErrorName, Event, LocalEnd, SocketError, SocketId,
  event::{Established, Notice},
  peer::Peer,
  tls::Security,
};

impl Connection {
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

  pub(super) fn connect_to(
    context: &Context,
    peer: &Arc<Peer>,
    id: SocketId,
    address: IpAddr,
    local: &LocalEnd,
  ) -> Self {
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
    if connection.take_over(established) {
      // Who connects mostly speaks first, and has done so by now.
      connection.announce();
    }
    connection
  }

  /// The kernel has decided whether there is a connection.
  pub(super) fn connected(&mut self) {
    crate::fault::point("connect");
    let Life::Connecting(stream) = std::mem::replace(&mut self.life, Life::Over) else {
      return;
    };
    match stream.socket().take_error().unwrap_or_else(Some) {
      None => self.open(Link::new(stream, None)),
      // There was a connection, which the peer has reset since. What it said before is still to be read; the kernel will not give
      // this error again.
      Some(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
        self.open(Link::new(stream, None));
        self.failure = Some(Box::new(self.peer.failed("read from", &error)));
      }
      Some(error) => {
        let error = SocketError::from_io(&connecting_to(&self.peer), &error);
        return self.tell(Event::Failed(error));
      }
    }
    self.tell(Event::Opened);
    self.go_on_open();
    if self.failure.is_some() {
      self.announce();
    }
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
        match (self.take_over(established), is_first) {
          (true, true) => self.tell(Event::Opened),
          (true, false) if self.is_apart => self.tell(Event::Secured),
          _ => {}
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
  pub(super) fn take_over(&mut self, Established { stream, session }: Established) -> bool {
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

  pub(super) fn open(&mut self, link: Link) {
    // Where a task has connected, that knows more than the system does by now.
    self.ends = self
      .ends()
      .or_else(|| Ends::of(link.stream.socket(), self.peer.address()));
    self.life = Life::Open(link);
    self.activity.note();
  }

  /// Does what was asked for before it was open, and begins to watch it.
  pub(super) fn go_on_open(&mut self) {
    if self.closing != Closing::No {
      self.go_on_closing();
    } else {
      self.write();
    }
    if matches!(&self.life, Life::Open(link) if link.has_input()) {
      self.announce();
    }
  }

  /// See [`Socket::upgrade`](super::socket::Socket::upgrade).
  pub(super) fn upgrade(&mut self, security: Security) {
    if matches!(self.life, Life::Securing { .. }) {
      return self.fail(SocketError::new(ErrorName::SecurityError, UPGRADED));
    }
    let Life::Open(link) = &mut self.life else { return };
    if let Some(error) = self.failure.take() {
      return self.fail(*error);
    }
    if let Some(detail) = cannot_upgrade(link, self.outgoing) {
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
}

const UPGRADED: &str = "TLS was to begin on a connection that has it, or is about to";

/// Why TLS cannot begin.
fn cannot_upgrade(link: &Link, outgoing: Outgoing) -> Option<&'static str> {
  if link.session().is_some() || link.upgrade.is_some() {
    return Some(UPGRADED);
  }
  (outgoing != Outgoing::Open).then_some("TLS was to begin on a connection that sends no more")
}

/// An address is the only one there is, but is named all the same, as where a name has several.
fn connecting_to(Peer { host, port }: &Peer) -> String {
  format!("connect to {host} port {port} ({host})")
}

/// What is wrong with a connection on which `peeked` was found when TLS was to begin.
fn left_over(peeked: &io::Result<usize>, peer: &Peer) -> Option<SocketError> {
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
    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => None,
    // The kernel says it once; the handshake would find an end and no reason.
    Err(error) => Some(peer.failed("read from", error)),
  }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
  use std::{
    fs::File,
    os::fd::OwnedFd,
    sync::mpsc::{Sender, channel},
  };

  use super::*;
  use crate::{
    net::{EventSink, Report, event::Kind, sync::Mutex},
    runtime,
  };

  struct Sink(Mutex<Sender<Report>>);

  impl EventSink for Sink {
    fn push(&self, _id: SocketId, report: Report) {
      self.0.lock().unwrap().send(report).unwrap();
    }
  }

  #[test]
  fn nothing_is_told_behind_the_failure_of_what_cannot_be_watched() {
    let (sender, reports) = channel();
    let sink = Arc::new(Sink(Mutex::new(sender)));
    let context = Context::new(runtime::handle().unwrap().clone(), sink);
    let host = "127.0.0.1".into();
    // A descriptor that epoll refuses.
    let stream = OwnedFd::from(File::open("/dev/null").unwrap()).into();
    let established = Established {
      stream,
      session: None,
    };
    drop(Connection::established(
      &context,
      &Arc::new(Peer { host, port: 1 }),
      1,
      established,
    ));
    let told: Vec<Report> = reports.try_iter().collect();
    assert!(
      matches!(
        &told[..],
        [Report(Kind::Event(Event::Failed(error)))] if error.os == Some(libc::EPERM)
      ),
      "{told:?}"
    );
  }
}
