//! TLS by OpenSSL, built into the addon.

mod alpn;
mod callbacks;
mod errors;
mod material;
mod names;
mod refusal;
mod sessions;
mod stream;
mod trust;

use std::{net::IpAddr, sync::Arc};

use openssl::{
  error::ErrorStack,
  ssl::{
    AlpnError, Ssl, SslAcceptor, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef,
    SslVerifyMode, SslVersion,
  },
  x509::{
    store::{X509StoreBuilder, X509StoreBuilderRef},
    verify::{X509CheckFlags, X509VerifyFlags},
  },
};

pub use self::sessions::SavedSession;
pub(super) use self::stream::Stream;
use self::{
  callbacks::guarded,
  material::Material,
  refusal::{Refused, check_certificates},
  sessions::Sessions,
};
use super::{
  Failure, Identity, Profile, ServerTls, Version,
  failure::Unbuilt,
  origin::{Keeps, Origin},
};
use crate::net::sys::{openssl_ffi, openssl_memory};

/// Whom one profile trusts, and what it presents.
#[derive(Clone)]
pub(super) struct Connector {
  context: SslContext,
  sessions: Sessions,
  verify: bool,
}

/// A server's certificate, and the versions it speaks.
pub(super) struct Acceptor(SslAcceptor);

impl std::fmt::Debug for Acceptor {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.write_str("Acceptor")
  }
}

/// A pin is checked before what we present leaves.
pub(super) const PINS_IN_HANDSHAKE: bool = true;

/// Whether a session can be taken up at another port at all.
pub const SHARES_SESSIONS: bool = true;

/// Of TLS 1.2, as a client: with forward secrecy, those that authenticate what they encrypt first, and of the others only
/// what old servers have. docs/tls-conditions.md has the reasons.
const CIPHERS: &str =
  "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:!AESCCM:!aNULL:!aDSS:!PSK:!SRP";

pub(super) fn check_profile(profile: &Profile) -> Result<(), String> {
  openssl_ffi::init();
  for pem in &profile.ca {
    material::certificates("ca", pem)?;
  }
  for pem in &profile.crl {
    material::revocation_lists(pem)?;
  }
  let Some(identity) = &profile.identity else {
    return Ok(());
  };
  let mut nowhere = SslContextBuilder::new(SslMethod::tls_client()).map_err(text)?;
  present(&mut nowhere, identity)
}

/// Blocks for tens of milliseconds. `extra` are anchors that count as the system's, and are ignored if they are none.
pub(super) fn connector(profile: &Profile, extra: Option<&[u8]>) -> Result<Connector, Unbuilt> {
  openssl_ffi::init();
  let mut builder = client_builder().map_err(text)?;
  if !profile.ca_only {
    for certificate in trust::certificates(&profile.anchors)? {
      // One that OpenSSL does not take is left out, as one that cannot be read.
      let _ = builder.cert_store_mut().add_cert(certificate);
    }
    let extra = extra.map(|pem| material::certificates("NODE_EXTRA_CA_CERTS", pem));
    for certificate in extra.and_then(Result::ok).unwrap_or_default() {
      builder.cert_store_mut().add_cert(certificate).map_err(text)?;
    }
  }
  for pem in &profile.ca {
    for certificate in material::certificates("ca", pem)? {
      builder.cert_store_mut().add_cert(certificate).map_err(text)?;
    }
  }
  revoke(builder.cert_store_mut(), profile)?;
  set_up(
    &mut builder,
    profile.identity.as_ref(),
    profile.min_version,
    profile.max_version,
  )?;
  if !profile.alpn.is_empty() {
    builder
      .set_alpn_protos(&alpn::wire_format(&profile.alpn))
      .map_err(text)?;
  }
  let sessions = if profile.crl.is_empty() {
    Sessions::keep(&mut builder, profile.verify).map_err(text)?
  } else {
    // A list goes out of date, and whoever asks for one wants to know each time.
    Sessions::default()
  };
  Ok(Connector {
    context: builder.build(),
    sessions,
    verify: profile.verify,
  })
}

/// What openssl's own `SslConnector` begins with, but for the trust store: that reads the environment, on a thread where
/// JavaScript may be changing it, and trusts what lies where this build happens to have been configured for.
fn client_builder() -> Result<SslContextBuilder, ErrorStack> {
  let mut builder = SslContextBuilder::new(SslMethod::tls_client())?;
  builder.set_options(SslOptions::ALL | SslOptions::NO_COMPRESSION);
  builder.set_mode(
    SslMode::AUTO_RETRY
      | SslMode::ACCEPT_MOVING_WRITE_BUFFER
      | SslMode::ENABLE_PARTIAL_WRITE
      | SslMode::RELEASE_BUFFERS,
  );
  builder.set_cipher_list(CIPHERS)?;
  builder.set_verify(SslVerifyMode::PEER);
  builder.set_cert_store(X509StoreBuilder::new()?.build());
  Ok(builder)
}

