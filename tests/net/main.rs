//! The engine over loopback, without Node: what a handle can be told, and what is reported for it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod connection;
#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
mod datagram_streams;
#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
mod datagrams;
mod deadlines;
#[cfg(not(any(target_vendor = "apple", windows)))]
mod directions;
mod ending;
mod listening;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod lookups;
// OpenSSL's messages, as far as its types offer none, are made by hand there.
#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
mod session;
#[cfg(target_os = "linux")]
mod socket_options;
#[cfg(not(any(target_vendor = "apple", windows)))]
mod starttls;
mod support;
// Their peers are made with the `openssl` crate, which is a dependency only where the engine's TLS is OpenSSL.
#[cfg(not(any(target_vendor = "apple", windows)))]
mod tls;
#[cfg(not(any(target_vendor = "apple", windows)))]
mod tls_server;
