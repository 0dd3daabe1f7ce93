//! TLS against an OpenSSL server that does what a test needs, certificates included.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, TcpListener, TcpStream},
  rc::Rc,
  sync::mpsc::channel,
  thread::{self, JoinHandle},
};

use moz_tcp_socket::net::{End, ErrorName, Event, Socket, SocketError};
use openssl::{
  asn1::Asn1Time,
  bn::BigNum,
  hash::MessageDigest,
  pkey::{PKey, Private},
  rsa::Rsa,
  ssl::{ShutdownState, SslAcceptor, SslMethod, SslStream},
  x509::{
    X509, X509Builder, X509NameBuilder,
    extension::{BasicConstraints, SubjectAlternativeName},
  },
};

use crate::support::{Owner, Taken, assert_write_that_meets_a_reset_loses_nothing, reset, send, trusting};

pub(crate) struct Identity {
  pub(crate) key: PKey<Private>,
  pub(crate) certificate: X509,
}

impl Identity {
  /// A self-signed certificate for `localhost`, changed by `change`.
  fn new(change: impl FnOnce(&mut X509Builder)) -> Self {
    Self::with(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(), change)
  }

  fn with(key: PKey<Private>, change: impl FnOnce(&mut X509Builder)) -> Self {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder
      .set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap())
      .unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
      .set_not_before(&Asn1Time::days_from_now(0).unwrap())
      .unwrap();
    builder
      .set_not_after(&Asn1Time::days_from_now(2).unwrap())
      .unwrap();
    builder
      .append_extension(BasicConstraints::new().ca().build().unwrap())
      .unwrap();
    change(&mut builder);
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Self {
      key,
      certificate: builder.build(),
    }
  }

  pub(crate) fn for_localhost() -> Self {
    Self::new(|builder| alt_name(builder, "localhost"))
  }

  #[cfg(not(feature = "native-tls"))]
  pub(crate) fn for_localhost_with(key: PKey<Private>) -> Self {
    Self::with(key, |builder| alt_name(builder, "localhost"))
  }

  pub(crate) fn pem(&self) -> Vec<u8> {
    self.certificate.to_pem().unwrap()
  }
}

fn alt_name(builder: &mut X509Builder, name: &str) {
  let extension = SubjectAlternativeName::new()
    .dns(name)
    .build(&builder.x509v3_context(None, None))
    .unwrap();
  builder.append_extension(extension).unwrap();
}

/// A server for one connection: `before` on plain TCP, then a handshake, then `after`. Returns the port.
pub(crate) fn serve(
  identity: &Identity,
  before: impl FnOnce(&mut TcpStream) + Send + 'static,
  after: impl FnOnce(SslStream<TcpStream>) + Send + 'static,
) -> (u16, JoinHandle<()>) {
  let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
  acceptor.set_private_key(&identity.key).unwrap();
  acceptor.set_certificate(&identity.certificate).unwrap();
  let acceptor = acceptor.build();
  let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
  let port = listener.local_addr().unwrap().port();
  let server = thread::spawn(move || {
    let (mut stream, _) = listener.accept().unwrap();
    before(&mut stream);
    if let Ok(stream) = acceptor.accept(stream) {
      after(stream);
    }
  });
  (port, server)
}

/// A socket that is connected with a server which then does `after`.
fn connected(
  owner: &Owner,
  after: impl FnOnce(SslStream<TcpStream>) + Send + 'static,
) -> (Rc<Socket>, JoinHandle<()>) {
  let identity = Identity::for_localhost();
  let (port, server) = serve(&identity, |_| {}, after);
  let socket = owner.connect_with("localhost", port, Some(trusting(vec![identity.pem()])));
  assert!(matches!(owner.event(socket.id()), Event::Opened));
  (socket, server)
}

/// How an attempt to reach `identity` fails, when `trusted` is the only extra anchor; no byte may reach the server.
fn refused(identity: &Identity, trusted: Vec<Vec<u8>>) -> SocketError {
  let owner = Owner::new();
  let (port, server) = serve(
    identity,
    |_| {},
    |mut stream| assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0),
  );
  let socket = owner.connect_with("localhost", port, Some(trusting(trusted)));
  send(&socket, b"secret");
  let error = owner.failure(&socket);
  server.join().unwrap();
  error
}

/// The native backend tells no more than that TLS failed.
pub(crate) fn assert_name(error: &SocketError, name: ErrorName) {
  let expected = if cfg!(feature = "native-tls") {
    ErrorName::SecurityError
  } else {
    name
  };
  assert_eq!(error.name, expected, "{error}");
}

