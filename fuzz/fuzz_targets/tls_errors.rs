//! Whatever goes wrong has a sane name: alerts, certificates that are somehow bad, and bytes on a connection that was secure;
//! of those none is ever data.

#![no_main]

mod common;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::{
  ErrorName, SocketError,
  tls::{Session, Then, wire::MOST_RECEIVED},
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

/// What a client of ours makes of `answer`. `None` when it waits for more.
fn refuse(answer: &[u8]) -> Option<SocketError> {
  match common::outcome(&common::CLIENT, answer, MOST_RECEIVED) {
    Ok(is_done) => {
      assert!(!is_done, "nobody was verified");
      None
    }
    Err(error) => {
      common::assert_sane(&error);
      Some(error)
    }
  }
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

/// Bytes past TLS are never data, and never an end: both say what nobody can forge.
fn assert_nothing_comes_through(mut reader: Session, bytes: &[u8]) {
  for piece in bytes.chunks(MOST_RECEIVED) {
    reader.receive(|memory| common::copy(memory, piece)).unwrap();
    let opened = reader.open(&mut [0; 64 * 1024]);
    assert_eq!(opened.bytes, 0, "they were taken for the peer's");
    match opened.then {
      Then::NeedsInput => assert!(!reader.has_input()),
      Then::Failed(failure) => {
        common::assert_sane(&failure.of("read"));
        assert!(reader.seal(b"more").is_err());
        return;
      }
      then => panic!("{then:?}"),
    }
  }
}

fuzz_target!(|input: Input| match input {
  Input::Alert { level, description } => {
    let error = refuse(&[21, 3, 3, 0, 2, level, description]);
    if let Some(name) = name_of_alert(description).filter(|_| level == FATAL) {
      assert_eq!(error.unwrap().name, name);
    }
  }
  Input::Certificate { changes, cut } => {
    let mut der = common::THROWAWAY.der.clone();
    for (at, byte) in changes {
      let at = usize::from(at) % der.len();
      der[at] ^= byte;
    }
    der.truncate(der.len().saturating_sub(usize::from(cut % 64)));
    refuse(&present(&der));
  }
  Input::Secured { to_client, bytes } => {
    let (client, server) = common::connected(&common::SERVER);
    assert_nothing_comes_through(if to_client { client } else { server }, &bytes);
  }
});
