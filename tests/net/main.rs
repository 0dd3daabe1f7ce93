//! The engine over loopback, without Node: what a handle can be told, and what is reported for it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod listening;
mod plain;
#[cfg(target_os = "linux")]
mod polled;
mod support;
#[cfg(not(any(target_vendor = "apple", windows)))]
mod tls;
mod tls_server;
