//! What JavaScript asks of its environment as a whole. Where no socket was made there is no hub, and nothing to tell.

use napi::{Env, Result};
use napi_derive::napi;

use super::hub::Hub;

/// The process is about to end: waits until the peers of closed sockets have what they were sent, two seconds at most.
#[napi(catch_unwind)]
pub fn settle_closed(env: &Env) -> Result<()> {
  crate::fault::point("settleClosed");
  if let Some(hub) = Hub::existing(env)? {
    hub.settle();
  }
  Ok(())
}

/// How many connections and listeners this environment has, with those that linger after their socket was closed. For
/// tests and diagnostics.
#[napi(catch_unwind)]
pub fn live_connections(env: &Env) -> Result<u32> {
  let live = Hub::existing(env)?.map_or(0, |hub| hub.context.live());
  Ok(u32::try_from(live).unwrap_or(u32::MAX))
}

/// Whether this environment's own loop watches connections. For tests and diagnostics.
#[napi(catch_unwind)]
pub fn is_in_loop(env: &Env) -> Result<bool> {
  Ok(Hub::existing(env)?.is_some_and(|hub| hub.is_in_loop()))
}
