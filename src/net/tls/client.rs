//! TLS as a client: what an owner may choose for one connection, and the handshake that comes of it.

use super::{
  Failure, Handshake, Lease, Profile, SavedSession, backend, connectors, handshake::HANDSHAKE_DEADLINE,
  origin::Origin, profile::key,
};
use crate::net::{ErrorName, SocketError};

/// TLS as a client.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
  /// See there.
  pub profile: Profile,
  /// The name to ask for (SNI) and to verify, where it is not the host's.
  pub server_name: Option<String>,
  /// SHA-256 of the only certificate to accept, whatever else is verified or not.
  pub fingerprint256: Option<[u8; 32]>,
  /// Another connection's session, to be taken up in place of what the server itself is known by.
  pub session_from: Option<SavedSession>,
  /// Keeps what was built for `profile`.
  pub lease: Lease,
}

impl ClientTls {
  /// Says what is wrong with the options, before anything is done with them: what cannot be read, does not fit together,
  /// or cannot be had from this platform's backend.
  ///
  /// # Errors
  /// The name of the option and the reason, as text.
  pub fn check(&self) -> Result<(), String> {
    if self.fingerprint256.is_some() && self.profile.identity.is_some() && !backend::PINS_IN_HANDSHAKE {
      return Err(
        "fingerprint256: beside a certificate of yours is not supported on this platform, which would present that before \
         the pin is checked"
          .into(),
      );
    }
    // To read certificates takes longer than all else that a new socket does.
    if connectors::is_known(&self.profile) {
      return Ok(());
    }
    backend::check_profile(&self.profile)
  }

  /// Says what is wrong with `session_from` for a connection to `host`.
  ///
  /// # Errors
  /// The name of the option and the reason, as text.
  pub fn check_session(&self, host: &str) -> Result<(), String> {
    let Some(session) = &self.session_from else {
      return Ok(());
    };
    if !self.profile.crl.is_empty() {
      return Err("sessionFrom: with crl, a server is verified each time".into());
    }
    let (theirs, ours) = (session.origin(), self.origin(host));
    if theirs.profile != ours.profile || theirs.pin != ours.pin {
      return Err("sessionFrom: that socket has other TLS options; all must be equal".into());
    }
    if !theirs.name.eq_ignore_ascii_case(&ours.name) {
      let reason = format!(
        "sessionFrom: that socket is connected to {}, and this one would be to {}; servername tells the name to go by",
        theirs.name, ours.name
      );
      return Err(reason);
    }
    Ok(())
  }

  fn origin(&self, host: &str) -> Origin {
    let name = server_name(self.server_name.as_deref().unwrap_or(host));
    Origin {
      profile: key(&self.profile),
      name: name.to_owned(),
      pin: self.fingerprint256,
    }
  }
}

/// A handshake with the server `host`. The name is sent as SNI unless it is an IP address, and the peer's certificate must
/// be valid for it. Waits for what the options need, such as the system's trust anchors.
///
/// # Errors
/// What is wrong with the options, or cannot be read. The handshake fails with a `Security…` error that says what is wrong with
/// the certificate or the protocol, and with `NetworkTimeoutError` after [`HANDSHAKE_DEADLINE`].
pub async fn handshake(host: &str, port: u16, options: &ClientTls) -> Result<Handshake, SocketError> {
  let name = server_name(options.server_name.as_deref().unwrap_or(host));
  let what = match &options.server_name {
    Some(_) => format!("TLS handshake with {host} port {port} as {name}"),
    None => format!("TLS handshake with {host} port {port}"),
  };
  // To OpenSSL the one means any subdomain, the other any host.
  if name.is_empty() || name.starts_with('.') {
    let failure = Failure::new(
      ErrorName::SecurityCertificateDomainMismatchError,
      "no certificate can be for this name",
    );
    return Err(failure.of(&what));
  }
  options
    .check_session(host)
    .map_err(|reason| Failure::new(ErrorName::SecurityError, reason).of(&what))?;
  let (connector, slot) = connectors::connector(&options.profile, &options.lease).await?;
  let (origin, session) = (options.origin(host), options.session_from.as_ref());
  let stream = backend::client(&connector, slot, origin, port, session);
  let stream = stream.map_err(|failure| failure.of(&what))?;
  Ok(Handshake::new(
    stream,
    what,
    HANDSHAKE_DEADLINE,
    options.fingerprint256,
    options.profile.verify || options.fingerprint256.is_some(),
  ))
}

/// The name to verify: without the dot that makes a name absolute, and without an IPv6 zone.
fn server_name(host: &str) -> &str {
  let host = host.strip_suffix('.').unwrap_or(host);
  match host.split_once('%') {
    Some((address, _zone)) if address.contains(':') => address,
    _ => host,
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn the_verified_name_has_no_trailing_dot_and_no_zone() {
    assert_eq!(server_name("mail.example."), "mail.example");
    assert_eq!(server_name("mail.example"), "mail.example");
    assert_eq!(server_name("fe80::1%eth0"), "fe80::1");
    assert_eq!(server_name("127.0.0.1"), "127.0.0.1");
  }

  #[test]
  fn text_that_is_no_certificate_is_refused_with_a_reason_that_names_the_option() {
    for ca in [
      &b"hello"[..],
      b"",
      b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
      let profile = Profile {
        ca: vec![ca.to_vec()],
        ..Profile::default()
      };
      let tls = ClientTls {
        profile,
        ..ClientTls::default()
      };
      assert!(tls.check().is_err_and(|reason| reason.starts_with("ca: ")));
    }
  }
}