fn revoke(store: &mut X509StoreBuilderRef, profile: &Profile) -> Result<(), String> {
  for pem in &profile.crl {
    for list in material::revocation_lists(pem)? {
      openssl_ffi::add_revocation_list(store, &list).map_err(text)?;
    }
  }
  if profile.crl.is_empty() {
    return Ok(());
  }
  let all = X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
  store.set_flags(all).map_err(text)
}

/// What client and server have in common.
fn set_up(
  builder: &mut SslContextBuilder,
  identity: Option<&Identity>,
  min: Version,
  max: Option<Version>,
) -> Result<(), String> {
  builder.set_min_proto_version(Some(version(min))).map_err(text)?;
  builder.set_max_proto_version(max.map(version)).map_err(text)?;
  builder.set_options(SslOptions::NO_RENEGOTIATION);
  identity.map_or(Ok(()), |identity| present(builder, identity))
}

/// OpenSSL has its own opinion of what may be presented: weak keys, for instance, it refuses.
fn present(builder: &mut SslContextBuilder, identity: &Identity) -> Result<(), String> {
  openssl_memory::scrubbing(|| present_material(builder, Material::read(identity)?))
}

fn present_material(builder: &mut SslContextBuilder, material: Material) -> Result<(), String> {
  let Material { leaf, chain, key } = material;
  let cert = |stack| errors::of_option("cert", &stack);
  builder.set_certificate(&leaf).map_err(cert)?;
  let set = builder.set_private_key(&key);
  set.map_err(|stack| errors::of_option("key", &stack))?;
  for certificate in chain {
    builder.add_extra_chain_cert(certificate).map_err(cert)?;
  }
  Ok(())
}

/// A client of the server `origin`. `port` tells whose sessions may be taken up again, unless there is one that is to be
/// taken up. The connection `keeps` what its connector belongs to.
pub(super) fn client(
  connector: &Connector,
  keeps: Keeps,
  origin: Origin,
  port: u16,
  session: Option<&SavedSession>,
) -> Result<Stream, Failure> {
  let refused = Arc::default();
  let ssl = client_ssl(connector, keeps, origin, port, session, &refused);
  let mut ssl = ssl.map_err(|stack| errors::of_stack(&stack))?;
  ssl.set_connect_state();
  Stream::new(ssl, refused)
}

fn client_ssl(
  connector: &Connector,
  keeps: Keeps,
  origin: Origin,
  port: u16,
  session: Option<&SavedSession>,
  refused: &Refused,
) -> Result<Ssl, ErrorStack> {
  let mut ssl = Ssl::new(&connector.context)?;
  let name = origin.name.as_str();
  let address: Option<IpAddr> = name.parse().ok();
  if address.is_none() {
    ssl.set_hostname(name)?;
  }
  if connector.verify {
    let parameters = ssl.param_mut();
    // Where a certificate has no DNS name among its subject alternative names, OpenSSL falls back to the subject's common
    // name. Firefox and RFC 9525 section 6.3 do not.
    parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT);
    match address {
      Some(address) => parameters.set_ip(address)?,
      None => parameters.set_host(name)?,
    }
  } else {
    ssl.set_verify(SslVerifyMode::NONE);
  }
  check_certificates(&mut ssl, &origin, connector.verify, refused);
  connector
    .sessions
    .take_up(&mut ssl, origin, port, session, keeps)?;
  Ok(ssl)
}

pub(super) fn acceptor(options: &ServerTls) -> Result<Acceptor, String> {
  openssl_ffi::init();
  let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(text)?;
  set_up(
    &mut builder,
    Some(&options.identity),
    options.min_version,
    options.max_version,
  )?;
  // Without it a session does not keep the name, and `tls_info` would have none when it is taken up again.
  builder.set_servername_callback(|_ssl, _alert| Ok(()));
  if !options.alpn.is_empty() {
    let ours = alpn::wire_format(&options.alpn);
    builder.set_alpn_select_callback(move |_ssl: &mut SslRef, theirs| {
      guarded(Err(AlpnError::ALERT_FATAL), || alpn::choose(&ours, theirs))
    });
  }
  Ok(Acceptor(builder.build()))
}

/// The server of one client.
pub(super) fn server(acceptor: &Acceptor) -> Result<Stream, Failure> {
  let mut ssl = Ssl::new(acceptor.0.context()).map_err(|stack| errors::of_stack(&stack))?;
  ssl.set_accept_state();
  Stream::new(ssl, Arc::default())
}

fn version(version: Version) -> SslVersion {
  match version {
    Version::Tls12 => SslVersion::TLS1_2,
    Version::Tls13 => SslVersion::TLS1_3,
  }
}

fn text(stack: ErrorStack) -> String {
  errors::reason(&stack)
}
