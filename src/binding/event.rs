//! Events on their way to JavaScript: a number for the kind, and what belongs to it.

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  ptr,
  rc::Rc,
};

use napi::{
  Env, Result,
  bindgen_prelude::{JsValue, ToNapiValue},
  check_status, sys,
};
use napi_derive::napi;

use super::{
  entry::{Entry, Target},
  hub::Hub,
  memory::{self, forget_exception},
  socket::TcpSocket,
};
use crate::net::{Accepted, End, ErrorName, Event, Input, Socket, SocketError, SocketId, input::MOST_TAKEN};

/// What `dispatch(id, kind, …)` is told.
#[napi]
pub enum EventKind {
  /// Connected, and verified where TLS was asked for. Of a datagram socket that has a peer: it can be used.
  Opened,
  /// `(data: string | ArrayBuffer)`: bytes arrived. `(count: number)`: they are in the memory that was given for them.
  Data,
  /// The peer will send no more.
  Ended,
  /// All that was queued is written. Only after it was asked for. Of a datagram socket: one datagram that had to wait is sent.
  Drained,
  /// A close is complete. Nothing follows.
  Closed,
  /// `(failure: Failure)`: the socket or listener failed. Nothing follows.
  Failed,
  /// `(socket, host, port)`: a listener accepted a connection.
  Accepted,
  /// `(memory: ArrayBuffer, start, length, port, host?)`: a datagram arrived, which is in this memory until this call returns. Without
  /// `host`, its sender's is the same as that of the datagram before, whatever socket that was for.
  Datagram,
  /// Our side of the stream is ended. What follows is of a socket that is used as a stream: of the facade's it does not come.
  ShutDown,
  /// The peer has ended its side, perhaps behind bytes that nobody has read.
  PeerEnded,
  /// `(failure: Failure)`: nothing can be read any more. Of a datagram socket: what its peer answered to what it was sent.
  ReadFailed,
  /// `(failure: Failure)`: nothing can be written any more. Of a datagram socket: one datagram was not sent.
  WriteFailed,
  /// STARTTLS is done.
  Secured,
  /// `(memory: ArrayBuffer, count, hosts?)`: so many datagrams arrived for one that is used as a stream, all in this memory. At its end is
  /// a table with room for the most that there can be: for each its start, its length and its sender's port, of 32 bits each. `hosts`
  /// has hosts only where they are not the same as before.
  Datagrams,
}

/// Calls the realm that `entry` belongs to. A socket whose event cannot be made fails: it must not just fall silent.
pub(super) fn deliver(hub: &Rc<Hub>, env: sys::napi_env, id: SocketId, event: Event, entry: &Entry) {
  let is_socket = matches!(entry.target, Target::Socket { .. });
  let is_close = matches!(event, Event::Closed { .. });
  let arguments = |env: &Env| arguments(hub, env, event, entry);
  if deliver_in_scope(env, id, entry, arguments).is_none() && is_socket {
    // A bug of ours.
    forget_exception(env);
    deliver_in_scope(env, id, entry, |env| {
      if is_close {
        return Ok(Some(Arguments::new(EventKind::Closed, [])));
      }
      failed(env, &SocketError::panicked()).map(Some)
    });
  }
}

/// Tells that it failed, of a reason that is not the engine's.
pub(super) fn fail(env: sys::napi_env, id: SocketId, entry: &Entry, error: &SocketError) {
  forget_exception(env);
  deliver_in_scope(env, id, entry, |env| failed(env, error).map(Some));
}

/// A handle scope, which lets go of what an event carries as soon as it is delivered, when many follow each other. A panic
/// closes it too: Node ends the process over a scope that is left open.
pub(super) struct Scope {
  env: sys::napi_env,
  scope: sys::napi_handle_scope,
}

impl Scope {
  pub(super) fn open(env: sys::napi_env) -> Option<Self> {
    let mut scope = ptr::null_mut();
    // SAFETY: on the JavaScript thread, with its environment.
    let status = unsafe { sys::napi_open_handle_scope(env, &raw mut scope) };
    (status == sys::Status::napi_ok).then_some(Self { env, scope })
  }
}

impl Drop for Scope {
  fn drop(&mut self) {
    // SAFETY: as in `open`, once, and scopes nest as values do.
    unsafe { sys::napi_close_handle_scope(self.env, self.scope) };
  }
}

/// `None` where `make` panics, before JavaScript was called.
fn deliver_in_scope(
  env: sys::napi_env,
  id: SocketId,
  entry: &Entry,
  make: impl FnOnce(&Env) -> Result<Option<Arguments>>,
) -> Option<()> {
  let deliver = || {
    let Some(_scope) = Scope::open(env) else { return };
    let arguments = make(&Env::from_raw(env)).unwrap_or_else(|_| {
      forget_exception(env);
      // The JavaScript heap is exhausted or going away. This takes no memory.
      let is_socket = matches!(entry.target, Target::Socket { .. });
      is_socket.then(|| Arguments::new(EventKind::Closed, []))
    });
    if let Some(arguments) = arguments {
      call(env, id, entry, arguments);
    }
  };
  catch_unwind(AssertUnwindSafe(deliver)).ok()
}

