//! Events on their way to JavaScript: a number for the kind, and what belongs to it.

use std::ptr;

use napi::{
  Env, Result,
  bindgen_prelude::{JsValue, ToNapiValue},
  check_status, sys,
};
use napi_derive::napi;

use super::{
  hub::{Entry, Target},
  socket::TcpSocket,
};
use crate::net::{Accepted, ErrorName, Event, Input, SocketError, SocketId, recv_buffer::End};

/// What `dispatch(id, kind, …)` is told.
#[napi]
pub enum EventKind {
  /// Connected, and verified where TLS was asked for.
  Opened,
  /// `(data: string | ArrayBuffer)`: bytes arrived.
  Data,
  /// The peer will send no more.
  Ended,
  /// All that was queued is written. Only after it was asked for.
  Drained,
  /// A close is complete. Nothing follows.
  Closed,
  /// `(name, class, code, detail, errno | null)`: the socket or listener failed. Nothing follows.
  Failed,
  /// `(socket, host, port)`: a listener accepted a connection.
  Accepted,
}

/// Calls the realm that `entry` belongs to.
pub(super) fn deliver(env: sys::napi_env, id: SocketId, event: Event, entry: &Entry) {
  let arguments = arguments(&Env::from_raw(env), event, entry);
  // An argument that cannot be made means that the JavaScript heap is exhausted or going away.
  if let Ok(Some((kind, rest))) = arguments {
    let mut all = Vec::with_capacity(rest.len() + 2);
    for number in [id, kind as u32] {
      let mut value = ptr::null_mut();
      // SAFETY: on the JavaScript thread, in the handle scope of the current task.
      unsafe { sys::napi_create_uint32(env, number, &raw mut value) };
      all.push(value);
    }
    all.extend(rest);
    entry.channel.dispatch(env, &all);
  }
}

type Arguments = (EventKind, Vec<sys::napi_value>);

fn arguments(env: &Env, event: Event, entry: &Entry) -> Result<Option<Arguments>> {
  Ok(Some(match event {
    Event::Opened => (EventKind::Opened, vec![]),
    Event::Drained => (EventKind::Drained, vec![]),
    Event::Closed => (EventKind::Closed, vec![]),
    Event::Failed(error) => failed(env, &error)?,
    Event::Accepted(accepted) => self::accepted(env, accepted, entry)?,
    Event::Readable => {
      let Target::Socket { socket, as_strings } = &entry.target else {
        return Ok(None);
      };
      match socket.take_input() {
        Input::None => return Ok(None),
        Input::Data(bytes) => match data(env, &bytes, *as_strings) {
          Ok(value) => (EventKind::Data, vec![value]),
          // Bytes that cannot be delivered must not be skipped in silence.
          Err(error) => failed(env, &out_of_memory(bytes.len(), &error))?,
        },
        Input::End(End::Eof) => (EventKind::Ended, vec![]),
        Input::End(End::Failed(error)) => failed(env, &error)?,
      }
    }
  }))
}

fn failed(env: &Env, error: &SocketError) -> Result<Arguments> {
  let (name, class) = (error.name.as_str(), error.name.class().as_str());
  let text = |text: &str| env.create_string(text).map(|value| value.raw());
  // SAFETY: plain numbers; on the JavaScript thread.
  let (code, os) = unsafe {
    (
      ToNapiValue::to_napi_value(env.raw(), error.name.code())?,
      ToNapiValue::to_napi_value(env.raw(), error.os)?,
    )
  };
  Ok((
    EventKind::Failed,
    vec![text(name)?, text(class)?, code, text(&error.detail)?, os],
  ))
}

fn out_of_memory(length: usize, error: &napi::Error) -> SocketError {
  SocketError::new(
    ErrorName::NetworkError,
    format!("no memory for {length} bytes that arrived: {error}"),
  )
}

fn accepted(env: &Env, accepted: Accepted, entry: &Entry) -> Result<Arguments> {
  let Target::Listener { as_strings } = entry.target else {
    return Err(napi::Error::from_reason("only listeners accept"));
  };
  let Accepted { socket, peer, .. } = accepted;
  let socket = TcpSocket::live(socket, &entry.channel, as_strings)?;
  let host = env.create_string(peer.ip().to_string())?.raw();
  // SAFETY: values made here, on the JavaScript thread.
  let (socket, port) = unsafe {
    (
      ToNapiValue::to_napi_value(env.raw(), socket)?,
      ToNapiValue::to_napi_value(env.raw(), u32::from(peer.port()))?,
    )
  };
  Ok((EventKind::Accepted, vec![socket, host, port]))
}

/// Makes the value that an application receives. An ArrayBuffer is made by the engine and filled with a copy: it is
/// exactly as long as the data, belongs to the application, and can be transferred. One that wraps our memory could not
/// be: Node marks those as untransferable.
fn data(env: &Env, bytes: &[u8], as_string: bool) -> Result<sys::napi_value> {
  let (length, mut value) = (bytes.len(), ptr::null_mut());
  if as_string {
    // SAFETY: Latin-1 is one byte for each character, so any bytes will do; the engine copies them.
    check_status!(unsafe {
      sys::napi_create_string_latin1(env.raw(), bytes.as_ptr().cast(), length as isize, &raw mut value)
    })?;
  } else {
    let mut memory = ptr::null_mut();
    // SAFETY: the engine gives `length` bytes of new memory, which nobody else knows yet.
    unsafe {
      check_status!(sys::napi_create_arraybuffer(
        env.raw(),
        length,
        &raw mut memory,
        &raw mut value
      ))?;
      ptr::copy_nonoverlapping(bytes.as_ptr(), memory.cast::<u8>(), length);
    }
  }
  Ok(value)
}
