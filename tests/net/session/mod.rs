//! TLS without I/O: what a `Handshake` and a `Session` make of bytes in any pieces, with OpenSSL itself at the other end. Both
//! ends are memory, so each byte comes exactly when a test says so.

mod allocated;
mod handshakes;
mod key_updates;
mod messages;
mod opening;
mod over_tcp;
mod sending;

use std::{
  collections::VecDeque,
  io::{self, Read, Write},
  sync::{Arc, LazyLock},
  time::Duration,
};

use moz_tcp_socket::{
  net::{
    SocketError,
    tls::{
      self, Acceptor, Handshake, Opened, Security, ServerTls, Session, Then, Version, wire::MOST_RECEIVED,
    },
  },
  runtime,
};
use openssl::{
  ec::{EcGroup, EcKey},
  nid::Nid,
  pkey::PKey,
  ssl::{ErrorCode, Ssl, SslAcceptor, SslConnector, SslMethod, SslStream, SslVerifyMode, SslVersion},
};

use crate::{support::trusting, tls::Identity};

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
  let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
  let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
  Identity::for_localhost_with(key)
});

static CLIENT: LazyLock<Security> = LazyLock::new(|| Security::Client(trusting(vec![IDENTITY.pem()])));

static SERVER: LazyLock<Security> = LazyLock::new(|| {
  let acceptor = Acceptor::new(&ServerTls {
    identity: tls::Identity::Pem {
      cert: IDENTITY.pem(),
      key: IDENTITY.key.private_key_to_pem_pkcs8().unwrap(),
      passphrase: None,
    },
    alpn: Vec::new(),
    min_version: Version::Tls12,
    max_version: None,
    deadline: Duration::from_secs(20),
  });
  Security::Server(Arc::new(acceptor.unwrap()))
});

/// Which end is the engine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ours {
  Client,
  Server,
}

/// The kind of a connection.
#[derive(Clone, Copy, Debug)]
struct Setup {
  ours: Ours,
  version: SslVersion,
}

impl Setup {
  fn each() -> [Self; 4] {
    let [a, b] = Self::of(SslVersion::TLS1_2);
    let [c, d] = Self::of(SslVersion::TLS1_3);
    [a, b, c, d]
  }

  fn of(version: SslVersion) -> [Self; 2] {
    [Ours::Client, Ours::Server].map(|ours| Self { ours, version })
  }

  /// The engine's end, before its first step.
  fn handshake(self) -> Handshake {
    let security = match self.ours {
      Ours::Client => &*CLIENT,
      Ours::Server => &*SERVER,
    };
    let handshake = security.handshake("localhost", 1);
    runtime::handle().unwrap().block_on(handshake).unwrap()
  }

  /// OpenSSL's end, before its first step.
  fn peer(self, change: impl FnOnce(&mut Ssl)) -> Peer {
    let mut ssl = match self.ours {
      Ours::Client => {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        builder.set_private_key(&IDENTITY.key).unwrap();
        builder.set_certificate(&IDENTITY.certificate).unwrap();
        builder.set_max_proto_version(Some(self.version)).unwrap();
        let mut ssl = Ssl::new(builder.build().context()).unwrap();
        ssl.set_accept_state();
        ssl
      }
      Ours::Server => {
        let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
        builder.set_verify(SslVerifyMode::NONE);
        builder.set_max_proto_version(Some(self.version)).unwrap();
        let mut ssl = Ssl::new(builder.build().context()).unwrap();
        ssl.set_connect_state();
        ssl
      }
    };
    change(&mut ssl);
    SslStream::new(ssl, Pipe::default()).unwrap()
  }

  /// An established connection. Tickets of the peer's, where it sends some, have not been received.
  fn pair(self) -> Pair {
    self.pair_with(|_| {})
  }

  fn pair_with(self, change: impl FnOnce(&mut Ssl)) -> Pair {
    let (mut handshake, mut peer) = (self.handshake(), self.peer(change));
    let mut is_done = false;
    for _ in 0..10 {
      is_done = is_done || handshake.step().unwrap();
      peer.get_mut().received.extend(output(&mut handshake));
      let theirs = peer.do_handshake();
      if is_done && theirs.is_ok() {
        let ours = handshake.into_session();
        return Pair { ours, peer };
      }
      let answer = sent(&mut peer);
      if !answer.is_empty() {
        feed(&mut handshake, &answer);
      }
    }
    panic!("no connection within ten flights");
  }
}

/// Takes what there is to send.
fn output(handshake: &mut Handshake) -> Vec<u8> {
  let mut output = Vec::new();
  let send = |bytes: &[u8]| {
    output.extend_from_slice(bytes);
    Ok(bytes.len())
  };
  handshake.send(send).unwrap();
  output
}

