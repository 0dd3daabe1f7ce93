//! Listening: what becomes of connections that come in.
//!
//! | file | what it holds |
//! |---|---|
//! | [`listener`] | the handle, and accepting on its owner's thread |
//! | `bind` | a descriptor that listens |
//! | `handshakes` | TLS of accepted connections, by tasks of the runtime |
//! | `accept_error` | what accept(2) may answer, and what helps |

mod accept_error;
mod bind;
mod handshakes;
pub mod listener;
