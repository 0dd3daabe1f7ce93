//! What OpenSSL's end can be made to say beyond bytes of the application. The `openssl` crate does not offer it.

use std::ffi::{c_int, c_long, c_void};

use foreign_types::ForeignTypeRef as _;
use openssl::ssl::SslRef;

use super::{Peer, sent};

unsafe extern "C" {
  fn SSL_key_update(ssl: *mut openssl_sys::SSL, kind: c_int) -> c_int;
  fn SSL_new_session_ticket(ssl: *mut openssl_sys::SSL) -> c_int;
  fn SSL_get_session(ssl: *const openssl_sys::SSL) -> *mut openssl_sys::SSL_SESSION;
  fn SSL_SESSION_set1_ticket_appdata(
    session: *mut openssl_sys::SSL_SESSION,
    data: *const c_void,
    length: usize,
  ) -> c_int;
  fn SSL_renegotiate(ssl: *mut openssl_sys::SSL) -> c_int;
  fn SSL_set_tlsext_max_fragment_length(ssl: *mut openssl_sys::SSL, mode: u8) -> c_int;
  fn SSL_ctrl(ssl: *mut openssl_sys::SSL, command: c_int, number: c_long, pointer: *mut c_void) -> c_long;
}

/// Whether the other end is to take new keys as well: `SSL_KEY_UPDATE_*`, ssl.h.
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyUpdate {
  NotRequested = 0,
  Requested = 1,
}

/// A KeyUpdate of the peer's.
pub(super) fn key_update(peer: &mut Peer, kind: KeyUpdate) -> Vec<u8> {
  // SAFETY: the connection is alive.
  assert_eq!(unsafe { SSL_key_update(peer.ssl().as_ptr(), kind as c_int) }, 1);
  peer.do_handshake().unwrap();
  sent(peer)
}

/// Another ticket of a server.
pub(super) fn ticket(peer: &mut Peer) -> Vec<u8> {
  // SAFETY: the connection is alive.
  assert_eq!(unsafe { SSL_new_session_ticket(peer.ssl().as_ptr()) }, 1);
  peer.do_handshake().unwrap();
  sent(peer)
}

/// A ticket of more than 2000 bytes.
pub(super) fn long_ticket(peer: &mut Peer) -> Vec<u8> {
  let data = [7_u8; 2000];
  // SAFETY: the session is the connection's, which is alive, and copies the data.
  let set = unsafe {
    let session = SSL_get_session(peer.ssl().as_ptr());
    SSL_SESSION_set1_ticket_appdata(session, data.as_ptr().cast(), data.len())
  };
  assert_eq!(set, 1);
  ticket(peer)
}

/// What begins another handshake of TLS 1.2.
pub(super) fn renegotiation(peer: &mut Peer) -> Vec<u8> {
  // SAFETY: the connection is alive.
  assert_eq!(unsafe { SSL_renegotiate(peer.ssl().as_ptr()) }, 1);
  // A client waits for the answer.
  let _ = peer.do_handshake();
  sent(peer)
}

/// Has a client ask for records of 512 bytes.
pub(super) fn want_fragments_of_512(ssl: &mut openssl::ssl::Ssl) {
  // SAFETY: the connection is alive; 1 is `TLSEXT_max_fragment_length_512`.
  assert_eq!(unsafe { SSL_set_tlsext_max_fragment_length(ssl.as_ptr(), 1) }, 1);
}

/// Has the peer send records of at most 512 bytes.
pub(super) fn send_fragments_of_512(ssl: &SslRef) {
  const SSL_CTRL_SET_MAX_SEND_FRAGMENT: c_int = 52;
  // SAFETY: the connection is alive; no pointer is taken.
  let set = unsafe {
    SSL_ctrl(
      ssl.as_ptr(),
      SSL_CTRL_SET_MAX_SEND_FRAGMENT,
      512,
      std::ptr::null_mut(),
    )
  };
  assert_eq!(set, 1);
}