#[test]
fn a_trusted_peer_is_talked_to_and_ended_cleanly() {
  for owner in Owner::each() {
    let (socket, server) = connected(&owner, |mut stream| {
      let mut buffer = [0; 4];
      stream.read_exact(&mut buffer).unwrap();
      stream.write_all(&buffer).unwrap();
      assert_eq!(stream.read(&mut buffer).unwrap(), 0);
      assert!(
        stream.get_shutdown().contains(ShutdownState::RECEIVED),
        "close_notify before FIN"
      );
    });
    send(&socket, b"ping");
    assert_eq!(owner.read(&socket, 4), b"ping");
    socket.close();
    assert!(matches!(owner.event(socket.id()), Event::Closed { .. }));
    server.join().unwrap();
  }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
  let identity = Identity::for_localhost();
  let error = refused(&identity, vec![]);
  assert_name(&error, ErrorName::SecurityUntrustedCertificateIssuerError);
}

#[test]
fn a_certificate_for_another_host_is_refused() {
  let identity = Identity::new(|builder| alt_name(builder, "elsewhere.example"));
  let error = refused(&identity, vec![identity.pem()]);
  assert_name(&error, ErrorName::SecurityCertificateDomainMismatchError);
}

// Of the native backend only Linux's library does not refuse it, and that is not what it is for.
#[cfg(not(feature = "native-tls"))]
#[test]
fn a_certificate_with_a_common_name_only_is_refused() {
  let identity = Identity::new(|_| {});
  let error = refused(&identity, vec![identity.pem()]);
  assert_name(&error, ErrorName::SecurityCertificateDomainMismatchError);
}

#[test]
fn an_expired_certificate_is_refused() {
  let identity = Identity::new(|builder| {
    alt_name(builder, "localhost");
    builder
      .set_not_before(&Asn1Time::from_unix(1_000_000_000).unwrap())
      .unwrap();
    builder
      .set_not_after(&Asn1Time::from_unix(1_100_000_000).unwrap())
      .unwrap();
  });
  let error = refused(&identity, vec![identity.pem()]);
  assert_name(&error, ErrorName::SecurityExpiredCertificateError);
}

#[test]
fn a_changed_option_set_does_not_reuse_the_other_ones_trust() {
  let (trusted, other) = (Identity::for_localhost(), Identity::for_localhost());
  let error = refused(&trusted, vec![other.pem()]);
  assert_name(&error, ErrorName::SecurityUntrustedCertificateIssuerError);
}

#[test]
fn an_end_without_close_notify_is_an_error_after_the_bytes() {
  for owner in Owner::each() {
    let (socket, server) = connected(&owner, |mut stream| {
      stream.write_all(b"half of").unwrap();
      // Only TCP ends.
      drop(stream.get_ref().shutdown(std::net::Shutdown::Write));
      let _ = stream.read(&mut [0; 1]);
    });
    assert_eq!(owner.read(&socket, 7), b"half of");
    assert_eq!(owner.failure(&socket).name, ErrorName::NetworkInterruptError);
    drop(socket);
    server.join().unwrap();
  }
}

#[test]
fn what_came_before_a_reset_is_not_lost_where_a_write_meets_that_first() {
  for owner in Owner::each() {
    let (established, server) = channel();
    let (socket, peer) = connected(&owner, move |stream| established.send(stream).unwrap());
    let mut server = server.recv().unwrap();
    peer.join().unwrap();
    assert_write_that_meets_a_reset_loses_nothing(&owner, &socket, || {
      // A reset drops what Nagle's algorithm holds back.
      server.get_ref().set_nodelay(true).unwrap();
      server.write_all(b"last words").unwrap();
      reset(server.get_ref().try_clone().unwrap());
      drop(server);
    });
  }
}

#[test]
fn a_record_that_was_changed_on_the_way_is_a_security_error_after_the_bytes() {
  for owner in Owner::each() {
    let (socket, server) = connected(&owner, |mut stream| {
      stream.write_all(b"half of").unwrap();
      // Application data of 32 bytes that nobody encrypted.
      let mut record = vec![23, 3, 3, 0, 32];
      record.resize(5 + 32, 0);
      stream.get_mut().write_all(&record).unwrap();
      let _ = stream.get_mut().read_to_end(&mut Vec::new());
    });
    assert_eq!(owner.read(&socket, 7), b"half of");
    match owner.input(&socket) {
      Taken::End(End::Failed(error)) => {
        assert_eq!(error.name, ErrorName::SecurityError, "{error}");
        assert_eq!(error.os, None);
        let reason = error.reason.unwrap();
        assert!(error.detail.ends_with(&reason), "{reason}");
      }
      other => panic!("{other:?}"),
    }
    drop(socket);
    server.join().unwrap();
  }
}
