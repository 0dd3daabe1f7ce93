//! Node-API: what JavaScript can call, and how events get there. No socket logic lives here.
//!
//! | file | what it holds |
//! |---|---|
//! | [`hub`] | one per JavaScript environment: the ordered queue of events, the entries of live sockets, the teardown |
//! | `lease` | the hold that a live socket or listener has on its environment |
//! | [`doorbell`] | the threadsafe function that wakes the JavaScript thread |
//! | [`channel`] | one per JavaScript realm: the facade's callbacks |
//! | [`socket`], [`server`] | the native `TCPSocket` and `TCPServerSocket` that the facade wraps |
//! | [`event`], [`error`], [`options`] | values that cross the border |
//!
//! Every exported function catches panics; a panic in here is a JavaScript exception, never the end of the process.

pub mod channel;
pub mod doorbell;
pub mod error;
pub mod event;
pub mod hub;
mod lease;
pub mod options;
pub mod server;
pub mod socket;
