//! Who says that a descriptor is ready: the one thing that differs between the programs that we run in.
//!
//! | kind | where | how |
//! |---|---|---|
//! | [`PollSet`] | Node on Linux | an epoll set, which Node's own loop watches; nothing crosses threads |
//! | `runtime` | everywhere else | Tokio's reactor, whose thread tells the owner's |
//!
//! Reading, writing, accepting and receiving datagrams are the same calls for both; they are made on the owner's thread and never block.

mod counted;
mod datagrams;
pub mod interest;
#[cfg(not(target_os = "linux"))]
mod no_poll_set;
#[cfg(target_os = "linux")]
pub mod poll_set;
mod runtime;
pub(super) mod watched;

#[cfg(not(target_os = "linux"))]
pub use self::no_poll_set::{Alarm, PollSet};
#[cfg(target_os = "linux")]
pub use self::poll_set::{Alarm, PollSet};
pub(super) use self::{
  datagrams::WatchedDatagrams,
  interest::{Interest, Ready},
  watched::{Reactor, WatchedListener, WatchedStream},
};
