//! Whatever goes wrong has a sane name: alerts, certificates that are somehow bad, and bytes on a connection that was secure;
//! of those none is ever data.

#![no_main]

mod common;

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::{
  ErrorName, SocketError,
  tls::{self, ClientTls, Profile},
  transport::{Tcp, Transport},
};
use tokio::{
  io::{AsyncReadExt, AsyncWriteExt},
  net::TcpStream,
};

#[derive(Arbitrary, Debug)]
enum Input {
  /// The server answers with an alert.
  Alert { level: u8, description: u8 },
  /// The server presents a certificate with some bytes changed, where they are counted from the beginning.
  Certificate { changes: Vec<(u16, u8)>, cut: u16 },
  /// The peer writes this past TLS, to our client or our server.
  Secured { to_client: bool, bytes: Vec<u8> },
}

/// The client trusts the throwaway certificate and nobody else.
static OPTIONS: LazyLock<ClientTls> = LazyLock::new(|| ClientTls {
  profile: Profile {
    ca: vec![common::THROWAWAY.pem.clone()],
    ca_only: true,
    ..Profile::default()
  },
  ..ClientTls::default()
});

async fn connect(stream: TcpStream) -> Result<Transport, SocketError> {
  tls::connect(Tcp::new(stream), "localhost", 1, &OPTIONS).await
}

/// What a client of ours makes of `answer`.
async fn refuse(ours: TcpStream, mut theirs: TcpStream, answer: &[u8]) -> SocketError {
  let server = async {
    let _ = theirs.write_all(answer).await;
    let _ = theirs.shutdown().await;
    let _ = theirs.read_to_end(&mut Vec::new()).await;
  };
  let ((), outcome) = tokio::join!(server, connect(ours));
  outcome.expect_err("nobody was verified")
}

/// RFC 8446 section 6.2, what has a name of its own.
fn name_of_alert(description: u8) -> Option<ErrorName> {
  match description {
    42 => Some(ErrorName::SecurityBadCertificateError),
    43 => Some(ErrorName::SecurityUnsupportedCertificateTypeError),
    70 => Some(ErrorName::SecurityUnsupportedTLSVersionError),
    116 => Some(ErrorName::SecurityNoCertificateError),
    _ => None,
  }
}

const FATAL: u8 = 2;

/// A vector with a length of three bytes before it.
fn long(bytes: &[u8]) -> Vec<u8> {
  let length = (bytes.len() as u32).to_be_bytes();
  [&length[1..], bytes].concat()
}

fn record(message: u8, body: &[u8]) -> Vec<u8> {
  let message = [&[message][..], &long(body)].concat();
  let length = (message.len() as u16).to_be_bytes();
  [&[22, 3, 3][..], &length, &message].concat()
}

/// The first two messages of a server of TLS 1.2 that uses ECDHE-ECDSA with AES-128-GCM (RFC 5246 section 7.4).
fn present(certificate: &[u8]) -> Vec<u8> {
  // Version, random, no session, suite, no compression, and the extension of RFC 5746 with nothing in it.
  let hello = [&[3, 3][..], &[7; 32], &[0, 0xc0, 0x2b, 0, 0, 5, 0xff, 1, 0, 1, 0]].concat();
  let chain = long(&long(certificate));
  [record(2, &hello), record(11, &chain)].concat()
}

/// Bytes behind TLS are never data: a reader meets an error, or a close_notify, which nobody can forge either.
async fn assert_nothing_comes_through(mut reader: Transport) {
  match reader.read(&mut [0; 16]).await {
    Ok(count) => panic!("{count} bytes were taken for the peer's"),
    Err(error) => common::assert_sane(&tls::stream_error("read", &error)),
  }
}

fuzz_target!(|input: Input| {
  common::with_connection(async |ours, theirs| match input {
    Input::Alert { level, description } => {
      let error = refuse(ours, theirs, &[21, 3, 3, 0, 2, level, description]).await;
      common::assert_sane(&error);
      if let Some(name) = name_of_alert(description).filter(|_| level == FATAL) {
        assert_eq!(error.name, name);
      }
    }
    Input::Certificate { changes, cut } => {
      let mut der = common::THROWAWAY.der.clone();
      for (at, byte) in changes {
        let at = usize::from(at) % der.len();
        der[at] ^= byte;
      }
      der.truncate(der.len().saturating_sub(usize::from(cut % 64)));
      common::assert_sane(&refuse(ours, theirs, &present(&der)).await);
    }
    Input::Secured { to_client, bytes } => {
      let (ours, write_to_server) = common::behind(ours);
      let (theirs, write_to_client) = common::behind(theirs);
      let accept = tls::accept(Tcp::new(theirs), "localhost", 1, &common::ACCEPTOR);
      let (client, server) = tokio::join!(connect(ours), accept);
      let (client, server) = (client.unwrap(), server.unwrap());
      if to_client {
        write_to_client(&bytes);
        assert_nothing_comes_through(client).await;
      } else {
        write_to_server(&bytes);
        assert_nothing_comes_through(server).await;
      }
    }
  });
});
