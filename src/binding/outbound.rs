//! What a realm's sockets send in a turn, and the native calls that this costs. Bytes are copied when JavaScript calls
//! `send`: into an arena of ours, which no JavaScript can reach, detach or resize. When the turn ends, one `flush` for each
//! socket passes them on.
//!
//! The functions are written by hand, because they are called for every message, and generated methods take ten times as long to
//! find their object and arguments.

use std::{
  cell::RefCell,
  ffi::{CStr, c_void},
  net::{IpAddr, SocketAddr},
  panic::{AssertUnwindSafe, catch_unwind},
  ptr,
  rc::Rc,
  slice,
};

use napi::{Env, Error, JsError, Result, check_status, sys};

use super::{entry::Entry, hub::Hub, memory::of_uint8_array};
use crate::net::SocketId;

/// Bytes of an arena.
pub(super) const ARENA: usize = 256 * 1024;

/// What `write` returns where nothing can be written any more: more than there can be.
pub(super) const NOT_WRITTEN: usize = u32::MAX as usize;

/// What the functions of one realm share.
struct Outbound {
  hub: Rc<Hub>,
  /// With room for the NUL that Node-API writes behind a string.
  arena: RefCell<Box<[u8]>>,
  /// The last host that a datagram went to, and its address: mostly the next one goes there, too.
  last_host: RefCell<(Vec<u8>, Option<IpAddr>)>,
}

impl Outbound {
  /// What is live under `id`.
  fn entry(&self, env: sys::napi_env, id: sys::napi_value) -> Option<Rc<Entry>> {
    self.hub.entry(number(env, id) as SocketId)
  }
}

/// A function of `outbound` for JavaScript, without its panics.
type Call = fn(&Outbound, sys::napi_env, [sys::napi_value; 4]) -> Answer;

/// The number that JavaScript gets, or the message of a RangeError.
type Answer<T = usize> = std::result::Result<T, &'static CStr>;

/// What one function knows, for as long as it lives.
struct Function {
  outbound: Rc<Outbound>,
  call: Call,
}

/// Makes the object that `EventChannel.outbound` describes.
pub(super) fn object(env: &Env, hub: Rc<Hub>) -> Result<sys::napi_value> {
  let outbound = Rc::new(Outbound {
    hub,
    arena: RefCell::new(vec![0; ARENA + 1].into_boxed_slice()),
    last_host: RefCell::default(),
  });
  let (env, mut object) = (env.raw(), ptr::null_mut());
  // SAFETY: on the JavaScript thread, with its environment.
  check_status!(unsafe { sys::napi_create_object(env, &raw mut object) })?;
  for (name, call) in [
    (c"writeText", write_text as Call),
    (c"writeBytes", write_bytes),
    (c"stage", stage),
    (c"flush", flush),
    (c"write", write),
    (c"pull", pull),
    (c"stageDatagram", stage_datagram),
    (c"flushDatagrams", flush_datagrams),
  ] {
    let outbound = Rc::clone(&outbound);
    let function = function(env, name, Function { outbound, call })?;
    // SAFETY: as above, with values of this call.
    check_status!(unsafe { sys::napi_set_named_property(env, object, name.as_ptr(), function) })?;
  }
  Ok(object)
}

fn function(env: sys::napi_env, name: &CStr, function: Function) -> Result<sys::napi_value> {
  let data = Box::into_raw(Box::new(function)).cast::<c_void>();
  let mut value = ptr::null_mut();
  // SAFETY: on the JavaScript thread, with its environment. `data` is given back by `finalize`, which Node calls when
  // the function was collected, after the last call of it.
  unsafe {
    let made = check_status!(sys::napi_create_function(
      env,
      name.as_ptr(),
      name.count_bytes() as isize,
      Some(answer),
      data,
      &raw mut value
    ))
    .and_then(|()| {
      let finalize: sys::napi_finalize = Some(finalize);
      check_status!(sys::napi_add_finalizer(
        env,
        value,
        data,
        finalize,
        ptr::null_mut(),
        ptr::null_mut()
      ))
    });
    if let Err(error) = made {
      drop(Box::from_raw(data.cast::<Function>()));
      return Err(error);
    }
  }
  Ok(value)
}

unsafe extern "C" fn finalize(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
  // SAFETY: the box made in `function`, given back once.
  drop(unsafe { Box::from_raw(data.cast::<Function>()) });
}

