//! What a facade names when it makes sockets: its realm, and the hub of the environment that the realm is in. JavaScript makes
//! it with the constructor in [`start`](super::start).

use std::rc::Rc;

use napi_derive::napi;

use super::{hub::Hub, realm::Realm};

/// Where the events of one realm's sockets go.
#[napi]
pub struct EventChannel {
  pub(super) hub: Rc<Hub>,
  pub(super) realm: Rc<Realm>,
}
