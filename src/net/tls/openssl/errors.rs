//! What OpenSSL's verify results, reasons and alerts are called in Gecko. Contract section 6.3.

use openssl::{
  error::ErrorStack,
  ssl::{self, SslRef},
  x509::X509VerifyResult,
};

use super::Failure;
use crate::net::ErrorName;

/// `X509_V_ERR_HOSTNAME_MISMATCH`, x509_vfy.h.
pub(super) const HOSTNAME_MISMATCH: i32 = 62;

/// Verify results with a name of their own (`X509_V_ERR_*`, x509_vfy.h); the rest is `SecurityError`.
const VERIFY_NAMES: &[(i32, ErrorName)] = &[
  (2, ErrorName::SecurityUntrustedCertificateIssuerError), // UNABLE_TO_GET_ISSUER_CERT
  (9, ErrorName::SecurityExpiredCertificateError),         // CERT_NOT_YET_VALID
  (10, ErrorName::SecurityExpiredCertificateError),        // CERT_HAS_EXPIRED
  (18, ErrorName::SecurityUntrustedCertificateIssuerError), // DEPTH_ZERO_SELF_SIGNED_CERT
  (19, ErrorName::SecurityUntrustedCertificateIssuerError), // SELF_SIGNED_CERT_IN_CHAIN
  (20, ErrorName::SecurityUntrustedCertificateIssuerError), // UNABLE_TO_GET_ISSUER_CERT_LOCALLY
  (21, ErrorName::SecurityUntrustedCertificateIssuerError), // UNABLE_TO_VERIFY_LEAF_SIGNATURE
  (23, ErrorName::SecurityRevokedCertificateError),        // CERT_REVOKED
  (24, ErrorName::SecurityUntrustedCertificateIssuerError), // INVALID_CA (79 since OpenSSL 3)
  (26, ErrorName::SecurityInadequateKeyUsageError),        // INVALID_PURPOSE
  (27, ErrorName::SecurityUntrustedCertificateIssuerError), // CERT_UNTRUSTED
  (32, ErrorName::SecurityInadequateKeyUsageError),        // KEYUSAGE_NO_CERTSIGN
  (47, ErrorName::SecurityUntrustedCertificateIssuerError), // PERMITTED_VIOLATION
  (48, ErrorName::SecurityUntrustedCertificateIssuerError), // EXCLUDED_VIOLATION
  (
    HOSTNAME_MISMATCH,
    ErrorName::SecurityCertificateDomainMismatchError,
  ),
  (64, ErrorName::SecurityCertificateDomainMismatchError), // IP_ADDRESS_MISMATCH
  (66, ErrorName::SecurityCertificateSignatureAlgorithmDisabledError), // EE_KEY_TOO_SMALL
  (67, ErrorName::SecurityCertificateSignatureAlgorithmDisabledError), // CA_KEY_TOO_SMALL
  (68, ErrorName::SecurityCertificateSignatureAlgorithmDisabledError), // CA_MD_TOO_WEAK
  (79, ErrorName::SecurityUntrustedCertificateIssuerError), // INVALID_CA
];

/// Reasons of libssl (sslerr.h). A received alert N has the reason 1000 + N.
const PROTOCOL_NAMES: &[(i32, ErrorName)] = &[
  (258, ErrorName::SecurityUnsupportedTLSVersionError), // UNSUPPORTED_PROTOCOL
  (294, ErrorName::NetworkInterruptError),              // UNEXPECTED_EOF_WHILE_READING
  (1042, ErrorName::SecurityBadCertificateError),       // alert bad_certificate
  (1043, ErrorName::SecurityUnsupportedCertificateTypeError), // alert unsupported_certificate
  (1070, ErrorName::SecurityUnsupportedTLSVersionError), // alert protocol_version
  (1116, ErrorName::SecurityNoCertificateError),        // alert certificate_required
];

/// `ERR_LIB_SSL`, err.h. Every library of OpenSSL counts its reasons by itself: the 134 below is another one's bad
/// signature.
const LIBSSL: i32 = 20;

