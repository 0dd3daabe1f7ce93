//! Where a facade begins: it makes its channel, which brings together the hub of the environment, the realm, and the way in which
//! events become calls. This file stands above all of them, so that none of them has to know the others.

use std::rc::Rc;

use napi::{
  Env, JsValue, Result,
  bindgen_prelude::{Function, Unknown},
};
use napi_derive::napi;

use super::{channel::EventChannel, deliver::deliver, hub::Hub, outbound, realm::Realm};

#[napi]
impl EventChannel {
  /// `dispatch(id, kind, …)` is called with each event, see `EventKind`. `in_loop`: the environment's own loop may watch
  /// connections. The first channel of an environment decides.
  #[napi(constructor, catch_unwind)]
  pub fn new(env: &Env, dispatch: Function<'_, Unknown<'_>, Unknown<'_>>, in_loop: bool) -> Result<Self> {
    crate::fault::point("EventChannel");
    let realm = Rc::new(Realm::new(env, dispatch.raw())?);
    let hub = Hub::of(env, in_loop, deliver)?;
    Ok(Self { hub, realm })
  }

  /// Where bytes go that are sent in a turn: an arena of `ARENA` bytes, and the functions of
  /// [`outbound`] on it. All sockets of this channel share it.
  #[napi(
    catch_unwind,
    ts_return_type = "{ writeText(at: number, text: string): number; writeBytes(at: number, bytes: Uint8Array): number; stage(id: number, start: number, end: number): number; flush(id: number, start: number, end: number, reportDrained: boolean): number; write(id: number, bytes: Uint8Array, reportDrained: boolean): number; pull(id: number, view?: Uint8Array): number; stageDatagram(id: number, bytes: Uint8Array, host: string, port: number): number; flushDatagrams(id: number): number }"
  )]
  pub fn outbound(&self, env: &Env) -> Result<Unknown<'_>> {
    let object = outbound::object(env, Rc::clone(&self.hub))?;
    // SAFETY: a value that was made just now, in the scope of this call.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), object) })
  }
}

/// What `write` of [`EventChannel::outbound`] returns where nothing can be written any more.
#[napi]
pub const NOT_WRITTEN: u32 = outbound::NOT_WRITTEN as u32;

/// Bytes of the arena of [`EventChannel::outbound`].
#[napi]
pub const ARENA: u32 = outbound::ARENA as u32;
