//! What the targets that talk TLS have in common.

#![allow(dead_code, reason = "no target needs everything")]

use std::{cell::RefCell, io::Write, net, net::Ipv4Addr, sync::LazyLock, time::Duration};

use moz_tcp_socket::net::{
  ErrorName, SocketError,
  tls::{Acceptor, Identity, ServerTls, Version},
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
use tokio::{
  net::{TcpListener, TcpStream},
  runtime::{Builder, Runtime},
};

thread_local! {
  static RUNTIME: RefCell<Option<(Runtime, TcpListener)>> = const { RefCell::new(None) };
}

/// Runs `work` with both ends of a connection on the loopback: first the one that connected.
pub fn with_connection<F: Future>(work: impl FnOnce(TcpStream, TcpStream) -> F) {
  RUNTIME.with_borrow_mut(|runtime| {
    let (runtime, listener) = runtime.get_or_insert_with(|| {
      let runtime = Builder::new_current_thread().enable_all().build().unwrap();
      let listener = runtime
        .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .unwrap();
      (runtime, listener)
    });
    runtime.block_on(async {
      let address = listener.local_addr().unwrap();
      let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
      work(ours.unwrap(), theirs.unwrap().0).await;
    });
  });
}

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

/// Our side as a server with that certificate.
pub static ACCEPTOR: LazyLock<Acceptor> = LazyLock::new(|| {
  Acceptor::new(&ServerTls {
    identity: Identity::Pem {
      cert: THROWAWAY.pem.clone(),
      key: THROWAWAY.key.clone(),
      passphrase: None,
    },
    alpn: vec!["imap".into(), "pop3".into()],
    min_version: Version::Tls12,
    max_version: None,
    deadline: Duration::from_secs(30),
  })
  .unwrap()
});

/// A peer that says something wrong, and ends, leads to no other names; and what is said about it says something.
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

/// A second handle of `stream`, to write to it behind the back of TLS.
pub fn behind(stream: TcpStream) -> (TcpStream, impl FnOnce(&[u8])) {
  let stream = stream.into_std().unwrap();
  let raw = stream.try_clone().unwrap();
  let write = move |bytes: &[u8]| {
    // Whatever does not fit into the kernel is not said.
    let _ = (&raw).write(bytes);
    let _ = raw.shutdown(net::Shutdown::Write);
  };
  (TcpStream::from_std(stream).unwrap(), write)
}
