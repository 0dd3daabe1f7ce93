//! Whatever a server answers to our hello, the handshake fails, with an error that has a name: nobody can guess the key of
//! a certificate that we trust.

#![no_main]

use std::{cell::RefCell, net::Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::{
  tls::{self, ClientTls},
  transport::Tcp,
};
use tokio::{
  io::{AsyncReadExt, AsyncWriteExt},
  net::{TcpListener, TcpStream},
  runtime::{Builder, Runtime},
};

thread_local! {
  static RUNTIME: RefCell<Option<(Runtime, TcpListener)>> = const { RefCell::new(None) };
}

async fn handshake(listener: &TcpListener, answer: &[u8]) {
  let address = listener.local_addr().unwrap();
  let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
  let (ours, (mut theirs, _)) = (ours.unwrap(), theirs.unwrap());
  let server = async {
    let _ = theirs.write_all(answer).await;
    let _ = theirs.shutdown().await;
    let _ = theirs.read_to_end(&mut Vec::new()).await;
  };
  let options = ClientTls::default();
  let client = async {
    let outcome = tls::connect(Tcp::new(ours), "localhost", address.port(), &options).await;
    assert!(outcome.is_err());
  };
  tokio::join!(server, client);
}

fuzz_target!(|answer: &[u8]| {
  RUNTIME.with_borrow_mut(|runtime| {
    let (runtime, listener) = runtime.get_or_insert_with(|| {
      let runtime = Builder::new_current_thread().enable_all().build().unwrap();
      let listener = runtime
        .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .unwrap();
      (runtime, listener)
    });
    runtime.block_on(handshake(listener, answer));
  });
});