fn call(env: sys::napi_env, id: SocketId, entry: &Entry, arguments: Arguments) {
  let Arguments {
    kind,
    count,
    mut values,
  } = arguments;
  // SAFETY: on the JavaScript thread, in an open handle scope.
  unsafe {
    sys::napi_create_uint32(env, id, &raw mut values[0]);
    sys::napi_create_uint32(env, kind as u32, &raw mut values[1]);
  }
  entry.realm.dispatch(env, &values[..count]);
}

/// What `dispatch` is called with: the socket's id, the kind, and what belongs to it. Of a fixed size, because there is
/// one for every message.
struct Arguments {
  kind: EventKind,
  count: usize,
  values: [sys::napi_value; 5],
}

impl Arguments {
  fn new<const N: usize>(kind: EventKind, details: [sys::napi_value; N]) -> Self {
    let mut values = [ptr::null_mut(); 5];
    values[2..2 + N].copy_from_slice(&details);
    Self {
      kind,
      count: 2 + N,
      values,
    }
  }
}

fn arguments(hub: &Rc<Hub>, env: &Env, event: Event, entry: &Entry) -> Result<Option<Arguments>> {
  crate::fault::point("deliver");
  Ok(Some(match event {
    Event::Opened => Arguments::new(EventKind::Opened, []),
    Event::Drained => Arguments::new(EventKind::Drained, []),
    Event::Closed { .. } => Arguments::new(EventKind::Closed, []),
    // For the hub alone.
    Event::Settled => return Ok(None),
    Event::ShutDown => Arguments::new(EventKind::ShutDown, []),
    Event::PeerEnded => Arguments::new(EventKind::PeerEnded, []),
    Event::Secured => Arguments::new(EventKind::Secured, []),
    Event::WriteFailed(error) => failure(env, EventKind::WriteFailed, &error)?,
    Event::ReadFailed(error) => failure(env, EventKind::ReadFailed, &error)?,
    Event::Failed(error) => failed(env, &error)?,
    Event::Accepted(accepted) => self::accepted(hub, env, accepted, entry)?,
    Event::Readable => {
      return match &entry.target {
        Target::Socket { socket, as_strings } => read(hub, env, socket, *as_strings, entry),
        Target::Datagrams(_) | Target::Listener { .. } => Ok(None),
      };
    }
  }))
}

/// A connection that was read so much of at once is asked how much there is, and read straight into memory of just that
/// size. Below it, a copy costs less than asking.
const BULK: usize = 8 * 1024;

/// The most that a stream gets at once: a chunk costs it more than an event does.
const MOST_OF_STREAM: usize = 2 * MOST_TAKEN;

fn readable(
  hub: &Hub,
  env: &Env,
  socket: &Socket,
  as_strings: bool,
  entry: &Entry,
) -> Result<Option<Arguments>> {
  let is_bulk = &entry.bulk;
  if is_bulk.get() {
    let most = if entry.demand.is_used() {
      MOST_OF_STREAM
    } else {
      MOST_TAKEN
    };
    let waiting = socket.input_waiting().min(most);
    is_bulk.set(waiting >= BULK);
    if waiting >= BULK {
      return bulk(env, socket, waiting);
    }
  }
  let memory = &mut hub.memory.borrow_mut();
  let input = socket.take_input(memory);
  if let Input::Filled(length) = input {
    is_bulk.set(length >= BULK && !as_strings);
  }
  taken(env, input, memory, as_strings)
}

/// What was asked for is there: nothing more is read until it is asked for again. What ends reading alone is told as such.
fn on_demand(entry: &Entry, socket: &Socket, arguments: Arguments) -> Arguments {
  if !entry.demand.is_used() {
    return arguments;
  }
  entry.demand.met();
  socket.suspend();
  match arguments.kind {
    EventKind::Failed if !socket.has_ended() => Arguments {
      kind: EventKind::ReadFailed,
      ..arguments
    },
    _ => arguments,
  }
}

/// What was read into the memory that JavaScript has given for it.
fn taken_into_given(env: &Env, input: Input) -> Result<Option<Arguments>> {
  let Input::Filled(length) = input else {
    return taken(env, input, &[], false);
  };
  let mut count = ptr::null_mut();
  // SAFETY: on the JavaScript thread, in an open handle scope.
  check_status!(unsafe { sys::napi_create_uint32(env.raw(), length as u32, &raw mut count) })?;
  Ok(Some(Arguments::new(EventKind::Data, [count])))
}

