//! What OpenSSL can do and its Rust types do not offer, or not without `unsafe`.

use std::{ffi::c_int, ptr, sync::Once};

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::{
  error::ErrorStack,
  ssl::{SslRef, SslSession},
  x509::{X509Crl, store::X509StoreBuilderRef},
};

unsafe extern "C" {
  fn X509_STORE_add_crl(store: *mut openssl_sys::X509_STORE, list: *mut openssl_sys::X509_CRL) -> c_int;
}

/// `OPENSSL_INIT_NO_LOAD_CONFIG`, crypto.h.
const NO_LOAD_CONFIG: u64 = 0x80;

/// Comes before any other use of the library, and keeps it from reading a configuration file: neither one that an
/// environment variable (`OPENSSL_CONF`) names nor one at the place that this build happens to know may change what is
/// safe.
pub(crate) fn init() {
  static ONCE: Once = Once::new();
  ONCE.call_once(|| {
    // Nor does it clean up at the end of the process: other threads may still be in it then.
    let options = NO_LOAD_CONFIG | openssl_sys::OPENSSL_INIT_NO_ATEXIT;
    // SAFETY: no settings are passed. Fails only without memory, as everything after it would.
    unsafe { openssl_sys::OPENSSL_init_ssl(options, ptr::null_mut()) };
    openssl_sys::init();
  });
}

/// Adds a revocation list to a store.
pub(crate) fn add_revocation_list(store: &mut X509StoreBuilderRef, list: &X509Crl) -> Result<(), ErrorStack> {
  // SAFETY: both are alive; the store counts a reference of its own to the list.
  match unsafe { X509_STORE_add_crl(store.as_ptr(), list.as_ptr()) } {
    1 => Ok(()),
    _ => Err(ErrorStack::get()),
  }
}

/// Lets a client offer `session` to its server.
pub(crate) fn set_session(ssl: &mut SslRef, session: &SslSession) -> Result<(), ErrorStack> {
  // SAFETY: OpenSSL counts a reference of its own to the session. It must not be used with another context than its
  // own: the caller keeps sessions for each context.
  unsafe { ssl.set_session(session) }
}
