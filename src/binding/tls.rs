//! TLS options, read once and kept: what is wrong with them is known before any connection is made.

use std::{sync::Arc, time::Duration};

use napi::{Error, Result, bindgen_prelude::Buffer};
use napi_derive::napi;

use crate::net::tls::{
  self, Acceptor, Anchors, ClientTls, Identity, Lease, Profile, Security, ServerTls, TlsInfo, Version,
};

/// A certificate and its key. Either `cert` and `key`, or `pfx`.
#[napi(object, object_to_js = false)]
pub struct TlsIdentity {
  /// In PEM: the leaf, then those that lead to an anchor.
  pub cert: Option<Buffer>,
  /// In PEM.
  pub key: Option<Buffer>,
  /// PKCS #12.
  pub pfx: Option<Buffer>,
  /// For `key` or `pfx`.
  pub passphrase: Option<String>,
}

impl TlsIdentity {
  fn into_net(self) -> Result<Identity> {
    match (self.cert, self.key, self.pfx) {
      (Some(cert), Some(key), None) => Ok(Identity::Pem {
        cert: cert.to_vec(),
        key: key.to_vec(),
        passphrase: self.passphrase,
      }),
      (None, None, Some(data)) => Ok(Identity::Pfx {
        data: data.to_vec(),
        passphrase: self.passphrase.unwrap_or_default(),
      }),
      _ => Err(Error::from_reason("cert: either cert and key, or pfx")),
    }
  }
}

/// A version of TLS.
#[napi(string_enum)]
#[derive(Clone, Copy)]
pub enum TlsVersion {
  /// RFC 5246.
  #[napi(value = "TLSv1.2")]
  Tls12,
  /// RFC 8446.
  #[napi(value = "TLSv1.3")]
  Tls13,
}

impl From<TlsVersion> for Version {
  fn from(version: TlsVersion) -> Self {
    match version {
      TlsVersion::Tls12 => Self::Tls12,
      TlsVersion::Tls13 => Self::Tls13,
    }
  }
}

/// How to be a client.
#[napi(object, object_to_js = false)]
pub struct ClientTlsOptions {
  /// Verify chain and name.
  pub verify: bool,
  /// Further trust anchors, in PEM.
  pub ca: Vec<Buffer>,
  /// Only these.
  pub ca_only: bool,
  /// Revocation lists, in PEM.
  pub crl: Vec<Buffer>,
  /// To present to a server that asks.
  pub identity: Option<TlsIdentity>,
  /// Protocols to offer, the best first.
  pub alpn: Vec<String>,
  /// The oldest version.
  pub min_version: TlsVersion,
  /// The newest version.
  pub max_version: Option<TlsVersion>,
  /// The name for SNI and verification, instead of the host.
  pub server_name: Option<String>,
  /// 32 bytes: the SHA-256 of the only certificate to accept.
  pub fingerprint256: Option<Buffer>,
}

/// How to be a server.
#[napi(object, object_to_js = false)]
pub struct ServerTlsOptions {
  /// To present to clients.
  pub identity: TlsIdentity,
  /// Protocols to choose from, the best first.
  pub alpn: Vec<String>,
  /// The oldest version.
  pub min_version: TlsVersion,
  /// The newest version.
  pub max_version: Option<TlsVersion>,
  /// Milliseconds.
  pub handshake_timeout: u32,
}

/// TLS options that were found to be fine, for any number of sockets or listeners.
#[napi]
pub struct TlsConfig {
  pub(super) security: Security,
}