fn feed(handshake: &mut Handshake, bytes: &[u8]) {
  handshake.receive(|memory| copy(memory, bytes)).unwrap();
}

fn copy(memory: &mut [u8], bytes: &[u8]) -> io::Result<usize> {
  memory[..bytes.len()].copy_from_slice(bytes);
  Ok(bytes.len())
}

/// Takes what the peer has written.
fn sent(peer: &mut Peer) -> Vec<u8> {
  std::mem::take(&mut peer.get_mut().sent)
}

/// OpenSSL's end.
type Peer = SslStream<Pipe>;

/// A connection of memory.
#[derive(Debug, Default)]
struct Pipe {
  received: VecDeque<u8>,
  sent: Vec<u8>,
}

impl Read for Pipe {
  fn read(&mut self, memory: &mut [u8]) -> io::Result<usize> {
    match self.received.read(memory)? {
      0 => Err(io::ErrorKind::WouldBlock.into()),
      count => Ok(count),
    }
  }
}

impl Write for Pipe {
  fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
    self.sent.write(bytes)
  }

  fn flush(&mut self) -> io::Result<()> {
    Ok(())
  }
}

/// Both ends of an established connection.
struct Pair {
  ours: Session,
  peer: Peer,
}

/// What came of some input.
struct Found {
  plain: Vec<u8>,
  then: Then,
}

impl Found {
  /// What there was in front of the failure, which has to be one.
  fn failed(self) -> (Vec<u8>, SocketError) {
    match self.then {
      Then::Failed(failure) => (self.plain, failure.of("test")),
      then => panic!("wanted a failure, got {:?} and {then:?}", self.plain),
    }
  }

  fn needs_input(self) -> Vec<u8> {
    assert!(matches!(self.then, Then::NeedsInput), "{:?}", self.then);
    self.plain
  }
}

impl Pair {
  /// What the peer seals `plain` to, in one call, behind what it has said and nobody has received.
  fn peer_seals(&mut self, plain: &[u8]) -> Vec<u8> {
    self.peer.write_all(plain).unwrap();
    sent(&mut self.peer)
  }

  /// Has our end receive `input`, as much at a time as it has memory for, and opens all of it, `room` at a time.
  fn open(&mut self, input: &[u8], room: usize) -> Found {
    let (mut plain, mut memory) = (Vec::new(), vec![0; room]);
    for piece in input.chunks(MOST_RECEIVED) {
      self.ours.receive(|memory| copy(memory, piece)).unwrap();
      loop {
        let Opened { bytes, then } = self.ours.open(&mut memory);
        plain.extend_from_slice(&memory[..bytes]);
        match then {
          Then::MayHaveMore => assert!(bytes == room, "it is full"),
          Then::NeedsInput => break,
          then => return Found { plain, then },
        }
      }
      assert!(!self.ours.has_input(), "all of it is opened");
    }
    let then = Then::NeedsInput;
    Found { plain, then }
  }

  /// Takes up to `most` bytes out of our output, for the peer. Returns how much plaintext has gone by that.
  fn send(&mut self, most: usize) -> usize {
    let received = &mut self.peer.get_mut().received;
    let send = |output: &[u8]| {
      let now = output.len().min(most);
      received.extend(&output[..now]);
      Ok(now)
    };
    self.ours.send(send).unwrap()
  }

  fn send_all(&mut self) -> usize {
    let plaintext = self.send(usize::MAX);
    assert!(!self.ours.has_output());
    plaintext
  }

  /// What waits to be sent.
  fn waiting(&mut self) -> usize {
    let mut waiting = 0;
    let send = |output: &[u8]| {
      waiting = output.len();
      Ok(0)
    };
    assert_eq!(self.ours.send(send).unwrap(), 0, "nothing has gone");
    waiting
  }

  /// All that the peer can read, and why not more.
  fn peer_reads(&mut self) -> (Vec<u8>, ErrorCode) {
    let (mut plain, mut memory) = (Vec::new(), [0; 20_000]);
    loop {
      match self.peer.ssl_read(&mut memory) {
        Ok(count) => plain.extend_from_slice(&memory[..count]),
        Err(error) => return (plain, error.code()),
      }
    }
  }

  /// Both directions work.
  fn assert_alive(&mut self) {
    let input = self.peer_seals(b"to us");
    assert_eq!(self.open(&input, 64).needs_input(), b"to us");
    self.ours.seal(b"to them").unwrap();
    self.send_all();
    assert_eq!(self.peer_reads(), (b"to them".to_vec(), ErrorCode::WANT_READ));
  }
}
