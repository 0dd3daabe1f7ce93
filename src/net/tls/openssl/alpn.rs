//! Protocols of the application, agreed on in the handshake (RFC 7301).

use openssl::ssl::{AlpnError, select_next_proto};

/// The first of ours that the client offers. None is fatal (RFC 7301 section 3.2).
pub(super) fn choose<'a>(ours: &[u8], theirs: &'a [u8]) -> Result<&'a [u8], AlpnError> {
  let chosen = select_next_proto(ours, theirs).ok_or(AlpnError::ALERT_FATAL)?;
  // The same bytes, in the list that OpenSSL keeps.
  protocols(theirs)
    .find(|protocol| *protocol == chosen)
    .ok_or(AlpnError::ALERT_FATAL)
}

/// The names in a list as ALPN has it on the wire.
fn protocols(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
  std::iter::from_fn(move || {
    let (&length, rest) = list.split_first()?;
    let (name, rest) = rest.split_at_checked(length.into())?;
    list = rest;
    Some(name)
  })
}

/// Each name with its length, in a byte, before it. The facade lets no other lengths pass.
pub(super) fn wire_format(protocols: &[String]) -> Vec<u8> {
  protocols
    .iter()
    .flat_map(|name| [&[name.len() as u8], name.as_bytes()].concat())
    .collect()
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn the_first_of_our_protocols_that_the_client_offers_is_chosen() {
    let ours = wire_format(&["imap".into(), "http/1.1".into()]);
    let theirs = wire_format(&["http/1.1".into(), "imap".into()]);
    assert!(matches!(choose(&ours, &theirs), Ok(b"imap")));
    assert!(choose(&ours, &wire_format(&["h2".into()])).is_err());
    assert!(choose(&ours, &[9, b'x']).is_err());
    assert!(choose(&ours, &[]).is_err());
  }
}
