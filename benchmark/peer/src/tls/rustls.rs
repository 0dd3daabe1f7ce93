//! rustls with ring.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{
  ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig, ServerConnection, SideData,
  StreamOwned,
};

use super::buffered::Buffered;
use super::{Identity, Transport};

#[derive(Clone)]
pub enum Side {
  Server(Arc<ServerConfig>),
  Client(Arc<ClientConfig>),
}

pub fn server(identity: &Identity) -> Result<Side> {
  let cert = CertificateDer::from_pem_slice(identity.cert.as_bytes()).map_err(Error::other)?;
  let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(Error::other)?;
  let mut config = ServerConfig::builder_with_provider(provider())
    .with_protocol_versions(&[&TLS13])
    .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert], key))
    .map_err(Error::other)?;
  config.send_tls13_tickets = 0;
  Ok(Side::Server(Arc::new(config)))
}

pub fn client(ca: &str) -> Result<Side> {
  let mut roots = RootCertStore::empty();
  let authority = CertificateDer::from_pem_slice(ca.as_bytes()).map_err(Error::other)?;
  roots.add(authority).map_err(Error::other)?;
  let mut config = ClientConfig::builder_with_provider(provider())
    .with_protocol_versions(&[&TLS13])
    .map_err(Error::other)?
    .with_root_certificates(roots)
    .with_no_client_auth();
  config.resumption = Resumption::disabled();
  Ok(Side::Client(Arc::new(config)))
}

fn provider() -> Arc<CryptoProvider> {
  Arc::new(CryptoProvider {
    cipher_suites: vec![ring::cipher_suite::TLS13_AES_256_GCM_SHA384],
    ..ring::default_provider()
  })
}

impl Side {
  pub fn wrap(&self, stream: TcpStream) -> Result<Box<dyn Transport>> {
    let stream = Buffered::new(stream, false);
    match self {
      Self::Server(config) => {
        let session = ServerConnection::new(Arc::clone(config)).map_err(Error::other)?;
        Ok(Box::new(Stream(StreamOwned::new(session, stream))))
      }
      Self::Client(config) => {
        let name = ServerName::try_from("localhost").map_err(Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(Error::other)?;
        Ok(Box::new(Stream(StreamOwned::new(session, stream))))
      }
    }
  }
}

/// Either side: `ClientConnection` and `ServerConnection` share what they dereference to.
struct Stream<C>(StreamOwned<C, Buffered>);

impl<C, S> Read for Stream<C>
where
  C: DerefMut + Deref<Target = ConnectionCommon<S>>,
  S: SideData,
{
  fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
    self.0.read(buffer)
  }
}

impl<C, S> Write for Stream<C>
where
  C: DerefMut + Deref<Target = ConnectionCommon<S>>,
  S: SideData,
{
  fn write(&mut self, bytes: &[u8]) -> Result<usize> {
    self.0.write(bytes)
  }

  fn flush(&mut self) -> Result<()> {
    self.0.flush()
  }
}

impl<C, S> Transport for Stream<C>
where
  C: DerefMut + Deref<Target = ConnectionCommon<S>> + Send,
  S: SideData,
{
  fn socket(&self) -> &TcpStream {
    self.0.sock.socket()
  }

  fn handshake(&mut self) -> Result<()> {
    while self.0.conn.is_handshaking() {
      self.0.conn.complete_io(&mut self.0.sock)?;
    }
    self.0.flush()
  }

  /// rustls without plaintext wants to read; what it has not been given yet waits in the buffer.
  fn pending(&self) -> bool {
    !self.0.sock.is_empty() || !self.0.conn.wants_read()
  }

  fn end(&mut self) -> Result<()> {
    self.0.conn.send_close_notify();
    self.0.flush()?;
    self.socket().shutdown(std::net::Shutdown::Write)
  }
}
