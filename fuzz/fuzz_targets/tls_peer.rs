//! Whatever a server answers to our hello, the handshake fails, with an error that has a sane name: nobody can guess the key
//! of a certificate that we trust.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::{
  tls::{self, ClientTls},
  transport::Tcp,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fuzz_target!(|answer: &[u8]| {
  common::with_connection(async |ours, mut theirs| {
    let server = async {
      let _ = theirs.write_all(answer).await;
      let _ = theirs.shutdown().await;
      let _ = theirs.read_to_end(&mut Vec::new()).await;
    };
    let options = ClientTls::default();
    let client = async {
      let outcome = tls::connect(Tcp::new(ours), "localhost", 1, &options).await;
      common::assert_sane(&outcome.expect_err("nobody was verified"));
    };
    tokio::join!(server, client);
  });
});
