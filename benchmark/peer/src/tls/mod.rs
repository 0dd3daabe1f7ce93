//! TLS 1.3 with one cipher suite, so that every subject does the same cryptography, and without resumption, so that
//! every handshake is a full one. There are two libraries: the neutral end uses one, and the limit is shown with both.

mod buffered;
mod openssl;
mod rustls;

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::options::Options;

/// A connection with or without TLS. It blocks or not, as the socket below it does.
pub trait Transport: Read + Write + Send {
  fn socket(&self) -> &TcpStream;

  /// Makes the handshake. Without this, the first read or write makes it.
  fn handshake(&mut self) -> Result<()> {
    Ok(())
  }

  /// Whether bytes wait here of which the system, and thus epoll, does not know.
  fn pending(&self) -> bool {
    false
  }

  /// Tells the other side that nothing more comes.
  fn end(&mut self) -> Result<()> {
    self.socket().shutdown(std::net::Shutdown::Write)
  }
}

impl Transport for TcpStream {
  fn socket(&self) -> &TcpStream {
    self
  }
}

#[derive(Clone, Copy, Default, PartialEq)]
pub enum Library {
  OpenSsl,
  #[default]
  Rustls,
}

impl Library {
  pub fn parse(name: &str) -> Option<Self> {
    match name {
      "openssl" => Some(Self::OpenSsl),
      "rustls" => Some(Self::Rustls),
      _ => None,
    }
  }
}

/// What makes a transport of a TCP connection.
#[derive(Clone)]
pub enum Security {
  Plain,
  OpenSsl(openssl::Side),
  Rustls(rustls::Side),
}

impl Security {
  /// The accepting side, and the authority in PEM that vouches for it. A limit is given its certificate; the neutral
  /// end makes one.
  pub fn server(options: &Options) -> Result<(Self, String)> {
    if !options.tls {
      return Ok((Self::Plain, String::new()));
    }
    let identity = match options.cert.is_empty() {
      true => Identity::new()?,
      false => Identity {
        ca: options.ca.clone(),
        cert: options.cert.clone(),
        key: options.key.clone(),
      },
    };
    let security = match options.library {
      Library::OpenSsl => Self::OpenSsl(openssl::server(&identity)?),
      Library::Rustls => Self::Rustls(rustls::server(&identity)?),
    };
    Ok((security, identity.ca))
  }

  /// The connecting side, which trusts `options.ca` alone.
  pub fn client(options: &Options) -> Result<Self> {
    Ok(match options.library {
      _ if !options.tls => Self::Plain,
      Library::OpenSsl => Self::OpenSsl(openssl::client(&options.ca)?),
      Library::Rustls => Self::Rustls(rustls::client(&options.ca)?),
    })
  }

  pub fn wrap(&self, stream: TcpStream) -> Result<Box<dyn Transport>> {
    match self {
      Self::Plain => Ok(Box::new(stream)),
      Self::OpenSsl(side) => side.wrap(stream),
      Self::Rustls(side) => side.wrap(stream),
    }
  }
}

/// A certificate for `127.0.0.1` and `localhost` with its key, and the authority that made it. All in PEM, and new for
/// each run.
pub struct Identity {
  pub ca: String,
  pub cert: String,
  pub key: String,
}

impl Identity {
  pub fn new() -> Result<Self> {
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
    Ok(Self {
      ca: authority.pem(),
      cert: leaf.pem(),
      key: leaf_key.serialize_pem(),
    })
  }
}
