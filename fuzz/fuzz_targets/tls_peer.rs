//! Whatever a server answers to our hello, nobody is verified: nobody can guess the key of a certificate that we trust. A
//! failure has a sane name, and does not depend on how TCP cuts what came.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| common::assert_nobody_is_verified(&common::CLIENT, answer));
