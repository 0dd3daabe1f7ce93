//! The second driver: the owner's own thread moves the bytes of a plain connection, when its poll set finds it ready.
//! No thread is woken and nothing is buffered on the way in; what the kernel does not take at once waits in the same
//! send queue as elsewhere. It connects to addresses, too; names are looked up by tasks.

use std::{
  collections::TryReserveError,
  io::{self, ErrorKind},
  net::{IpAddr, Shutdown, SocketAddr, TcpStream},
  sync::Arc,
  time::Instant,
};

use super::{
  Context, Ends, Event, Input, LocalEnd, SocketError, SocketId,
  activity::Activity,
  connection::{self, READ_SIZE, SCRATCH},
  deadlines::Standing,
  direct::{receive, send, send_one},
  event::Readiness,
  poll_set::Member,
  recv_buffer::{End, RecvBuffer},
  send_queue::{MOST_BYTES, MOST_SLICES, Next, SendQueue, copy},
  shared::{Shared, State, leftover, no_memory, panicked},
  socket::{Driver, Peer},
  tls::Security,
};

/// See the module.
pub(super) struct Polled {
  context: Context,
  peer: Arc<Peer>,
  id: SocketId,
  /// `None` once the last event was reported.
  member: Option<Member>,
  /// `None` until it is established.
  ends: Option<Ends>,
  activity: Activity,
  send: SendQueue,
  /// A `Readable` is on its way to the owner.
  announced: bool,
  /// The peer's end is there, so that there is something to read until it was.
  end_is_near: bool,
  suspended: bool,
  /// Not established yet.
  connecting: bool,
  /// The peer has not ended its stream.
  reading: bool,
  /// The owner closed: flush, send FIN, report `Closed`.
  closing: bool,
  /// The owner does not care what becomes of what it sent.
  abandoned: bool,
  /// Writing failed with this. What the peer said before is still delivered.
  failure: Option<SocketError>,
}

impl Polled {
  /// Takes over `stream` with what its owner has done to it so far.
  pub(super) fn new(
    context: &Context,
    peer: &Arc<Peer>,
    id: SocketId,
    stream: TcpStream,
    state: State,
  ) -> Self {
    let ends = state.ends.or_else(|| Ends::of(&stream, peer));
    let member = context.poll_set().map(|set| Member::new(set, id, stream));
    let mut polled = Self::of(context, peer, id, member);
    polled.ends = ends;
    polled.activity = state.activity;
    polled.send = state.send;
    polled.suspended = state.recv.is_suspended();
    if state.closing {
      polled.close();
    } else {
      polled.write();
    }
    polled
  }

  /// Starts to connect from `local` to an address. Reports `Opened` or `Failed`.
  pub(super) fn connect(
    context: &Context,
    peer: &Arc<Peer>,
    id: SocketId,
    address: IpAddr,
    local: &LocalEnd,
  ) -> Self {
    let address = SocketAddr::new(address, peer.port);
    let what = connecting_to(peer);
    let attempt = || {
      let Some(set) = context.poll_set() else {
        return Ok(None);
      };
      let socket = local.socket(&what, address)?;
      let member = Member::connecting(set, id, socket, address);
      member
        .map(Some)
        .map_err(|error| SocketError::from_io(&what, &error))
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
      Ok(member) => {
        let mut polled = Self::of(context, peer, id, member);
        polled.connecting = true;
        polled.wait();
        polled
      }
      Err(error) => {
        let polled = Self::of(context, peer, id, None);
        polled.push(Event::Failed(error));
        polled
      }
    }
  }

  /// One that never was. Reports `Closed`.
  pub(super) fn given_up(context: &Context, peer: &Arc<Peer>, id: SocketId) -> Self {
    let polled = Self::of(context, peer, id, None);
    polled.push(Event::Closed { settling: false });
    polled
  }

  fn of(context: &Context, peer: &Arc<Peer>, id: SocketId, member: Option<Member>) -> Self {
    Self {
      context: context.clone(),
      peer: Arc::clone(peer),
      id,
      member,
      ends: None,
      activity: Activity::default(),
      send: SendQueue::default(),
      announced: false,
      end_is_near: false,
      suspended: false,
      connecting: false,
      reading: true,
      closing: false,
      abandoned: false,
      failure: None,
    }
  }

  /// See [`Socket::upgrade`](super::Socket::upgrade). A task takes over.
  pub(super) fn upgrade(&mut self, security: Security) -> Option<Arc<Shared>> {
    let member = self.member.as_ref()?;
    self.failure = self
      .failure
      .take()
      .or_else(|| leftover(&member.stream().peek(&mut [0]), &self.peer));
    self.send.barrier();
    self.hand_over(Some(security))
  }

  /// Gives the connection to a task.
  fn hand_over(&mut self, upgrading: Option<Security>) -> Option<Arc<Shared>> {
    let stream = self.member.take()?.into_stream();
    let mut state = State {
      ends: self.ends,
      activity: self.activity,
      send: std::mem::take(&mut self.send),
      recv: RecvBuffer::default(),
      closing: self.closing,
      abandoned: self.abandoned,
      // `upgrade` did. What has come since may be the peer's hello.
      looked: upgrading.is_some(),
      upgrading,
      failure: self.failure.take(),
      ..State::default()
    };
    if self.suspended {
      state.recv.suspend();
    }
    if self.closing {
      state.recv.discard();
      state.owe(self.context.debts());
    }
    Some(connection::spawn(
      &self.context,
      &self.peer,
      self.id,
      stream,
      state,
    ))
  }

