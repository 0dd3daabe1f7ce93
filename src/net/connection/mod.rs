//! A connection, plain or TLS, on its owner's thread.
//!
//! | file | what it holds |
//! |---|---|
//! | [`socket`] | the handle: what an owner may ask for |
//! | `state` | the connection as one state machine: from an attempt to its last event |
//! | `reading`, `writing` | its two directions |
//! | `link` | an established stream and what is between it and its owner: nothing, or TLS |
//! | `establish` | tasks of the runtime: look up, connect, handshake |

mod establish;
mod link;
mod reading;
pub mod socket;
mod state;
mod writing;
