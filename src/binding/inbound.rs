//! Memory for datagrams on their way to JavaScript. Many come with one system call, into memory that both sides know: JavaScript copies each
//! out of it, exactly, which costs it less than values cost that are made here.

use std::{
  cell::{Cell, RefCell},
  net::SocketAddr,
  ptr, slice,
};

use napi::{Env, Result, bindgen_prelude::JsValue, check_status, sys};

use super::options::host_of;
use crate::net::{
  Received,
  batch::{MEMORY, MOST_DATAGRAMS},
};

/// What JavaScript has to know of a datagram of many, each a number of 32 bits: where it begins, its length, and its sender's port.
pub(super) const FIELDS: usize = 3;
pub(super) const WORD: usize = size_of::<u32>();

/// Behind the datagrams are these numbers.
pub(super) const WITH_TABLE: usize = MEMORY + MOST_DATAGRAMS * FIELDS * WORD;

/// Of one realm. There is memory only while datagrams come.
#[derive(Default)]
pub(super) struct Inbound {
  pub(super) memory: RefCell<Option<Memory>>,
  /// For its memory.
  pub(super) received: RefCell<Vec<Received>>,
  /// The host that JavaScript was told last, without its port: mostly it is the next one's, too.
  told: Cell<Option<SocketAddr>>,
}

/// An ArrayBuffer that is not collected.
pub(super) struct Memory {
  env: sys::napi_env,
  reference: sys::napi_ref,
}

impl Memory {
  pub(super) fn new(env: sys::napi_env) -> Result<Self> {
    let (mut value, mut bytes, mut reference) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: on the JavaScript thread, in an open handle scope.
    unsafe {
      check_status!(sys::napi_create_arraybuffer(
        env,
        WITH_TABLE,
        &raw mut bytes,
        &raw mut value
      ))?;
      check_status!(sys::napi_create_reference(env, value, 1, &raw mut reference))?;
    }
    Ok(Self { env, reference })
  }

  /// It, in the open scope, and its bytes. `None` where somebody has taken them away.
  pub(super) fn open(&mut self) -> Option<(sys::napi_value, &mut [u8])> {
    let (mut value, mut bytes, mut length) = (ptr::null_mut(), ptr::null_mut(), 0);
    // SAFETY: on the JavaScript thread, in an open handle scope. The bytes are those of an ArrayBuffer that lives as long as this, and
    // nobody has them while JavaScript does not run, which is so until they are used no more.
    unsafe {
      sys::napi_get_reference_value(self.env, self.reference, &raw mut value);
      sys::napi_get_arraybuffer_info(self.env, value, &raw mut bytes, &raw mut length);
      (length == WITH_TABLE).then(|| (value, slice::from_raw_parts_mut(bytes.cast(), length)))
    }
  }
}

impl Drop for Memory {
  fn drop(&mut self) {
    // SAFETY: on the JavaScript thread; nobody uses the reference after this.
    unsafe { sys::napi_delete_reference(self.env, self.reference) };
  }
}

impl Inbound {
  /// No datagram comes any more.
  pub(super) fn let_go(&self) {
    self.memory.take();
  }

  /// `from` as a value for JavaScript; `None` where it was told that host last.
  pub(super) fn host(&self, env: &Env, from: SocketAddr) -> Result<Option<sys::napi_value>> {
    let mut host = from;
    host.set_port(0);
    if self.told.get() == Some(host) {
      return Ok(None);
    }
    self.told.set(None);
    let value = env.create_string(host_of(from))?.raw();
    self.told.set(Some(host));
    Ok(Some(value))
  }
}
