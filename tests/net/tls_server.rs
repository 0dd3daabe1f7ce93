//! The server side of TLS, with our own client at the other end; and what a client may ask for beyond the usual.

use std::{
  io::{Read, Write},
  net::{Ipv4Addr, TcpStream},
  rc::Rc,
  sync::Arc,
  time::Duration,
};

use moz_tcp_socket::net::{
  ErrorName, Event, ListenOptions, Listener, Socket,
  tls::{Acceptor, ClientTls, Profile, Security, ServerTls, Version},
};
use openssl::hash::MessageDigest;

use crate::{
  support::{Owner, hold_runtime, send, trusting},
  tls::Identity,
};

fn acceptor(identity: &Identity, deadline: Duration) -> Arc<Acceptor> {
  let acceptor = Acceptor::new(&ServerTls {
    identity: moz_tcp_socket::net::tls::Identity::Pem {
      cert: identity.pem(),
      key: identity.key.private_key_to_pem_pkcs8().unwrap(),
      passphrase: None,
    },
    alpn: vec!["imap".into()],
    min_version: Version::Tls12,
    max_version: None,
    deadline,
  });
  Arc::new(acceptor.unwrap())
}

fn listen(owner: &Owner, tls: Option<Arc<Acceptor>>) -> Rc<Listener> {
  let options = ListenOptions {
    tls,
    ..ListenOptions::at(Ipv4Addr::LOCALHOST)
  };
  owner.listen_with(options).unwrap()
}

fn accepted(owner: &Owner, listener: &Listener) -> Rc<Socket> {
  owner.accepted(listener).0
}

const PATIENT: Duration = Duration::from_secs(20);

#[test]
fn a_listener_with_a_certificate_delivers_connections_that_are_secure() {
  let identity = Identity::for_localhost();
  for owner in Owner::each() {
    let listener = listen(&owner, Some(acceptor(&identity, PATIENT)));
    let port = listener.local_addr().port();
    let mut options = (*trusting(vec![identity.pem()])).clone();
    options.profile.alpn = vec!["h2".into(), "imap".into()];
    let client = owner.connect_with("localhost", port, Some(Arc::new(options)));
    let server = accepted(&owner, &listener);
    assert!(matches!(owner.event(client.id()), Event::Opened));
    let (theirs, ours) = (client.tls_info().unwrap(), server.tls_info().unwrap());
    assert_eq!(theirs.alpn.as_deref(), Some("imap"));
    assert_eq!(theirs.peer_certificate, identity.certificate.to_der().ok());
    assert_eq!(ours.peer_certificate, None);
    if !cfg!(feature = "native-tls") {
      assert_eq!(
        (theirs.protocol, ours.protocol),
        (Some("TLSv1.3"), Some("TLSv1.3"))
      );
      assert_eq!(ours.server_name.as_deref(), Some("localhost"));
    }
    send(&client, b"ping");
    assert_eq!(owner.read(&server, 4), b"ping");
    send(&server, b"pong");
    assert_eq!(owner.read(&client, 4), b"pong");
  }
}

#[test]
fn a_client_that_does_not_speak_tls_is_counted_and_the_next_is_served() {
  let identity = Identity::for_localhost();
  for owner in Owner::each() {
    let listener = listen(&owner, Some(acceptor(&identity, PATIENT)));
    let port = listener.local_addr().port();
    let mut stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    drop(owner.meanwhile(move || stranger.read_to_end(&mut Vec::new())));
    owner.until(|| (listener.failed_handshakes() == 1).then_some(()));
    let client = owner.connect_with("localhost", port, Some(trusting(vec![identity.pem()])));
    let _server = accepted(&owner, &listener);
    assert!(matches!(owner.event(client.id()), Event::Opened));
  }
}

#[test]
fn a_client_that_stays_silent_is_dropped_at_the_deadline() {
  let identity = Identity::for_localhost();
  for owner in Owner::each() {
    let listener = listen(&owner, Some(acceptor(&identity, Duration::from_millis(50))));
    let mut stranger = TcpStream::connect(listener.local_addr()).unwrap();
    assert_eq!(
      owner.meanwhile(move || stranger.read(&mut [0; 1]).unwrap_or(0)),
      0
    );
    owner.until(|| (listener.failed_handshakes() == 1).then_some(()));
  }
}

#[test]
fn an_accepted_socket_that_is_upgraded_waits_for_the_hello() {
  let identity = Identity::for_localhost();
  for owner in Owner::each() {
    let listener = listen(&owner, None);
    let client = owner.connect_with("localhost", listener.local_addr().port(), None);
    let server = accepted(&owner, &listener);
    assert!(matches!(owner.event(client.id()), Event::Opened));
    send(&server, b"go ahead");
    server.upgrade(Security::Server(acceptor(&identity, PATIENT)));
    send(&server, b"secret");
    assert_eq!(owner.read(&client, 8), b"go ahead");
    client.upgrade(Security::Client(trusting(vec![identity.pem()])));
    assert_eq!(owner.read(&client, 6), b"secret");
  }
}

