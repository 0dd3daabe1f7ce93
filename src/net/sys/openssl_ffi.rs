//! What OpenSSL can do and its Rust types do not offer, or not without `unsafe`.

use std::{
  ffi::{CStr, c_char, c_int, c_void},
  ptr,
  sync::Once,
};

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::{
  error::ErrorStack,
  ssl::{SslRef, SslSession},
  x509::{X509, X509Crl, store::X509StoreBuilderRef},
};

use super::openssl_memory;

unsafe extern "C" {
  fn X509_STORE_add_crl(store: *mut openssl_sys::X509_STORE, list: *mut openssl_sys::X509_CRL) -> c_int;

  fn PEM_read_bio_X509_AUX(
    from: *mut openssl_sys::BIO,
    into: *mut *mut openssl_sys::X509,
    passphrase: Option<unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int>,
    argument: *mut c_void,
  ) -> *mut openssl_sys::X509;
}

/// A passphrase, for what nobody should have encrypted. Without one OpenSSL asks on the terminal.
const NO_PASSPHRASE: &CStr = c"";

/// `OPENSSL_INIT_NO_LOAD_CONFIG`, crypto.h.
const NO_LOAD_CONFIG: u64 = 0x80;

/// Comes before any other use of the library, and keeps it from reading a configuration file: neither one that an
/// environment variable (`OPENSSL_CONF`) names nor one at the place that this build happens to know may change what is
/// safe.
pub(crate) fn init() {
  static ONCE: Once = Once::new();
  ONCE.call_once(|| {
    openssl_memory::init();
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

/// The certificates in `pem`, as trust anchors: what a `TRUSTED CERTIFICATE` says of what it is trusted for counts. What
/// else is there is passed over, and so is what cannot be read.
pub(crate) fn trusted_certificates(pem: &[u8]) -> Vec<X509> {
  let mut found = Vec::new();
  let Ok(length) = c_int::try_from(pem.len()) else {
    return found;
  };
  // SAFETY: the BIO reads `pem`, which outlives it, and nothing else; `NO_PASSPHRASE` is only read, as a C string.
  // What is returned is either null or a certificate that is ours.
  unsafe {
    let bio = openssl_sys::BIO_new_mem_buf(pem.as_ptr().cast(), length);
    if bio.is_null() {
      return found;
    }
    loop {
      let argument = NO_PASSPHRASE.as_ptr().cast_mut().cast();
      let read = PEM_read_bio_X509_AUX(bio, ptr::null_mut(), None, argument);
      if !read.is_null() {
        found.push(X509::from_ptr(read));
      } else if ends_pem(&ErrorStack::get()) {
        break;
      }
    }
    openssl_sys::BIO_free_all(bio);
  }
  found
}

/// Whether nothing follows that looks like PEM. Any other error is about what did, and has been passed by.
fn ends_pem(stack: &ErrorStack) -> bool {
  let last = stack.errors().last();
  last.is_none_or(|error| {
    error.library_code() == openssl_sys::ERR_LIB_PEM
      && error.reason_code() == openssl_sys::PEM_R_NO_START_LINE
  })
}

/// Lets a client offer `session` to its server.
pub(crate) fn set_session(ssl: &mut SslRef, session: &SslSession) -> Result<(), ErrorStack> {
  // SAFETY: OpenSSL counts a reference of its own to the session. Those of another context must not be used where they
  // lead to what belongs to that: the caller keeps sessions for each context, or copies that never had one.
  unsafe { ssl.set_session(session) }
}
