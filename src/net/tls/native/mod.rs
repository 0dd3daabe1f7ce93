//! TLS by the system's own library: SChannel on Windows, Secure Transport on Apple's systems, through tokio-native-tls.
//! They tell little of a connection or of what went wrong, and some options cannot be had; those are refused, never
//! ignored.

mod pipe;
mod saved_session;
mod stream;

use tokio_native_tls::{
  TlsAcceptor, TlsConnector,
  native_tls::{self, Certificate, Identity as NativeIdentity, Protocol},
};

pub use self::saved_session::SavedSession;
pub(super) use self::stream::Stream;
use super::{
  Failure, Identity, Profile, ServerTls, Version,
  failure::Unbuilt,
  origin::{Keeps, Origin},
};

/// Whom one profile trusts, and what it presents.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

/// A server's certificate, and the versions it speaks.
pub(super) struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.write_str("Acceptor")
  }
}

/// Secure Transport ends at TLS 1.2, and so does what native-tls asks of the others as a server.
const NEWEST: Version = if cfg!(target_vendor = "apple") {
  Version::Tls12
} else {
  Version::Tls13
};
const NEWEST_OF_SERVERS: Version = Version::Tls12;

/// The handshake is over, and with it what we present has gone, when the peer's certificate can be seen.
pub(super) const PINS_IN_HANDSHAKE: bool = false;

/// These libraries keep sessions to themselves.
pub const SHARES_SESSIONS: bool = false;

pub(super) fn check_profile(profile: &Profile) -> Result<(), String> {
  if !profile.crl.is_empty() {
    return Err("crl: revocation lists are not supported on this platform".into());
  }
  check_version(profile.min_version, NEWEST)?;
  for pem in &profile.ca {
    certificates("ca", pem)?;
  }
  profile
    .identity
    .as_ref()
    .map_or(Ok(()), |identity| read(identity).map(drop))
}

fn check_version(min: Version, newest: Version) -> Result<(), String> {
  if min > newest {
    return Err("minVersion: \"TLSv1.3\" is not supported on this platform".into());
  }
  Ok(())
}

fn certificates(option: &str, pem: &[u8]) -> Result<Vec<Certificate>, String> {
  // Of what is no text at all, native-tls for Windows panics.
  let read = str::from_utf8(pem).map(|_| Certificate::stack_from_pem(pem));
  match read {
    Ok(Ok(certificates)) if !certificates.is_empty() => Ok(certificates),
    Ok(Err(error)) => Err(format!("{option}: {error}")),
    Ok(Ok(_)) | Err(_) => Err(format!("{option}: no certificate in PEM form found")),
  }
}

fn read(identity: &Identity) -> Result<NativeIdentity, String> {
  match identity {
    Identity::Pem {
      passphrase: Some(_), ..
    } => Err("passphrase: encrypted keys in PEM are not supported on this platform; use pfx".into()),
    Identity::Pem { cert, key, .. } => {
      certificates("cert", cert)?;
      NativeIdentity::from_pkcs8(cert, key).map_err(|error| format!("key: {error} (PKCS #8 is needed)"))
    }
    Identity::Pfx { data, passphrase } => {
      NativeIdentity::from_pkcs12(data, passphrase).map_err(|error| format!("pfx: {error}"))
    }
  }
}

/// `extra` are anchors that count as the system's, and are ignored if unreadable.
pub(super) fn connector(profile: &Profile, extra: Option<&[u8]>) -> Result<Connector, Unbuilt> {
  let mut builder = native_tls::TlsConnector::builder();
  builder
    .min_protocol_version(Some(protocol(profile.min_version)))
    .max_protocol_version(profile.max_version.map(protocol))
    .disable_built_in_roots(profile.ca_only)
    .danger_accept_invalid_certs(!profile.verify)
    .danger_accept_invalid_hostnames(!profile.verify);
  for pem in &profile.ca {
    for certificate in certificates("ca", pem)? {
      builder.add_root_certificate(certificate);
    }
  }
  let extra = extra.filter(|_| !profile.ca_only);
  let extra = extra.map(|pem| certificates("NODE_EXTRA_CA_CERTS", pem));
  for certificate in extra.and_then(Result::ok).unwrap_or_default() {
    builder.add_root_certificate(certificate);
  }
  if let Some(identity) = &profile.identity {
    builder.identity(read(identity)?);
  }
  let alpn: Vec<&str> = profile.alpn.iter().map(String::as_str).collect();
  builder.request_alpns(&alpn);
  let built = builder.build().map_err(|error| error.to_string())?;
  Ok(Connector(built.into()))
}

/// A client of the server `origin`. The connection `keeps` what its connector belongs to.
pub(super) fn client(
  connector: &Connector,
  keeps: Keeps,
  origin: Origin,
  _port: u16,
  _session: Option<&SavedSession>,
) -> Result<Stream, Failure> {
  let connector = connector.0.clone();
  let handshake = |pipe| async move { connector.connect(&origin.name, pipe).await };
  Ok(Stream::new(handshake, Some(keeps)))
}

pub(super) fn acceptor(options: &ServerTls) -> Result<Acceptor, String> {
  check_version(options.min_version, NEWEST_OF_SERVERS)?;
  if cfg!(target_vendor = "apple") && !options.alpn.is_empty() {
    return Err("alpnProtocols: a server cannot choose on this platform".into());
  }
  let mut builder = native_tls::TlsAcceptor::builder(read(&options.identity)?);
  builder
    .min_protocol_version(Some(protocol(options.min_version)))
    .max_protocol_version(options.max_version.map(protocol))
    .accept_alpn(&options.alpn);
  let built = builder.build().map_err(|error| error.to_string())?;
  Ok(Acceptor(built.into()))
}

/// The server of one client.
pub(super) fn server(acceptor: &Acceptor) -> Result<Stream, Failure> {
  let acceptor = acceptor.0.clone();
  Ok(Stream::new(
    |pipe| async move { acceptor.accept(pipe).await },
    None,
  ))
}

fn protocol(version: Version) -> Protocol {
  match version {
    Version::Tls12 => Protocol::Tlsv12,
    Version::Tls13 => Protocol::Tlsv13,
  }
}
