//! Certificates, keys, revocation lists and PKCS #12 files of any content are read or refused.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use moz_tcp_socket::net::tls::{Acceptor, ClientTls, Identity, Profile, ServerTls, Version};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
  ca: Vec<&'a [u8]>,
  crl: Vec<&'a [u8]>,
  cert: &'a [u8],
  key: &'a [u8],
  pfx: Option<&'a [u8]>,
  passphrase: Option<String>,
  /// Puts what is not PEM into the form of it.
  wrapped: bool,
}

fn pem(kind: &str, bytes: &[u8], wrapped: bool) -> Vec<u8> {
  if !wrapped {
    return bytes.to_vec();
  }
  let body: String = bytes
    .iter()
    .map(|byte| char::from(b"ABCDwxyz0189+/=\n"[usize::from(byte & 15)]))
    .collect();
  format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n").into_bytes()
}

fuzz_target!(|input: Input<'_>| {
  let identity = match input.pfx {
    Some(data) => Identity::Pfx {
      data: data.to_vec(),
      passphrase: input.passphrase.clone().unwrap_or_default(),
    },
    None => Identity::Pem {
      cert: pem("CERTIFICATE", input.cert, input.wrapped),
      key: pem("PRIVATE KEY", input.key, input.wrapped),
      passphrase: input.passphrase.clone(),
    },
  };
  let all = |kind, items: &[&[u8]]| items.iter().map(|item| pem(kind, item, input.wrapped)).collect();
  let profile = Profile {
    ca: all("CERTIFICATE", &input.ca),
    crl: all("X509 CRL", &input.crl),
    identity: Some(identity.clone()),
    ..Profile::default()
  };
  let client = ClientTls {
    profile,
    ..ClientTls::default()
  };
  if let Err(reason) = client.check() {
    assert!(reason.contains(": "), "names the option: {reason}");
  }
  let server = Acceptor::new(&ServerTls {
    identity,
    alpn: Vec::new(),
    min_version: Version::Tls12,
    max_version: None,
    deadline: Duration::from_secs(1),
  });
  if let Err(reason) = server {
    assert!(reason.contains(": "), "names the option: {reason}");
  }
});
