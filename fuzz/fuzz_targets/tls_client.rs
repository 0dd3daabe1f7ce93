//! Whatever a client says to our server, the handshake fails or waits for more: nobody can guess our key. A failure has a sane
//! name, and does not depend on how TCP cuts what came.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|said: &[u8]| common::assert_nobody_is_verified(&common::SERVER, said));
