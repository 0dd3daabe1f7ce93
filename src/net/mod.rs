//! The socket engine: TCP, TLS and UDP, with no knowledge of Node.
//!
//! A [`Socket`] or [`Listener`] is a handle that one owner thread (in the addon: the JavaScript thread) drives with
//! plain, non-blocking calls. What happens on the wire comes back through an [`EventSink`], one ordered stream of
//! [`Event`]s. The owner alone decides what an event means for the state of its socket; what is in here only
//! reports facts. That division is what keeps `readyState`, `bufferedAmount` and the order of events free of races.
//!
//! | floor | what it holds |
//! |---|---|
//! | [`listen`] | listeners: bind, accept, and TLS of what came in |
//! | [`connection`] | connections: one state machine on the owner's thread, plain or TLS |
//! | [`datagram`] | datagram sockets: UDP, with multicast |
//! | [`context`], `lingering`, `timers`, `room`, `blocking` | what all sockets and listeners have in common |
//! | [`names`] | names to addresses, and the race between addresses |
//! | [`readiness`] | who says that a descriptor is ready |
//! | [`tls`] | handshakes, records and trust, without I/O, by one backend or another |
//! | [`policy`] | decisions as plain structs, without I/O and without a clock |
//! | [`error`], [`options`], [`event`], [`input`], [`batch`], [`local_end`], [`tuning`], [`ends`], `peer` | the vocabulary |
//! | `sys` | the operating system and OpenSSL, where that takes `unsafe` |

#![deny(unsafe_code)]

pub mod batch;
mod blocking;
pub mod connection;
mod context;
mod credit;
pub mod datagram;
pub mod ends;
pub mod error;
pub mod event;
mod exhaustion;
pub mod input;
mod lingering;
pub mod listen;
pub mod local_end;
pub mod names;
pub mod options;
mod peer;
pub mod policy;
pub mod readiness;
mod room;
pub mod sync;
mod sys;
mod timers;
pub mod tls;
pub mod tuning;

pub use batch::Received;
pub use connection::socket::Socket;
pub use context::Context;
pub use datagram::{
  groups::Membership,
  options::{DatagramOptions, Destination},
  socket::DatagramSocket,
};
pub use ends::Ends;
pub use error::{ErrorName, SocketError};
pub use event::{Accepted, ById, Event, EventSink, Report, SocketId};
pub use input::{End, Input};
pub use listen::listener::Listener;
pub use local_end::{Family, LocalEnd};
pub use options::{ConnectOptions, ListenOptions};
pub use readiness::{Alarm, PollSet};
pub use tuning::{KeepAlive, Tuning};
