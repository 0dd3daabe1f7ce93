//! Node-API: what JavaScript can call, and how events get there. No socket logic lives here.
//!
//! Files import those below them, never the other way round:
//!
//! | file | what it holds |
//! |---|---|
//! | [`start`] | where a facade begins: hub, realm and the delivery of events, put together |
//! | `deliver` | how datagrams become calls of JavaScript, and that other events do |
//! | [`event`] | how an event becomes a call of JavaScript |
//! | [`socket`], [`server`], [`udp`] | the native `TCPSocket`, `TCPServerSocket` and `UDPSocket` that facades wrap |
//! | [`channel`] | what a facade names when it makes them: its realm and its environment |
//! | `lease` | the hold that a live socket or listener has on its environment |
//! | `outbound` | what a turn sends, and its native calls |
//! | [`environment`] | what JavaScript asks of its environment as a whole |
//! | `hub` | one per environment: delivers events in order, knows live sockets, tears down |
//! | `pace` | when deliveries let the event loop run timers and other I/O |
//! | `queue` | the ordered queue of events, and what wakes the JavaScript thread for it |
//! | `entry` | what the hub knows about a live socket or listener |
//! | `demand` | which socket is read only when a stream asks for it, and into which memory |
//! | `stream` | what a socket can do whose directions are apart |
//! | `inbound` | memory for datagrams that arrive |
//! | `realm` | one per JavaScript realm: the function that takes its events |
//! | `doorbell` | the threadsafe function that wakes the JavaScript thread |
//! | `poll_set`, `uv` | the poll set that Node's own loop watches on Linux, and how libuv is told |
//! | `loop_client` | what the event loop calls: the hub, which doorbell and `uv` do not know |
//! | `memory` | memory of JavaScript, for bytes that arrive and bytes that leave |
//! | [`error`], [`options`], [`tls`] | values that cross the border |
//! | [`policy`], [`version`] | what `setPolicy` decided for the process, and which version this is |
//!
//! Every exported function catches panics; a panic in here is a JavaScript exception, never the end of the process.

pub mod channel;
mod deliver;
mod demand;
mod doorbell;
mod entry;
pub mod environment;
pub mod error;
pub mod event;
mod hub;
mod inbound;
mod lease;
mod loop_client;
mod memory;
pub mod options;
mod outbound;
mod pace;
pub mod policy;
mod poll_set;
mod queue;
mod realm;
pub mod server;
pub mod socket;
pub mod start;
mod stream;
pub mod tls;
pub mod udp;
#[cfg(target_os = "linux")]
mod uv;
pub mod version;
