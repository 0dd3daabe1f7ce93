//! TLS 1.3 with one cipher suite, so that every subject does the same cryptography, and without resumption, so that
//! every handshake is a full one. The certificate authority is made anew for each run.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A connection with or without TLS.
pub trait Transport: Read + Write + Send {}
impl<T: Read + Write + Send> Transport for T {}

/// The server's side, with the authority in PEM that vouches for `127.0.0.1` and `localhost`.
pub fn server() -> Result<(Arc<ServerConfig>, String)> {
  let key = || KeyPair::generate().map_err(Error::other);
  let mut authority = CertificateParams::new(vec![]).map_err(Error::other)?;
  // Names that differ: a certificate whose issuer has its own name passes for self-signed.
  authority
    .distinguished_name
    .push(DnType::CommonName, "benchmark authority");
  authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
  let authority = CertifiedIssuer::self_signed(authority, key()?).map_err(Error::other)?;

  let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
  let leaf_key = key()?;
  let mut leaf = CertificateParams::new(names).map_err(Error::other)?;
  leaf
    .distinguished_name
    .push(DnType::CommonName, "benchmark server");
  let leaf = leaf.signed_by(&leaf_key, &authority).map_err(Error::other)?;
  let chain = vec![leaf.der().clone()];
  let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));

  let mut config = ServerConfig::builder_with_provider(provider())
    .with_protocol_versions(&[&TLS13])
    .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
    .map_err(Error::other)?;
  config.send_tls13_tickets = 0;
  Ok((Arc::new(config), authority.pem()))
}

pub fn accept(stream: TcpStream, config: &Arc<ServerConfig>) -> Result<impl Transport + use<>> {
  let session = ServerConnection::new(Arc::clone(config)).map_err(Error::other)?;
  Ok(StreamOwned::new(session, stream))
}

pub fn connect(stream: TcpStream, ca: &str) -> Result<impl Transport + use<>> {
  let mut roots = RootCertStore::empty();
  let authority = CertificateDer::from_pem_slice(ca.as_bytes()).map_err(Error::other)?;
  roots.add(authority).map_err(Error::other)?;
  let config = ClientConfig::builder_with_provider(provider())
    .with_protocol_versions(&[&TLS13])
    .map_err(Error::other)?
    .with_root_certificates(roots)
    .with_no_client_auth();
  let name = ServerName::try_from("localhost").map_err(Error::other)?;
  let session = ClientConnection::new(Arc::new(config), name).map_err(Error::other)?;
  Ok(StreamOwned::new(session, stream))
}

fn provider() -> Arc<CryptoProvider> {
  Arc::new(CryptoProvider {
    cipher_suites: vec![ring::cipher_suite::TLS13_AES_256_GCM_SHA384],
    ..ring::default_provider()
  })
}