#[napi]
impl TlsConfig {
  /// Throws, with the name of an option and the reason. With a `session` to take up, it is for connections to `host` alone.
  #[napi(factory, catch_unwind)]
  pub fn client(
    options: ClientTlsOptions,
    session: Option<&TlsSession>,
    host: Option<String>,
  ) -> Result<Self> {
    crate::fault::point("TlsConfig.client");
    let pem = |buffers: Vec<Buffer>| buffers.iter().map(|pem| pem.to_vec()).collect();
    let fingerprint256 = options
      .fingerprint256
      .map(|bytes| <[u8; 32]>::try_from(&*bytes))
      .transpose()
      .map_err(|_| Error::from_reason("fingerprint256: not 32 bytes"))?;
    let tls = ClientTls {
      profile: Profile {
        verify: options.verify,
        anchors: Anchors::of_environment(),
        ca: pem(options.ca),
        ca_only: options.ca_only,
        crl: pem(options.crl),
        identity: options.identity.map(TlsIdentity::into_net).transpose()?,
        alpn: options.alpn,
        min_version: options.min_version.into(),
        max_version: options.max_version.map(Version::from),
      },
      server_name: options.server_name,
      fingerprint256,
      session_from: session.map(|session| session.inner.clone()),
      lease: Lease::default(),
    };
    tls
      .check_session(&host.unwrap_or_default())
      .map_err(Error::from_reason)?;
    tls.check().map_err(Error::from_reason)?;
    Ok(Self {
      security: Security::Client(Arc::new(tls)),
    })
  }

  /// Throws, with the name of an option and the reason.
  #[napi(factory, catch_unwind)]
  pub fn server(options: ServerTlsOptions) -> Result<Self> {
    crate::fault::point("TlsConfig.server");
    let acceptor = Acceptor::new(&ServerTls {
      identity: options.identity.into_net()?,
      alpn: options.alpn,
      min_version: options.min_version.into(),
      max_version: options.max_version.map(Version::from),
      deadline: Duration::from_millis(options.handshake_timeout.into()),
    });
    Ok(Self {
      security: Security::Server(Arc::new(acceptor.map_err(Error::from_reason)?)),
    })
  }
}

impl TlsConfig {
  pub(super) fn as_client(&self) -> Result<Arc<ClientTls>> {
    match &self.security {
      Security::Client(tls) => Ok(Arc::clone(tls)),
      Security::Server(_) => Err(Error::from_reason("not a client's options")),
    }
  }

  pub(super) fn as_server(&self) -> Result<Arc<Acceptor>> {
    match &self.security {
      Security::Server(acceptor) => Ok(Arc::clone(acceptor)),
      Security::Client(_) => Err(Error::from_reason("not a server's options")),
    }
  }
}

/// The session of one connection, which others to the same server may take up.
#[napi]
pub struct TlsSession {
  inner: tls::SavedSession,
}

impl From<tls::SavedSession> for TlsSession {
  fn from(inner: tls::SavedSession) -> Self {
    Self { inner }
  }
}

/// Whether this platform lets a connection take up the session of another.
#[napi(catch_unwind)]
pub fn shares_tls_sessions() -> bool {
  tls::SHARES_SESSIONS
}

/// What a handshake led to. `null` where this platform does not tell.
#[napi(object, object_from_js = false)]
pub struct TlsDetails {
  /// `"TLSv1.2"` or `"TLSv1.3"`.
  pub protocol: Option<String>,
  /// In IANA's words.
  pub cipher: Option<String>,
  /// Agreed on by ALPN.
  pub alpn_protocol: Option<String>,
  /// Asked for by SNI.
  pub servername: Option<String>,
  /// An earlier session was taken up.
  pub resumed: Option<bool>,
  /// In DER.
  pub peer_certificate: Option<Buffer>,
  /// The peer is who it was to be: chain and name, or the pin, say so.
  pub is_peer_proven: bool,
}

impl From<TlsInfo> for TlsDetails {
  fn from(info: TlsInfo) -> Self {
    Self {
      protocol: info.protocol.map(str::to_owned),
      cipher: info.cipher,
      alpn_protocol: info.alpn,
      servername: info.server_name,
      resumed: info.resumed,
      peer_certificate: info.peer_certificate.map(Buffer::from),
      is_peer_proven: info.is_peer_proven,
    }
  }
}