/// JavaScript calls one of the functions. Missing arguments are `undefined`.
unsafe extern "C" fn answer(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
  let (mut arguments, mut count, mut data) = ([ptr::null_mut(); 4], 4, ptr::null_mut());
  // SAFETY: called by Node with its environment; `data` is the box made in `function`.
  let Function { outbound, call } = unsafe {
    sys::napi_get_cb_info(
      env,
      info,
      &raw mut count,
      arguments.as_mut_ptr(),
      ptr::null_mut(),
      &raw mut data,
    );
    &*data.cast::<Function>()
  };
  let answered = catch_unwind(AssertUnwindSafe(|| call(outbound, env, arguments)));
  let mut result = ptr::null_mut();
  // SAFETY: as above. Without a result, `undefined` is returned, or the exception is thrown.
  unsafe {
    match answered {
      Ok(Ok(number)) => {
        sys::napi_create_double(env, number as f64, &raw mut result);
      }
      Ok(Err(wrong)) => {
        sys::napi_throw_range_error(env, ptr::null(), wrong.as_ptr());
      }
      Err(panic) => {
        let reason = panic
          .downcast_ref::<String>()
          .map_or("a send panicked", |text| text);
        JsError::from(Error::from_reason(reason)).throw_into(env);
      }
    }
  }
  result
}

/// `writeText(at, text)`: copies `text`, one byte for each character, into the arena at `at`. Returns how many bytes fit.
fn write_text(outbound: &Outbound, env: sys::napi_env, [at, text, ..]: [sys::napi_value; 4]) -> Answer {
  let mut arena = outbound.arena.borrow_mut();
  let room = arena.get_mut(number(env, at)..).ok_or(OUT_OF_BOUNDS)?;
  let mut written = 0;
  // SAFETY: Node-API writes `room.len()` bytes at most, a NUL as the last; what is no string is not written.
  unsafe {
    sys::napi_get_value_string_latin1(env, text, room.as_mut_ptr().cast(), room.len(), &raw mut written);
  }
  Ok(written)
}

/// `writeBytes(at, bytes)`: copies a Uint8Array into the arena at `at`. Returns how many bytes that were: none where its memory is
/// gone.
fn write_bytes(outbound: &Outbound, env: sys::napi_env, [at, bytes, ..]: [sys::napi_value; 4]) -> Answer {
  let mut arena = outbound.arena.borrow_mut();
  let room = arena.get_mut(number(env, at)..ARENA).ok_or(OUT_OF_BOUNDS)?;
  let Some((memory, length)) = of_uint8_array(env, bytes) else {
    return Ok(0);
  };
  let length = length.min(room.len());
  // SAFETY: `length` bytes of both. No JavaScript runs before they are copied, and none of it knows the arena, so that the two do not
  // overlap.
  unsafe { ptr::copy_nonoverlapping(memory, room.as_mut_ptr(), length) };
  Ok(length)
}

/// `stage(id, start, end)`: socket `id` accepts `arena[start..end]`, to be written after the next `flush`. Returns how many bytes
/// that were; 0 for a socket that is closed.
fn stage(outbound: &Outbound, env: sys::napi_env, [id, start, end, _]: [sys::napi_value; 4]) -> Answer {
  crate::fault::point("stage");
  let arena = outbound.arena.borrow();
  let bytes = part(&arena, env, start, end)?;
  let entry = outbound.entry(env, id);
  let Some(socket) = entry.as_deref().and_then(Entry::socket) else {
    return Ok(0);
  };
  let staged = socket.stage(bytes).map(|()| bytes.len());
  staged.map_err(|_| c"no memory for what is to be sent")
}

/// `flush(id, start, end, reportDrained)`: socket `id` accepts `arena[start..end]` and writes everything that it accepted. Returns how
/// many bytes are not written then. With `reportDrained`, `Drained` follows once. It copies what it does not write. For a
/// socket that is closed it returns 0.
fn flush(
  outbound: &Outbound,
  env: sys::napi_env,
  [id, start, end, report_drained]: [sys::napi_value; 4],
) -> Answer {
  crate::fault::point("flush");
  let arena = outbound.arena.borrow();
  let bytes = part(&arena, env, start, end)?;
  let mut report = false;
  // SAFETY: what is no boolean leaves the variable as it is.
  unsafe { sys::napi_get_value_bool(env, report_drained, &raw mut report) };
  let entry = outbound.entry(env, id);
  let socket = entry.as_deref().and_then(Entry::socket);
  Ok(socket.map_or(0, |socket| socket.flush(bytes, report)))
}