  fn push(&self, event: Event) {
    self.context.sink().push(self.id, event);
  }

  /// Something can be read, or might.
  pub(super) fn announce(&mut self) {
    if !self.announced {
      self.announced = true;
      self.push(Event::Readable);
    }
  }

  /// Reports the last event and closes the descriptor.
  fn end(&mut self, last: Event) {
    if self.member.take().is_some() {
      self.send.clear();
      self.push(last);
    }
  }

  /// The kernel has decided whether there is a connection.
  fn connected(&mut self) {
    crate::fault::point("connect");
    let refused = self.member.as_ref().and_then(|member| {
      let error = member.stream().take_error();
      error.unwrap_or_else(Some)
    });
    if let Some(error) = refused {
      let error = SocketError::from_io(&connecting_to(&self.peer), &error);
      return self.end(Event::Failed(error));
    }
    self.connecting = false;
    self.activity.note();
    self.ends = (self.member.as_ref()).and_then(|member| Ends::of(member.stream(), &self.peer));
    self.push(Event::Opened);
    if self.closing {
      self.close();
    } else {
      self.wait();
    }
  }

  /// Tells the poll set what to wait for.
  fn wait(&mut self) {
    let Some(member) = &mut self.member else { return };
    let wanted = Readiness {
      read: self.reading && !self.suspended && !self.connecting,
      write: self.connecting || !self.send.is_empty(),
      ..Readiness::default()
    };
    if let Err(error) = member.wait_for(wanted) {
      let error = self.peer.failed("watch the connection to", &error);
      self.end(Event::Failed(error));
    }
  }