/// `SSL_R_CERTIFICATE_VERIFY_FAILED`: the verify result says why.
const VERIFY_FAILED: i32 = 134;

/// `SSL_R_WRONG_VERSION_NUMBER`: what came is no TLS record.
const WRONG_VERSION_NUMBER: i32 = 267;

/// `PKCS12_R_MAC_VERIFY_FAILURE` (pkcs12err.h).
const MAC_VERIFY_FAILURE: i32 = 113;

/// `EVP_R_UNSUPPORTED_ALGORITHM` (evperr.h) and `ERR_R_UNSUPPORTED` (err.h).
const UNSUPPORTED: [i32; 2] = [156, 0x8010C];

fn find(table: &[(i32, ErrorName)], code: i32) -> Option<ErrorName> {
  let row = table.iter().find(|(known, _)| *known == code);
  row.map(|(_, name)| *name)
}

pub(super) fn of_handshake(error: &ssl::Error, ssl: &SslRef) -> Failure {
  match error.ssl_error() {
    Some(stack) if tls_codes(stack).any(|code| code == VERIFY_FAILED) => match ssl.verify_result() {
      X509VerifyResult::OK => of_error(error),
      result => Failure::new(verify_name(result.as_raw()), result.error_string()),
    },
    _ => of_error(error),
  }
}

fn verify_name(result: i32) -> ErrorName {
  find(VERIFY_NAMES, result).unwrap_or(ErrorName::SecurityError)
}

pub(super) fn of_error(error: &ssl::Error) -> Failure {
  match (error.io_error(), error.ssl_error()) {
    (Some(error), _) => Failure::from_io(error),
    (None, Some(stack)) => of_stack(stack),
    // OpenSSL left no reason: that is how it reports an end of file.
    (None, None) => Failure::new(
      ErrorName::NetworkInterruptError,
      "the peer ended the connection during the handshake",
    ),
  }
}

pub(super) fn of_stack(stack: &ErrorStack) -> Failure {
  if tls_codes(stack).any(|code| code == WRONG_VERSION_NUMBER) {
    let reason = "the peer does not speak TLS here (wrong version number)";
    return Failure::new(ErrorName::SecurityError, reason);
  }
  let name = tls_codes(stack).find_map(|code| find(PROTOCOL_NAMES, code));
  Failure::new(name.unwrap_or(ErrorName::SecurityError), reason(stack))
}

fn codes(stack: &ErrorStack) -> impl Iterator<Item = i32> {
  stack.errors().iter().map(|error| error.reason_code())
}

fn tls_codes(stack: &ErrorStack) -> impl Iterator<Item = i32> {
  let errors = stack
    .errors()
    .iter()
    .filter(|error| error.library_code() == LIBSSL);
  errors.map(|error| error.reason_code())
}

/// The reasons in words, the first cause first.
pub(super) fn reason(stack: &ErrorStack) -> String {
  let reasons: Vec<&str> = stack.errors().iter().filter_map(|error| error.reason()).collect();
  if reasons.is_empty() {
    return "no reason given".into();
  }
  reasons.join("; ")
}

/// What is wrong with an option.
pub(super) fn of_option(option: &str, stack: &ErrorStack) -> String {
  format!("{option}: {}", reason(stack))
}

/// Why a PKCS #12 file cannot be opened.
pub(super) fn of_pfx(stack: &ErrorStack) -> String {
  if codes(stack).any(|code| code == MAC_VERIFY_FAILURE) {
    return "passphrase: does not open the pfx".into();
  }
  if codes(stack).any(|code| UNSUPPORTED.contains(&code)) {
    return "pfx: is encrypted in a way that is no longer supported, such as 40-bit RC2; export it again"
      .into();
  }
  of_option("pfx", stack)
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn verify_results_have_geckos_names_and_the_others_are_security_errors() {
    assert_eq!(verify_name(10), ErrorName::SecurityExpiredCertificateError);
    assert_eq!(verify_name(62), ErrorName::SecurityCertificateDomainMismatchError);
    assert_eq!(verify_name(23), ErrorName::SecurityRevokedCertificateError);
    assert_eq!(verify_name(3), ErrorName::SecurityError);
  }
}