/// `write(id, bytes, reportDrained)`: as `flush`, of a Uint8Array in place of the arena. Returns `NOT_WRITTEN` where nothing can be
/// written any more, of which an event tells.
fn write(
  outbound: &Outbound,
  env: sys::napi_env,
  [id, bytes, report_drained, _]: [sys::napi_value; 4],
) -> Answer {
  crate::fault::point("flush");
  let mut report = false;
  let entry = outbound.entry(env, id);
  let Some(socket) = entry.as_deref().and_then(Entry::socket) else {
    return Ok(NOT_WRITTEN);
  };
  // SAFETY: what is no boolean leaves the variable as it is.
  unsafe { sys::napi_get_value_bool(env, report_drained, &raw mut report) };
  let data = match of_uint8_array(env, bytes) {
    // SAFETY: so many bytes, and no JavaScript runs while they are read.
    Some((memory, length @ 1..)) => unsafe { slice::from_raw_parts(memory, length) },
    _ => &[],
  };
  let left = socket.flush(data, report);
  Ok(if socket.accepts_output() {
    left
  } else {
    NOT_WRITTEN
  })
}

/// `pull(id, view)`: socket `id`, which is read on demand, is read once, into the Uint8Array `view` if there is one. `Data` or
/// `Ended` follows.
fn pull(outbound: &Outbound, env: sys::napi_env, [id, view, ..]: [sys::napi_value; 4]) -> Answer {
  crate::fault::point("resume");
  let entry = outbound.entry(env, id);
  if let Some(entry) = entry.as_deref()
    && let Some(socket) = entry.socket()
  {
    entry
      .demand
      .give(env, view)
      .map_err(|_| c"no memory to read into")?;
    socket.resume();
  }
  Ok(0)
}

/// `stageDatagram(id, bytes, host, port)`: a Uint8Array leaves to an IP literal or an ASCII name, with the next `flushDatagrams` of the
/// socket.
fn stage_datagram(
  outbound: &Outbound,
  env: sys::napi_env,
  [id, bytes, host, port]: [sys::napi_value; 4],
) -> Answer {
  crate::fault::point("udp.send");
  let entry = outbound.entry(env, id);
  let Some(socket) = entry.as_deref().and_then(Entry::datagrams) else {
    return Ok(0);
  };
  let data = match of_uint8_array(env, bytes) {
    // SAFETY: so many bytes, and no JavaScript runs while they are read.
    Some((memory, length @ 1..)) => unsafe { slice::from_raw_parts(memory, length) },
    _ => &[],
  };
  let port = number(env, port) as u16;
  let mut text = [0_u8; MOST_HOST + 1];
  let mut length = 0;
  // SAFETY: Node-API writes so many bytes at most, a NUL as the last; what is no string is not written.
  unsafe {
    sys::napi_get_value_string_latin1(env, host, text.as_mut_ptr().cast(), text.len(), &raw mut length);
  }
  let host = &text[..length];
  let last = &mut *outbound.last_host.borrow_mut();
  if last.0 != host {
    let parsed = str::from_utf8(host).ok().and_then(|host| host.parse().ok());
    *last = (host.to_vec(), parsed);
  }
  match last.1 {
    Some(ip) => socket.stage(data, SocketAddr::new(ip, port)),
    None => socket.send_to_name(data, String::from_utf8_lossy(host).into_owned(), port),
  }
  Ok(0)
}

/// The longest host that anybody has: a name, or an IP literal with a zone.
const MOST_HOST: usize = 1024;

/// `flushDatagrams(id)`: see `stageDatagram`.
fn flush_datagrams(outbound: &Outbound, env: sys::napi_env, [id, ..]: [sys::napi_value; 4]) -> Answer {
  if let Some(socket) = outbound.entry(env, id).as_deref().and_then(Entry::datagrams) {
    socket.flush();
  }
  Ok(0)
}

/// `arena[start..end]`.
fn part(arena: &[u8], env: sys::napi_env, start: sys::napi_value, end: sys::napi_value) -> Answer<&[u8]> {
  let range = number(env, start)..number(env, end);
  arena.get(range).ok_or(OUT_OF_BOUNDS)
}

const OUT_OF_BOUNDS: &CStr = c"out of the arena's bounds";

/// 0 for what is no number.
fn number(env: sys::napi_env, value: sys::napi_value) -> usize {
  let mut number = 0_u32;
  // SAFETY: what is no number leaves the variable as it is.
  unsafe { sys::napi_get_value_uint32(env, value, &raw mut number) };
  number as usize
}
