//! Whatever a client says to our server, the handshake ends with an error that has a sane name: without the shared secret
//! there is no Finished.

#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::{tls, transport::Tcp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fuzz_target!(|said: &[u8]| {
  common::with_connection(async |mut theirs, ours| {
    let client = async {
      let _ = theirs.write_all(said).await;
      let _ = theirs.shutdown().await;
      let _ = theirs.read_to_end(&mut Vec::new()).await;
    };
    let server = async {
      let outcome = tls::accept(Tcp::new(ours), "localhost", 1, &common::ACCEPTOR).await;
      common::assert_sane(&outcome.expect_err("a client that says the same to everybody"));
    };
    tokio::join!(client, server);
  });
});
