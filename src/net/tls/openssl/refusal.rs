//! Certificates that are refused, or accepted, for reasons that OpenSSL does not know.

use std::sync::Arc;

use openssl::{
  ssl::{Ssl, SslVerifyMode},
  x509::{X509StoreContextRef, X509VerifyResult},
};

use super::{callbacks::guarded, errors, names};
use crate::net::{
  sync::{Mutex, lock},
  tls::{Failure, origin::Origin, pin::check_pin},
};

/// Where a connection finds why a certificate was refused, if that was not OpenSSL's doing.
pub(super) type Refused = Arc<Mutex<Option<Failure>>>;

/// What OpenSSL cannot check by itself. Where it `verifies`, what it finds wrong with the chain or the name ends the handshake,
/// but for [`names`]; a certificate that is not the pinned one ends it in any case, before ours is presented.
pub(super) fn check_certificates(ssl: &mut Ssl, origin: &Origin, verifies: bool, refused: &Refused) {
  let pin = origin.pin;
  let name = origin.name.contains('_').then(|| origin.name.clone());
  if pin.is_none() && !(verifies && name.is_some()) {
    return;
  }
  let refused = Arc::clone(refused);
  let verify = move |fine: bool, context: &mut X509StoreContextRef| {
    let fine = fine || !verifies || name.as_deref().is_some_and(|name| has_name(context, name));
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
  };
  ssl.set_verify_callback(SslVerifyMode::PEER, move |fine, context| {
    guarded(false, || verify(fine, context))
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
