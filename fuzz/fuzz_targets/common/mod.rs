//! What the targets that talk TLS have in common. Nothing here does I/O: a handshake and a session are fed bytes.

#![allow(dead_code, reason = "no target needs everything")]

use std::{
  io,
  sync::{Arc, LazyLock},
  time::Duration,
};

use moz_tcp_socket::{
  net::{
    ErrorName, SocketError,
    tls::{
      Acceptor, ClientTls, Handshake, Identity, Profile, Security, ServerTls, Session, Version,
      wire::MOST_RECEIVED,
    },
  },
  runtime,
};
use openssl::{
  asn1::Asn1Time,
  bn::BigNum,
  ec::{EcGroup, EcKey},
  hash::MessageDigest,
  nid::Nid,
  pkey::PKey,
  x509::{X509, X509NameBuilder, extension::SubjectAlternativeName},
};

/// A certificate for `localhost` that signed itself, with its key; made anew for each process, so that nothing here expires.
pub struct Throwaway {
  pub der: Vec<u8>,
  pub pem: Vec<u8>,
  pub key: Vec<u8>,
}

pub static THROWAWAY: LazyLock<Throwaway> = LazyLock::new(|| {
  let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
  let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
  let mut name = X509NameBuilder::new().unwrap();
  name.append_entry_by_text("CN", "localhost").unwrap();
  let name = name.build();
  let mut builder = X509::builder().unwrap();
  builder.set_version(2).unwrap();
  let serial = BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap();
  builder.set_serial_number(&serial).unwrap();
  builder.set_subject_name(&name).unwrap();
  builder.set_issuer_name(&name).unwrap();
  builder.set_pubkey(&key).unwrap();
  builder
    .set_not_before(&Asn1Time::days_from_now(0).unwrap())
    .unwrap();
  builder
    .set_not_after(&Asn1Time::days_from_now(2).unwrap())
    .unwrap();
  let names = SubjectAlternativeName::new()
    .dns("localhost")
    .build(&builder.x509v3_context(None, None))
    .unwrap();
  builder.append_extension(names).unwrap();
  builder.sign(&key, MessageDigest::sha256()).unwrap();
  let certificate = builder.build();
  Throwaway {
    der: certificate.to_der().unwrap(),
    pem: certificate.to_pem().unwrap(),
    key: key.private_key_to_pem_pkcs8().unwrap(),
  }
});

/// A client that trusts that certificate and nobody else.
pub static CLIENT: LazyLock<Security> = LazyLock::new(|| {
  Security::Client(Arc::new(ClientTls {
    profile: Profile {
      ca: vec![THROWAWAY.pem.clone()],
      ca_only: true,
      ..Profile::default()
    },
    ..ClientTls::default()
  }))
});

/// Our side as a server with that certificate.
pub static SERVER: LazyLock<Security> = LazyLock::new(|| {
  let acceptor = Acceptor::new(&ServerTls {
    identity: Identity::Pem {
      cert: THROWAWAY.pem.clone(),
      key: THROWAWAY.key.clone(),
      passphrase: None,
    },
    alpn: vec!["imap".into(), "pop3".into()],
    min_version: Version::Tls12,
    max_version: None,
    deadline: Duration::from_secs(30),
  });
  Security::Server(Arc::new(acceptor.unwrap()))
});

/// The same, which speaks TLS 1.2.
pub static OLD_SERVER: LazyLock<Security> = LazyLock::new(|| {
  let acceptor = Acceptor::new(&ServerTls {
    identity: Identity::Pem {
      cert: THROWAWAY.pem.clone(),
      key: THROWAWAY.key.clone(),
      passphrase: None,
    },
    alpn: Vec::new(),
    min_version: Version::Tls12,
    max_version: Some(Version::Tls12),
    deadline: Duration::from_secs(30),
  });
  Security::Server(Arc::new(acceptor.unwrap()))
});

/// A handshake before its first step. What it waits for, such as a file, is not there to wait for.
pub fn handshake(security: &Security) -> Handshake {
  let handshake = security.handshake("localhost", 1);
  runtime::handle().unwrap().block_on(handshake).unwrap()
}

/// What a handshake makes of `input`, received `most` bytes at a time: whether it is done, or how it fails. It neither
/// hangs, however the input is cut, nor goes on after a failure.
pub fn outcome(security: &Security, input: &[u8], most: usize) -> Result<bool, SocketError> {
  let mut handshake = handshake(security);
  let mut is_done = handshake.step()?;
  for piece in input.chunks(most) {
    output(&mut handshake);
    if is_done {
      break;
    }
    handshake.receive(|memory| copy(memory, piece)).unwrap();
    is_done = handshake.step()?;
  }
  Ok(is_done)
}

/// That `input` never leads to a connection, and that it is the same in one piece and byte by byte.
pub fn assert_nobody_is_verified(security: &Security, input: &[u8]) {
  let whole = outcome(security, input, MOST_RECEIVED);
  let bytes = outcome(security, input, 1);
  match (&whole, &bytes) {
    (Ok(false), Ok(false)) => {}
    (Err(whole), Err(bytes)) => {
      assert_sane(whole);
      assert_eq!(whole.name, bytes.name, "{whole}, but byte by byte {bytes}");
    }
    _ => panic!("{whole:?}, but byte by byte {bytes:?}"),
  }
}

/// Both ends of a connection of ours, established.
pub fn connected(server: &Security) -> (Session, Session) {
  let (mut client, mut server) = (handshake(&CLIENT), handshake(server));
  let (mut client_done, mut server_done) = (false, false);
  while !(client_done && server_done) {
    client_done = client_done || client.step().unwrap();
    carry(&mut client, &mut server);
    server_done = server_done || server.step().unwrap();
    carry(&mut server, &mut client);
  }
  (client.into_session(), server.into_session())
}

fn carry(from: &mut Handshake, to: &mut Handshake) {
  let bytes = output(from);
  if !bytes.is_empty() {
    to.receive(|memory| copy(memory, &bytes)).unwrap();
  }
}

/// Takes what there is to send.
pub fn output(handshake: &mut Handshake) -> Vec<u8> {
  let mut output = Vec::new();
  let send = |bytes: &[u8]| {
    output.extend_from_slice(bytes);
    Ok(bytes.len())
  };
  handshake.send(send).unwrap();
  output
}

/// Passes for the system's call that receives.
pub fn copy(memory: &mut [u8], bytes: &[u8]) -> io::Result<usize> {
  memory[..bytes.len()].copy_from_slice(bytes);
  Ok(bytes.len())
}

/// A peer that says something wrong leads to no other names; and what is said about it says something.
pub fn assert_sane(error: &SocketError) {
  assert!(
    !matches!(
      error.name,
      ErrorName::ConnectionRefusedError | ErrorName::NetworkTimeoutError | ErrorName::DomainNotFoundError
    ),
    "{error}"
  );
  assert!(!error.detail.is_empty());
  if let Some(reason) = &error.reason {
    assert!(!reason.is_empty() && reason != "ok", "{error}");
    assert!(error.detail.ends_with(reason.as_str()), "{error}");
  }
}
