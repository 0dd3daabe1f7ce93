//! A pinned certificate: the only one that is accepted, whatever else is verified or not.

use sha2::{Digest, Sha256};

use super::Failure;
use crate::net::ErrorName;

/// Whether `certificate`, in DER, has the digest `pin`. Backends may check before they present a certificate of ours; those that
/// cannot are checked after the handshake, and so are sessions that were taken up.
pub(super) fn check_pin(pin: &[u8; 32], certificate: Option<&[u8]>) -> Result<(), Failure> {
  let actual = certificate.map(|der| <[u8; 32]>::from(Sha256::digest(der)));
  if actual.as_ref() == Some(pin) {
    return Ok(());
  }
  let shown = actual.map_or_else(|| "none".into(), |actual| hex(&actual));
  Err(Failure::new(
    ErrorName::SecurityBadCertificateError,
    format!("the certificate is not the pinned one; its SHA-256 is {shown}"),
  ))
}

fn hex(bytes: &[u8]) -> String {
  let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
  pairs.join(":")
}
