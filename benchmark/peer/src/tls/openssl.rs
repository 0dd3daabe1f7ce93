//! OpenSSL, compiled into this program, as Node and the product have it.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;

use openssl::pkey::PKey;
use openssl::ssl::{
  Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;

use super::buffered::Buffered;
use super::{Identity, Transport};

#[derive(Clone)]
pub struct Side {
  context: SslContext,
  accepts: bool,
}

pub fn server(identity: &Identity) -> Result<Side> {
  let mut builder = builder(SslMethod::tls_server())?;
  builder.set_certificate(&*X509::from_pem(identity.cert.as_bytes())?)?;
  builder.set_private_key(&*PKey::private_key_from_pem(identity.key.as_bytes())?)?;
  builder.set_num_tickets(0)?;
  Ok(Side {
    context: builder.build(),
    accepts: true,
  })
}

pub fn client(ca: &str) -> Result<Side> {
  let mut builder = builder(SslMethod::tls_client())?;
  builder
    .cert_store_mut()
    .add_cert(X509::from_pem(ca.as_bytes())?)?;
  builder.set_verify(SslVerifyMode::PEER);
  Ok(Side {
    context: builder.build(),
    accepts: false,
  })
}

fn builder(method: SslMethod) -> Result<SslContextBuilder> {
  let mut builder = SslContext::builder(method)?;
  builder.set_min_proto_version(Some(SslVersion::TLS1_3))?;
  builder.set_ciphersuites("TLS_AES_256_GCM_SHA384")?;
  builder.set_mode(SslMode::ACCEPT_MOVING_WRITE_BUFFER);
  Ok(builder)
}

impl Side {
  pub fn wrap(&self, stream: TcpStream) -> Result<Box<dyn Transport>> {
    let mut ssl = Ssl::new(&self.context)?;
    if self.accepts {
      ssl.set_accept_state();
    } else {
      ssl.set_hostname("localhost")?;
      ssl.param_mut().set_host("localhost")?;
      ssl.set_connect_state();
    }
    Ok(Box::new(Stream(SslStream::new(
      ssl,
      Buffered::new(stream, true),
    )?)))
  }
}

struct Stream(SslStream<Buffered>);

impl Read for Stream {
  fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
    self.0.read(buffer)
  }
}

impl Write for Stream {
  fn write(&mut self, bytes: &[u8]) -> Result<usize> {
    let count = self.0.write(bytes)?;
    self.0.get_mut().flush()?;
    Ok(count)
  }

  fn flush(&mut self) -> Result<()> {
    self.0.flush()
  }
}

impl Transport for Stream {
  fn socket(&self) -> &TcpStream {
    self.0.get_ref().socket()
  }

  fn handshake(&mut self) -> Result<()> {
    self
      .0
      .do_handshake()
      .map_err(|error| error.into_io_error().unwrap_or_else(Error::other))
  }

  fn pending(&self) -> bool {
    !self.0.get_ref().is_empty() || self.0.ssl().pending() > 0
  }

  fn end(&mut self) -> Result<()> {
    self.0.shutdown().map_err(Error::other)?;
    self.socket().shutdown(std::net::Shutdown::Write)
  }
}
