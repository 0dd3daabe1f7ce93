//! TLS by OpenSSL, built into the addon.

mod alpn;
mod errors;
mod material;
mod names;
mod sessions;
mod trust;

use std::{net::IpAddr, pin::Pin, sync::Arc};

use openssl::{
  error::ErrorStack,
  ssl::{
    NameType, Ssl, SslAcceptor, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef,
    SslVerifyMode, SslVersion,
  },
  x509::{
    X509StoreContextRef, X509VerifyResult,
    store::{X509StoreBuilder, X509StoreBuilderRef},
    verify::{X509CheckFlags, X509VerifyFlags},
  },
};
use tokio_openssl::SslStream;

pub(super) use self::errors::stream_failure;
pub use self::sessions::Session;
use self::{material::Material, sessions::Sessions};
use super::{Failure, Identity, Origin, Profile, ServerTls, Slot, TlsInfo, Version, check_pin};
use crate::{
  net::{
    sync::{Mutex, lock},
    transport::Tcp,
  },
  openssl_ffi, openssl_memory,
};

/// A connection after its handshake.
pub type Stream = SslStream<Tcp>;

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

/// A session can be taken up at another port.
pub(super) const SHARES_SESSIONS: bool = true;

/// Of TLS 1.2, as a client: with forward secrecy, those that authenticate what they encrypt first, and of the others only
/// what old servers have. See docs/design.md.
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

/// Blocks for tens of milliseconds. `extra` are anchors that count as the system's, and are ignored if unreadable.
pub(super) fn connector(profile: &Profile, extra: Option<&[u8]>) -> Result<Connector, String> {
  openssl_ffi::init();
  let mut builder = client_builder().map_err(text)?;
  if !profile.ca_only {
    for certificate in trust::certificates(&profile.anchors) {
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

/// With the address of a server, `port` tells whose sessions may be taken up again, unless there is one that is to be taken
/// up. `slot` is what keeps `connector`.
pub(super) async fn connect(
  connector: &Connector,
  slot: Arc<Slot>,
  origin: Origin,
  port: u16,
  session: Option<&Session>,
  stream: Tcp,
) -> Result<Stream, Failure> {
  let refused = Arc::default();
  let ssl = client(connector, slot, origin, port, session, &refused);
  let ssl = ssl.map_err(|stack| errors::of_stack(&stack))?;
  let mut stream = SslStream::new(ssl, stream).map_err(|stack| errors::of_stack(&stack))?;
  let Err(error) = Pin::new(&mut stream).connect().await else {
    sessions::settle(stream.ssl());
    return Ok(stream);
  };
  let refused = lock(&refused).take();
  Err(refused.unwrap_or_else(|| errors::of_handshake(&error, stream.ssl())))
}

/// Where the refusal of a certificate is found that was not OpenSSL's.
type Refused = Arc<Mutex<Option<Failure>>>;

fn client(
  connector: &Connector,
  slot: Arc<Slot>,
  origin: Origin,
  port: u16,
  session: Option<&Session>,
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
    .take_up(&mut ssl, origin, port, session, slot)?;
  Ok(ssl)
}

/// What OpenSSL cannot check by itself. With `verify`, what it finds wrong with the chain or the name ends the handshake,
/// but for [`names`]; a certificate that is not the pinned one ends it in any case, before ours is presented.
fn check_certificates(ssl: &mut Ssl, origin: &Origin, verify: bool, refused: &Refused) {
  let pin = origin.pin;
  let name = origin.name.contains('_').then(|| origin.name.clone());
  if pin.is_none() && !(verify && name.is_some()) {
    return;
  }
  let refused = Arc::clone(refused);
  ssl.set_verify_callback(SslVerifyMode::PEER, move |fine, context| {
    let fine = fine || !verify || name.as_deref().is_some_and(|name| has_name(context, name));
    let Some(pin) = pin.filter(|_| context.error_depth() == 0) else {
      return fine;
    };
    let certificate = context
      .current_cert()
      .and_then(|certificate| certificate.to_der().ok());
    let pinned = check_pin(&pin, certificate.as_deref());
    let fine = fine && pinned.is_ok();
    *lock(&refused) = pinned.err();
    fine
  });
}

/// Whether the one thing that OpenSSL finds wrong here is the name, and it is not. Then nothing is wrong.
fn has_name(context: &mut X509StoreContextRef, name: &str) -> bool {
  let has_name = context.error().as_raw() == errors::HOSTNAME_MISMATCH
    && context.error_depth() == 0
    && context
      .current_cert()
      .is_some_and(|certificate| names::wildcard_covers(certificate, name));
  if has_name {
    context.set_error(X509VerifyResult::OK);
  }
  has_name
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
    builder.set_alpn_select_callback(move |_ssl: &mut SslRef, theirs| alpn::choose(&ours, theirs));
  }
  Ok(Acceptor(builder.build()))
}

pub(super) async fn accept(acceptor: &Acceptor, stream: Tcp) -> Result<Stream, Failure> {
  let ssl = Ssl::new(acceptor.0.context()).map_err(|stack| errors::of_stack(&stack))?;
  let mut stream = SslStream::new(ssl, stream).map_err(|stack| errors::of_stack(&stack))?;
  match Pin::new(&mut stream).accept().await {
    Ok(()) => Ok(stream),
    Err(error) => Err(errors::of_handshake(&error, stream.ssl())),
  }
}

/// What the handshake of `stream` led to.
pub fn tls_info(stream: &Stream) -> TlsInfo {
  let ssl = stream.ssl();
  let cipher = ssl.current_cipher();
  TlsInfo {
    protocol: Some(ssl.version_str()),
    cipher: cipher.map(|cipher| cipher.standard_name().unwrap_or_else(|| cipher.name()).to_owned()),
    alpn: ssl
      .selected_alpn_protocol()
      .map(|name| String::from_utf8_lossy(name).into_owned()),
    server_name: ssl.servername(NameType::HOST_NAME).map(str::to_owned),
    resumed: Some(ssl.session_reused()),
    peer_certificate: ssl
      .peer_certificate()
      .and_then(|certificate| certificate.to_der().ok()),
    session: sessions::of(ssl),
  }
}

/// The connection below.
pub fn tcp(stream: &Stream) -> &Tcp {
  stream.get_ref()
}

/// As [`tcp`].
pub fn tcp_mut(stream: &mut Stream) -> &mut Tcp {
  stream.get_mut()
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
