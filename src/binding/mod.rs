//! Node-API: what JavaScript can call, and how events get there. No socket logic lives here.
//!
//! | file | what it holds |
//! |---|---|
//! | [`hub`] | one per JavaScript environment: the entries of live sockets, the teardown |
//! | `outbound` | what a turn sends, and its native calls |
//! | `queue` | the ordered queue of events, and what wakes the JavaScript thread for it |
//! | `lease` | the hold that a live socket or listener has on its environment |
//! | `memory` | where plain connections are read to |
//! | [`doorbell`] | the threadsafe function that wakes the JavaScript thread |
//! | `uv` | the JavaScript thread's own loop, which watches plain connections |
//! | [`channel`] | one per JavaScript realm: the facade's callbacks |
//! | [`socket`], [`server`] | the native `TCPSocket` and `TCPServerSocket` that the facade wraps |
//! | [`policy`] | what `setPolicy` decided, for the process |
//! | [`event`], [`error`], [`options`], [`tls`] | values that cross the border |
//! | [`version`] | which version this is |
//!
//! Every exported function catches panics; a panic in here is a JavaScript exception, never the end of the process.

pub mod channel;
pub mod doorbell;
pub mod error;
pub mod event;
pub mod hub;
mod lease;
mod memory;
pub mod options;
mod outbound;
pub mod policy;
mod queue;
pub mod server;
pub mod socket;
pub mod tls;
mod uv;
pub mod version;
