//! The socket engine: TCP and TLS on Tokio and on the owner's own thread, with no knowledge of Node.
//!
//! A [`Socket`] or [`Listener`] is a handle that one owner thread (in the addon: the JavaScript thread) drives with
//! plain, non-blocking calls. What happens on the wire comes back through an [`EventSink`], one ordered stream of
//! [`Event`]s. The owner alone decides what an event means for the state of its socket; what is in here only
//! reports facts. That division is what keeps `readyState`, `bufferedAmount` and the order of events free of races.
//!
//! | file | what it holds |
//! |---|---|
//! | `context` | what all sockets and listeners of an owner have in common |
//! | [`socket`] | the handle, and the two ways of moving its bytes |
//! | `shared`, [`connection`] | by a task: what it shares with the handle; connect, handshake, move bytes, close |
//! | [`writers`] | who writes first, where many can |
//! | `polled`, [`poll_set`], `direct` | by the owner's thread, for plain connections, where the system has epoll |
//! | `settle`, `lingering` | what a connection still owes its peer after FIN, by a task, and by the owner's thread |
//! | `progress`, `debts` | whether a peer takes what it is owed, and whether any is owed something |
//! | `timers`, `deadlines`, `activity` | when the owner's thread has to look at a socket, and why |
//! | [`send_queue`], [`recv_buffer`] | the policy of moving bytes, as plain structs without I/O |
//! | [`resolve`], [`connect`] | names to addresses, and the race between addresses (RFC 8305) |
//! | [`local_end`], [`tuning`] | what a connection is made from, and its options of TCP |
//! | [`ends`] | the addresses of a connection |
//! | [`tls`] | handshakes and trust, by one backend or another |
//! | [`transport`], [`secured`] | one stream type for plain and TLS, and what two threads do to the latter |
//! | [`listener`] | bind, listen, and what becomes of a connection |
//! | `accept_loop`, `polled_listener` | accepting by a task, and by the owner's thread |
//! | `room` | how tasks have the owner's thread give descriptors back |
//! | `handshakes`, `places` | TLS of accepted connections, and who is dropped where strangers hold too many places |
//! | `accept_error` | what accept(2) may answer, and what helps |
//! | [`error`], [`options`], [`event`] | the vocabulary |

#![forbid(unsafe_code)]

mod accept_error;
mod accept_loop;
mod activity;
pub mod connect;
pub mod connection;
mod context;
mod deadlines;
mod debts;
mod direct;
pub mod ends;
pub mod error;
pub mod event;
mod handshakes;
mod lingering;
pub mod listener;
pub mod local_end;
pub mod options;
mod places;
#[cfg(target_os = "linux")]
pub mod poll_set;
#[cfg(not(target_os = "linux"))]
#[path = "no_poll_set.rs"]
pub mod poll_set;
mod polled;
mod polled_listener;
pub mod progress;
pub mod recv_buffer;
pub mod resolve;
mod room;
pub mod secured;
pub mod send_queue;
mod settle;
mod shared;
pub mod socket;
pub mod sync;
mod timers;
pub mod tls;
pub mod transport;
pub mod tuning;
pub mod writers;

pub use context::Context;
pub use ends::Ends;
pub use error::{ErrorName, SocketError};
pub use event::{Event, EventSink, SocketId};
pub use listener::{Accepted, Listener};
pub use local_end::LocalEnd;
pub use options::{ConnectOptions, ListenOptions};
pub use poll_set::{Alarm, PollSet};
pub use recv_buffer::Input;
pub use socket::Socket;
pub use tuning::{KeepAlive, Tuning};
