//! How what happens gets to JavaScript: events one by one, as [`event`] makes them, and datagrams as they come, many with one system call. A
//! socket of Firefox OS gets each datagram in a task of its own; one that is used as a stream gets them all in one.

use std::{
  panic::{AssertUnwindSafe, catch_unwind},
  ptr,
  rc::Rc,
};

use napi::{Env, Result, check_status, sys};

use super::{
  entry::{Entry, Target},
  event::{self, EventKind, Scope},
  hub::Hub,
  inbound::{FIELDS, Memory, WORD},
};
use crate::net::{
  DatagramSocket, Event, Received, SocketError, SocketId,
  batch::{MEMORY, MOST_DATAGRAMS},
};

/// Calls the realm that `entry` belongs to.
pub(super) fn deliver(hub: &Rc<Hub>, env: sys::napi_env, id: SocketId, event: Event, entry: &Entry) {
  let (Target::Datagrams(socket), Event::Readable) = (&entry.target, &event) else {
    return event::deliver(hub, env, id, event, entry);
  };
  let deliver = || {
    crate::fault::point("deliver");
    datagrams(hub, env, id, socket, entry)
  };
  // Datagrams that cannot be delivered must not just stay away.
  match catch_unwind(AssertUnwindSafe(deliver)) {
    Ok(Ok(())) => {}
    Ok(Err(error)) => event::fail(env, id, entry, &event::out_of_memory(MEMORY, &error)),
    Err(_) => event::fail(env, id, entry, &SocketError::panicked()),
  }
}

/// Delivers what `socket` has, at most as many as come with one call.
///
/// # Errors
/// There is no memory.
fn datagrams(
  hub: &Rc<Hub>,
  env: sys::napi_env,
  id: SocketId,
  socket: &DatagramSocket,
  entry: &Entry,
) -> Result<()> {
  let inbound = &entry.realm.inbound;
  let Some(_scope) = Scope::open(env) else {
    return Ok(());
  };
  // Taken: should a handler have other events delivered before it returns, they have memory of their own.
  let mut memory = match inbound.memory.take() {
    Some(memory) => memory,
    None => Memory::new(env)?,
  };
  let Some((value, bytes)) = memory.open() else {
    // Taken away, which nothing of ours does: the next event has new memory.
    return datagrams(hub, env, id, socket, entry);
  };
  let mut received = inbound.received.take();
  received.clear();
  socket.take(bytes, MOST_DATAGRAMS, &mut received);
  let told = if received.is_empty() {
    Ok(())
  } else if socket.tells_of_each() {
    let table = bytes[MEMORY..].as_chunks_mut::<{ FIELDS * WORD }>().0;
    for (row, one) in table.iter_mut().zip(&received) {
      let fields = [one.start as u32, one.length as u32, one.from.port().into()];
      for (field, number) in row.as_chunks_mut().0.iter_mut().zip(fields) {
        *field = number.to_ne_bytes();
      }
    }
    tell_all(env, id, value, &received, entry)
  } else {
    tell_each(hub, env, id, value, &received, entry)
  };
  inbound.received.replace(received);
  if entry.realm.is_live() {
    inbound.memory.replace(Some(memory));
  }
  told
}

/// One task for each.
fn tell_each(
  hub: &Rc<Hub>,
  env: sys::napi_env,
  id: SocketId,
  memory: sys::napi_value,
  received: &[Received],
  entry: &Entry,
) -> Result<()> {
  for one in received {
    let Some(_scope) = Scope::open(env) else { break };
    let host = entry.realm.inbound.host(&Env::from_raw(env), one.from)?;
    let mut values = [
      number(env, id),
      number(env, EventKind::Datagram as u32),
      memory,
      number(env, one.start as u32),
      number(env, one.length as u32),
      number(env, one.from.port().into()),
      ptr::null_mut(),
    ];
    let count = if let Some(host) = host {
      values[6] = host;
      7
    } else {
      6
    };
    entry.realm.dispatch(env, &values[..count]);
    // A handler may have closed it.
    if hub.entry(id).is_none() {
      break;
    }
  }
  Ok(())
}

/// One task for all.
fn tell_all(
  env: sys::napi_env,
  id: SocketId,
  memory: sys::napi_value,
  received: &[Received],
  entry: &Entry,
) -> Result<()> {
  let mut hosts: sys::napi_value = ptr::null_mut();
  for (index, one) in received.iter().enumerate() {
    let Some(host) = entry.realm.inbound.host(&Env::from_raw(env), one.from)? else {
      continue;
    };
    // SAFETY: on the JavaScript thread, in an open handle scope, with values of it.
    unsafe {
      if hosts.is_null() {
        check_status!(sys::napi_create_array_with_length(
          env,
          received.len(),
          &raw mut hosts
        ))?;
      }
      check_status!(sys::napi_set_element(env, hosts, index as u32, host))?;
    }
  }
  let values = [
    number(env, id),
    number(env, EventKind::Datagrams as u32),
    memory,
    number(env, received.len() as u32),
    hosts,
  ];
  let count = if hosts.is_null() { 4 } else { 5 };
  entry.realm.dispatch(env, &values[..count]);
  Ok(())
}

fn number(env: sys::napi_env, number: u32) -> sys::napi_value {
  let mut value = ptr::null_mut();
  // SAFETY: on the JavaScript thread, in an open handle scope.
  unsafe { sys::napi_create_uint32(env, number, &raw mut value) };
  value
}
