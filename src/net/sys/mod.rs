//! Where the engine touches the operating system and OpenSSL: the only folder of it with `unsafe`.
//!
//! | file | what it holds |
//! |---|---|
//! | [`datagrams`] | many datagrams with one call |
//! | [`direct`] | system calls on a connection, made again where a signal interrupted them |
//! | [`kernel`] | what the kernel knows of a connection and no safe library passes on |
//! | [`multicast`] | groups of IPv6 of which one sender is listened to |
//! | `openssl_ffi`, `openssl_memory` | what OpenSSL can do and its Rust types do not offer |
//! | `record_blocks` | memory that OpenSSL frees and wants back for each record |

#![allow(unsafe_code)]

pub(super) mod datagrams;
pub(super) mod direct;
pub(super) mod kernel;
pub(super) mod multicast;
#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
pub(super) mod openssl_ffi;
#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
pub(super) mod openssl_memory;
#[cfg(not(any(target_vendor = "apple", windows, feature = "native-tls")))]
mod record_blocks;
