//! One connection of OpenSSL's, over memory.

use openssl::{
  error::ErrorStack,
  ssl::{self, ErrorCode, NameType, Ssl, SslStream},
};

use super::{
  errors,
  refusal::Refused,
  sessions::{self, SavedSession},
};
use crate::net::{
  sync::lock,
  tls::{
    Failure, TlsInfo, Wire,
    outcome::{Read, Step},
  },
};

/// See the module.
#[derive(Debug)]
pub(in crate::net::tls) struct Stream {
  inner: SslStream<Wire>,
  refused: Refused,
}

impl Stream {
  pub(super) fn new(ssl: Ssl, refused: Refused) -> Result<Self, Failure> {
    let inner = SslStream::new(ssl, Wire::default()).map_err(|stack| errors::of_stack(&stack))?;
    Ok(Self { inner, refused })
  }

  pub(in crate::net::tls) fn handshake(&mut self) -> Step {
    forget_errors();
    match self.inner.do_handshake() {
      Ok(()) => {
        sessions::settle(self.inner.ssl());
        Step::Done
      }
      Err(error) if error.code() == ErrorCode::WANT_READ => Step::NeedsInput,
      Err(error) => {
        let refused = lock(&self.refused).take();
        Step::Failed(refused.unwrap_or_else(|| errors::of_handshake(&error, self.inner.ssl())))
      }
    }
  }

  pub(in crate::net::tls) fn read(&mut self, plain: &mut [u8]) -> Read {
    forget_errors();
    read(self.inner.ssl_read(plain))
  }

  /// As a read that leaves the plaintext where it is: messages of TLS itself that are before it are heard.
  pub(in crate::net::tls) fn peek(&mut self) -> Read {
    forget_errors();
    read(self.inner.ssl_peek(&mut [0]))
  }

  /// Whether a record can be sealed. In the middle of a message of TLS itself, which may take several records, OpenSSL writes
  /// nothing before it has heard the end of it.
  pub(in crate::net::tls) fn can_write(&self) -> bool {
    self.inner.ssl().is_init_finished()
  }

  /// Seals a record. Memory takes all of it.
  pub(in crate::net::tls) fn write(&mut self, plain: &[u8]) -> Result<(), Failure> {
    let mut written = 0;
    while written < plain.len() {
      forget_errors();
      let more = self.inner.ssl_write(&plain[written..]);
      written += more.map_err(|error: ssl::Error| errors::of_error(&error))?;
    }
    Ok(())
  }

  pub(in crate::net::tls) fn close_notify(&mut self) {
    forget_errors();
    // It fails on a connection that is broken, and then there is nobody to tell.
    let _ = self.inner.shutdown();
  }

  pub(in crate::net::tls) fn has_input(&self) -> bool {
    self.inner.ssl().pending() > 0 || self.inner.get_ref().has_input()
  }

  pub(in crate::net::tls) fn output_bytes(&self) -> usize {
    self.inner.get_ref().output().len()
  }

  pub(in crate::net::tls) fn with_wire<T>(&mut self, f: impl FnOnce(&mut Wire) -> T) -> T {
    f(self.inner.get_mut())
  }

  pub(in crate::net::tls) fn info(&self) -> TlsInfo {
    let ssl = self.inner.ssl();
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
      ..TlsInfo::default()
    }
  }

  /// What other connections to the same server may take up.
  pub(in crate::net::tls) fn saved_session(&self) -> Option<SavedSession> {
    sessions::of(self.inner.ssl())
  }
}

fn read(outcome: Result<usize, ssl::Error>) -> Read {
  match outcome {
    Ok(bytes) => Read::Bytes(bytes),
    Err(error) => match error.code() {
      ErrorCode::WANT_READ => Read::NeedsInput,
      ErrorCode::ZERO_RETURN => Read::Ended,
      _ => Read::Failed(errors::of_error(&error)),
    },
  }
}

/// OpenSSL tells by a queue of the thread whether a call failed. Other calls on this thread, which may read options at any
/// time, must not have left something there.
fn forget_errors() {
  drop(ErrorStack::get());
}