/// Reads `waiting` bytes straight into an ArrayBuffer.
fn bulk(env: &Env, socket: &Socket, waiting: usize) -> Result<Option<Arguments>> {
  let mut outcome = Ok(None);
  let whole = memory::filled(env, waiting, |memory| {
    let input = socket.take_input(memory);
    // Less than was promised is copied once more: an ArrayBuffer must be exact.
    if !matches!(input, Input::Filled(length) if length == waiting) {
      outcome = taken(env, input, memory, false).map(Some);
    }
  });
  match (outcome, whole) {
    (Ok(None), Ok(value)) => Ok(Some(Arguments::new(EventKind::Data, [value]))),
    (Ok(Some(less)), _) => Ok(less),
    (Err(error), _) => Err(error),
    (Ok(None), Err(error)) => Ok(Some(failed(env, &out_of_memory(waiting, &error))?)),
  }
}

/// What `input` amounts to, of which `memory` may hold the bytes.
fn taken(env: &Env, input: Input, memory: &[u8], as_strings: bool) -> Result<Option<Arguments>> {
  Ok(Some(match input {
    Input::None => return Ok(None),
    Input::Filled(length) => data(env, &memory[..length], as_strings)?,
    Input::End(End::Eof) => Arguments::new(EventKind::Ended, []),
    Input::End(End::Failed(error)) => failed(env, &error)?,
  }))
}

/// What `socket` has, into memory that JavaScript gave for it, where it gave some.
fn read(
  hub: &Hub,
  env: &Env,
  socket: &Rc<Socket>,
  as_strings: bool,
  entry: &Entry,
) -> Result<Option<Arguments>> {
  let given = entry.demand.with_memory(env, |memory| socket.take_input(memory));
  let arguments = match given {
    None => readable(hub, env, socket, as_strings, entry)?,
    Some(input) => taken_into_given(env, input)?,
  };
  Ok(arguments.map(|arguments| on_demand(entry, socket, arguments)))
}

/// Why a socket or listener failed.
#[napi(object, object_from_js = false)]
pub struct Failure {
  /// Gecko's name.
  pub name: String,
  /// Gecko's class.
  pub class: String,
  /// Gecko's nsresult.
  pub code: u32,
  /// What failed and why.
  pub detail: String,
  /// The operating system's number, where there was one.
  pub errno: Option<i32>,
  /// The TLS library's own words, where TLS failed.
  pub reason: Option<String>,
}

fn failed(env: &Env, error: &SocketError) -> Result<Arguments> {
  failure(env, EventKind::Failed, error)
}

fn failure(env: &Env, kind: EventKind, error: &SocketError) -> Result<Arguments> {
  let failure = Failure {
    name: error.name.as_str().into(),
    class: error.name.class().as_str().into(),
    code: error.name.code(),
    detail: error.detail.clone(),
    errno: error.os,
    reason: error.reason.clone(),
  };
  // SAFETY: a value made here, on the JavaScript thread.
  let failure = unsafe { ToNapiValue::to_napi_value(env.raw(), failure)? };
  Ok(Arguments::new(kind, [failure]))
}

pub(super) fn out_of_memory(length: usize, error: &napi::Error) -> SocketError {
  SocketError::new(
    ErrorName::NetworkError,
    format!("no memory for {length} bytes that arrived: {error}"),
  )
}

fn data(env: &Env, bytes: &[u8], as_string: bool) -> Result<Arguments> {
  match value(env, bytes, as_string) {
    Ok(value) => Ok(Arguments::new(EventKind::Data, [value])),
    // Bytes that cannot be delivered must not be skipped in silence.
    Err(error) => failed(env, &out_of_memory(bytes.len(), &error)),
  }
}

fn accepted(hub: &Rc<Hub>, env: &Env, accepted: Accepted, entry: &Entry) -> Result<Arguments> {
  let Target::Listener { as_strings, .. } = entry.target else {
    return Err(napi::Error::from_reason("only listeners accept"));
  };
  let peer = accepted.peer;
  // Before the socket, which is live from its first moment.
  let host = env.create_string(peer.ip().to_string())?.raw();
  let socket = Socket::accepted(&hub.context, accepted);
  let socket = TcpSocket::live(socket, hub, &entry.realm, as_strings)?;
  // SAFETY: values made here, on the JavaScript thread.
  let (socket, port) = unsafe {
    (
      ToNapiValue::to_napi_value(env.raw(), socket)?,
      ToNapiValue::to_napi_value(env.raw(), u32::from(peer.port()))?,
    )
  };
  Ok(Arguments::new(EventKind::Accepted, [socket, host, port]))
}

/// Makes the value that an application receives.
fn value(env: &Env, bytes: &[u8], as_string: bool) -> Result<sys::napi_value> {
  if !as_string {
    return memory::copy(env, bytes);
  }
  let mut value = ptr::null_mut();
  // SAFETY: Latin-1 is one byte for each character, so any bytes will do; the engine copies them.
  check_status!(unsafe {
    sys::napi_create_string_latin1(
      env.raw(),
      bytes.as_ptr().cast(),
      bytes.len() as isize,
      &raw mut value,
    )
  })?;
  Ok(value)
}