#[test]
fn a_pin_lets_that_certificate_in_and_no_other() {
  let identity = Identity::for_localhost();
  for owner in Owner::each() {
    let listener = listen(&owner, Some(acceptor(&identity, PATIENT)));
    let port = listener.local_addr().port();
    let digest = identity.certificate.digest(MessageDigest::sha256()).unwrap();
    let mut pin: [u8; 32] = digest.as_ref().try_into().unwrap();
    let connect = |pin| {
      let tls = ClientTls {
        profile: Profile {
          verify: false,
          ..Profile::default()
        },
        server_name: Some("elsewhere.example".into()),
        fingerprint256: Some(pin),
        ..ClientTls::default()
      };
      owner.connect_with("localhost", port, Some(Arc::new(tls)))
    };
    let client = connect(pin);
    assert!(matches!(owner.event(client.id()), Event::Opened));
    pin[31] ^= 1;
    let client = connect(pin);
    send(&client, b"secret");
    assert_eq!(
      owner.failure(&client).name,
      ErrorName::SecurityBadCertificateError
    );
  }
}

#[test]
fn a_pin_beside_a_certificate_of_ours_is_refused_where_it_would_be_checked_too_late() {
  let identity = Identity::for_localhost();
  let pinned = |identity| ClientTls {
    profile: Profile {
      identity,
      ..Profile::default()
    },
    server_name: None,
    fingerprint256: Some([0; 32]),
    ..ClientTls::default()
  };
  let ours = moz_tcp_socket::net::tls::Identity::Pem {
    cert: identity.pem(),
    key: identity.key.private_key_to_pem_pkcs8().unwrap(),
    passphrase: None,
  };
  assert_eq!(pinned(None).check(), Ok(()));
  let refused = pinned(Some(ours)).check().err();
  let expected = if cfg!(feature = "native-tls") {
    Some("fingerprint256")
  } else {
    None
  };
  assert_eq!(
    refused.as_deref().and_then(|reason| reason.split(':').next()),
    expected
  );
}

#[test]
fn a_closed_listener_drops_the_handshakes_that_are_under_way() {
  let identity = Identity::for_localhost();
  for owner in Owner::each() {
    let listener = listen(&owner, Some(acceptor(&identity, PATIENT)));
    let mut stranger = TcpStream::connect(listener.local_addr()).unwrap();
    // The next one is served: this one was accepted.
    let client = owner.connect_with(
      "localhost",
      listener.local_addr().port(),
      Some(trusting(vec![identity.pem()])),
    );
    let _server = accepted(&owner, &listener);
    assert!(matches!(owner.event(client.id()), Event::Opened));
    listener.close();
    assert_eq!(stranger.read(&mut [0; 1]).unwrap_or(0), 0);
  }
}

/// Tells when something was written.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Noticed(TcpStream, std::sync::mpsc::Sender<()>);

#[cfg(target_os = "linux")]
impl Read for Noticed {
  fn read(&mut self, memory: &mut [u8]) -> std::io::Result<usize> {
    self.0.read(memory)
  }
}

#[cfg(target_os = "linux")]
impl Write for Noticed {
  fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
    let written = self.0.write(data);
    let _ = self.1.send(());
    written
  }

  fn flush(&mut self) -> std::io::Result<()> {
    self.0.flush()
  }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hello_that_comes_after_upgrade_is_no_plaintext_however_late_the_task_begins() {
  use std::sync::mpsc::channel;

  let identity = Identity::for_localhost();
  for owner in Owner::each() {
    let listener = owner.listen(0).unwrap();
    let peer = TcpStream::connect(listener.local_addr()).unwrap();
    let (server, _) = owner.accepted(&listener);
    let held = hold_runtime();
    server.upgrade(Security::Server(acceptor(&identity, PATIENT)));
    let (wrote, hello) = channel();
    let client = std::thread::spawn(move || {
      let mut connector = openssl::ssl::SslConnector::builder(openssl::ssl::SslMethod::tls()).unwrap();
      connector.set_verify(openssl::ssl::SslVerifyMode::NONE);
      let mut stream = connector
        .build()
        .connect("localhost", Noticed(peer, wrote))
        .unwrap();
      stream.write_all(b"ping").unwrap();
      stream
    });
    hello.recv().unwrap();
    drop(held);
    assert_eq!(owner.read(&server, 4), b"ping");
    drop(client.join().unwrap());
  }
}
