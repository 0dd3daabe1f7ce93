//! A connection, plain or TLS, on its owner's thread.
//!
//! | file | what it holds |
//! |---|---|
//! | [`socket`] | the handle: what an owner may ask for |
//! | `state` | the connection as one state machine |
//! | `opening`, `closing` | how it comes to be open, and how it ends |
//! | `reading`, `writing` | its two directions |
//! | `link` | an established stream and what is between it and its owner: nothing, or TLS |
//! | `establish` | tasks of the runtime: look up, connect, handshake |

mod closing;
mod establish;
mod link;
mod opening;
mod reading;
pub mod socket;
mod state;
mod writing;