  /// Writes as much of the queue as the kernel takes, but not more than others can wait for: the poll set comes back
  /// to the rest.
  fn write(&mut self) {
    let mut slices = Vec::new();
    let mut left = MOST_BYTES;
    while left > 0
      && let Some(member) = &self.member
    {
      match self.send.next(&mut slices, MOST_SLICES) {
        Next::Write => {}
        Next::Idle | Next::Handshake => break,
      }
      crate::fault::point("write");
      match send(member.stream(), &slices) {
        Ok(written) => {
          left = left.saturating_sub(written);
          self.activity.note();
          if self.send.advance(written) {
            self.push(Event::Drained);
          }
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
        Err(error) => return self.write_failed(&error),
      }
    }
    self.write_done();
  }

  fn write_done(&mut self) {
    if self.closing && self.send.is_empty() {
      self.finish();
    } else {
      self.wait();
    }
  }

  /// What the peer said before it went away is still worth delivering, though perhaps not before `resume`.
  fn write_failed(&mut self, error: &io::Error) {
    let error = self.peer.failed("write to", error);
    let peek = |member: &Member| member.stream().peek(&mut [0]);
    let waiting = matches!(self.member.as_ref().map(peek), Some(Ok(1..)));
    if !self.reading || self.closing || (self.suspended && !waiting) {
      return self.end(Event::Failed(error));
    }
    self.send.clear();
    self.failure = Some(error);
    self.announce();
  }

  /// Everything is written, and the owner closed.
  fn finish(&mut self) {
    let Some(member) = self.member.take() else { return };
    // Fails when the peer is gone, which is no longer of interest: all was handed over.
    let _ = member.stream().shutdown(Shutdown::Write);
    // A peer that was sent nothing has nothing to lose by a reset.
    let settling = self.reading && !self.abandoned && self.send.has_sent();
    self.push(Event::Closed { settling });
    if settling {
      self.context.linger(self.id, member);
    } else {
      drop_waiting(member.stream());
    }
  }

  /// While the owner waits for its last bytes to go, input is read and dropped: the peer may write before it reads.
  fn drop_input(&mut self, memory: &mut [u8]) {
    let Some(member) = &self.member else { return };
    match receive(member.stream(), memory) {
      Ok(0) => {
        self.reading = false;
        self.wait();
      }
      Ok(_) => self.activity.note(),
      Err(error) if error.kind() == ErrorKind::WouldBlock => {}
      Err(error) => {
        let error = self.peer.failed("read from", &error);
        self.end(Event::Failed(error));
      }
    }
  }

  /// The end of the input, or what writing failed with before.
  fn input_ended(&mut self) -> Input {
    if let Some(error) = self.failure.take() {
      self.member = None;
      return Input::End(End::Failed(error));
    }
    self.reading = false;
    self.wait();
    Input::End(End::Eof)
  }
}

/// Reads and drops what has come: on unread bytes, closing a descriptor makes the kernel send RST at once.
fn drop_waiting(stream: &TcpStream) {
  SCRATCH.with_borrow_mut(|scratch| {
    let mut left = MOST_BYTES;
    while left > 0
      && let Ok(read @ 1..) = receive(stream, scratch)
    {
      left = left.saturating_sub(read);
    }
  });
}

fn is_readable(stream: &TcpStream) -> bool {
  !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// An address is the only one there is, but is named all the same, as where a name has several.
fn connecting_to(Peer { host, port }: &Peer) -> String {
  format!("connect to {host} port {port} ({host})")
}

impl Driver for Polled {
  fn ends(&self) -> Option<Ends> {
    self.ends
  }

  fn watch_activity(&mut self) {
    self.activity.watch();
  }

  fn standing(&self) -> Standing {
    if self.connecting {
      return Standing::Connecting;
    }
    let last = self.activity.last();
    // What has arrived and only waits for the owner is no silence, and neither is the end of it.
    let waits = last.is_some() && !self.suspended && self.reading;
    match &self.member {
      Some(member) if waits && is_readable(member.stream()) => Standing::Active(Some(Instant::now())),
      _ => Standing::Active(last),
    }
  }

  fn ready(&mut self, readiness: Readiness) {
    if self.connecting {
      return self.connected();
    }
    if readiness.write {
      self.write();
    }
    self.end_is_near |= readiness.end;
    if readiness.read {
      if self.suspended {
        self.wait();
      } else {
        self.announce();
      }
    }
  }

  fn stage(&mut self, data: &[u8]) -> Result<(), TryReserveError> {
    if self.member.is_some() {
      self.send.stage(copy(data)?);
    }
    Ok(())
  }

  fn flush(&mut self, mut data: &[u8], report_drained: bool) -> usize {
    // Straight from the owner's memory, as long as nothing has to leave before it.
    if self.send.is_empty()
      && !data.is_empty()
      && self.failure.is_none()
      && let Some(member) = &self.member
    {
      crate::fault::point("write");
      match send_one(member.stream(), data) {
        Ok(written) => {
          data = &data[written..];
          self.send.sent_past();
          self.activity.note();
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => {
          self.write_failed(&error);
          return 0;
        }
      }
    }
    if self.stage(data).is_err() {
      self.end(Event::Failed(no_memory(data.len())));
      return 0;
    }
    self.send.commit();
    if !self.send.is_empty()
      && self
        .member
        .as_ref()
        .is_some_and(|member| !member.waits_for().write)
    {
      self.write();
    }
    if report_drained && self.send.want_drain() {
      self.push(Event::Drained);
    }
    self.send.unwritten()
  }

  fn unwritten(&self) -> usize {
    self.send.unwritten()
  }

  fn input_waiting(&self) -> usize {
    let wanted = self.reading && !self.suspended && !self.closing;
    self.member.as_ref().filter(|_| wanted).map_or(0, Member::waiting)
  }

  fn take_input(&mut self, memory: &mut [u8]) -> Input {
    self.announced = false;
    let Some(member) = &self.member else {
      return Input::None;
    };
    if self.closing {
      self.drop_input(memory);
      return Input::None;
    }
    if self.suspended || !self.reading {
      return Input::None;
    }
    crate::fault::point("read");
    match receive(member.stream(), memory) {
      Ok(0) => self.input_ended(),
      Ok(read) => {
        self.activity.note();
        if read == READ_SIZE || self.end_is_near || self.failure.is_some() {
          self.announce();
        }
        Input::Filled(read)
      }
      Err(error) if error.kind() == ErrorKind::WouldBlock => {
        if self.failure.is_some() {
          self.input_ended()
        } else {
          Input::None
        }
      }
      Err(error) => {
        let error = self.peer.failed("read from", &error);
        self.member = None;
        Input::End(End::Failed(error))
      }
    }
  }

  fn suspend(&mut self) {
    // The poll set learns of it when input comes: most suspensions are short. What is closed reads on, to find the end.
    self.suspended = !self.closing;
  }

  fn resume(&mut self) {
    self.suspended = false;
    self.wait();
    if self.failure.is_some() {
      self.announce();
    }
  }

  fn close(&mut self) {
    if self.member.is_none() {
      return;
    }
    self.closing = true;
    self.suspended = false;
    if self.connecting {
      return;
    }
    if let Some(error) = self.failure.take() {
      return self.end(Event::Failed(error));
    }
    self.send.commit();
    self.write();
  }

  fn close_immediately(&mut self) {
    self.send.clear();
    self.abandoned = true;
    self.close();
  }

  fn release(&mut self) {
    // What was closed and still has bytes to write goes on without its owner.
    if self.closing {
      self.hand_over(None);
    }
    self.member = None;
  }

  fn abort(&mut self) {
    self.end(Event::Closed { settling: false });
  }

  fn fail(&mut self, error: SocketError) {
    self.end(Event::Failed(error));
  }

  fn owed_at_close(&self) -> Option<usize> {
    let member = self.member.as_ref().filter(|_| self.closing)?;
    // What the kernel has counts until the peer acknowledges it: the kernel takes more in large steps only.
    let in_kernel = crate::os::unacknowledged(member.stream()).unwrap_or(0);
    Some(self.send.unwritten() + in_kernel)
  }

  fn panicked(&mut self) {
    self.end(Event::Failed(panicked()));
  }
}
