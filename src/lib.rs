//! The native half of `moz-tcp-socket`: `navigator.mozTCPSocket` for Node.js.
//!
//! | module | what it is |
//! |---|---|
//! | [`net`] | the socket engine: TCP, TLS, names, accepting. No Node, and `unsafe` in `net::sys` alone |
//! | [`runtime`] | the one Tokio runtime of the process |
//! | [`binding`] | Node-API: classes for the facade, and the hub that carries events to JavaScript in order |
//! | [`fault`] | places where tests make the engine panic |
//!
//! Above this crate stands the JavaScript facade (`index.js`, `lib/`), which owns the shape of the Firefox OS API and
//! decides what events mean. `docs/design.md` tells why the pieces are cut this way.

pub mod binding;
pub mod fault;
pub mod net;
pub mod runtime;
