//! One connection of the system's TLS library, over memory. tokio-native-tls offers futures and streams; they are polled
//! when there is something to do, with a waker that wakes nobody.

use std::{
  fmt, io,
  pin::Pin,
  task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_native_tls::{TlsStream, native_tls};

use super::{pipe::Pipe, saved_session::SavedSession};
use crate::net::{
  ErrorName,
  tls::{
    Failure, TlsInfo, Wire,
    origin::Keeps,
    outcome::{Read, Step},
  },
};

/// Secure Transport and SChannel read nothing after their own close_notify, and then claim that the peer has ended.
const READS_AFTER_END: bool = !cfg!(any(target_vendor = "apple", windows));

type Established = TlsStream<Pipe>;
type Handshake = Pin<Box<dyn Future<Output = Result<Established, native_tls::Error>> + Send>>;

/// See the module.
pub(in crate::net::tls) struct Stream {
  state: State,
  /// The engine's end of the connection.
  pipe: Pipe,
  /// We have said close_notify.
  has_ended: bool,
  reads_after_end: bool,
  _keeps: Option<Keeps>,
}

enum State {
  Handshaking(Handshake),
  Established {
    inner: Box<Established>,
    /// Asked for once: on Apple's systems, who asks for the certificate has its trust evaluated again, which can wait for
    /// the network.
    info: Box<TlsInfo>,
  },
  Failed(Failure),
}

impl fmt::Debug for Stream {
  fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct("Stream")
      .field("pipe", &self.pipe)
      .field("has_ended", &self.has_ended)
      .finish_non_exhaustive()
  }
}

impl Stream {
  /// One whose handshake is `begin`, over the end of the connection that it is given.
  pub(super) fn new<H>(begin: impl FnOnce(Pipe) -> H, keeps: Option<Keeps>) -> Self
  where
    H: Future<Output = Result<Established, native_tls::Error>> + Send + 'static,
  {
    let pipe = Pipe::default();
    Self {
      state: State::Handshaking(Box::pin(begin(pipe.clone()))),
      pipe,
      has_ended: false,
      reads_after_end: READS_AFTER_END,
      _keeps: keeps,
    }
  }

  pub(in crate::net::tls) fn handshake(&mut self) -> Step {
    let outcome = match &mut self.state {
      State::Handshaking(handshake) => handshake.as_mut().poll(&mut nobody()),
      State::Established { .. } => return Step::Done,
      State::Failed(failure) => return Step::Failed(failure.clone()),
    };
    match outcome {
      Poll::Pending => Step::NeedsInput,
      Poll::Ready(Ok(inner)) => {
        let info = Box::new(info(&inner));
        let inner = Box::new(inner);
        self.state = State::Established { inner, info };
        Step::Done
      }
      Poll::Ready(Err(error)) => {
        // Whatever it is called, it is no error of the network's: nothing here does I/O.
        let failure = Failure::new(ErrorName::SecurityError, error.to_string());
        self.state = State::Failed(failure.clone());
        Step::Failed(failure)
      }
    }
  }

  pub(in crate::net::tls) fn read(&mut self, plain: &mut [u8]) -> Read {
    if self.has_ended && !self.reads_after_end {
      self.pipe.with(Wire::drop_input);
      return Read::NeedsInput;
    }
    let inner = match established(&mut self.state) {
      Ok(inner) => inner,
      Err(failure) => return Read::Failed(failure),
    };
    let mut plain = ReadBuf::new(plain);
    let outcome = ask(&self.pipe, || {
      Pin::new(&mut *inner).poll_read(&mut nobody(), &mut plain)
    });
    match outcome {
      Poll::Pending => Read::NeedsInput,
      // The wire never ends, so it is TLS that does.
      Poll::Ready(Ok(())) if plain.filled().is_empty() => Read::Ended,
      Poll::Ready(Ok(())) => Read::Bytes(plain.filled().len()),
      Poll::Ready(Err(error)) => Read::Failed(failure(&error)),
    }
  }

  /// Nobody waits for more of a message of TLS itself, since [`Stream::can_write`] never says so.
  pub(in crate::net::tls) fn peek(&mut self) -> Read {
    Read::NeedsInput
  }

  /// These libraries do not tell: where they cannot, [`Stream::write`] fails.
  pub(in crate::net::tls) fn can_write(&self) -> bool {
    true
  }

  /// Seals a record. Memory takes all of it.
  pub(in crate::net::tls) fn write(&mut self, plain: &[u8]) -> Result<(), Failure> {
    let inner = established(&mut self.state)?;
    let mut written = 0;
    while written < plain.len() {
      let outcome = ask(&self.pipe, || {
        Pin::new(&mut *inner).poll_write(&mut nobody(), &plain[written..])
      });
      match outcome {
        Poll::Ready(Ok(more)) => written += more,
        Poll::Ready(Err(error)) => return Err(failure(&error)),
        // It waits for the rest of what the peer has begun to say about TLS itself.
        Poll::Pending => {
          let reason =
            "the peer began a renegotiation, or sent half of a message of TLS, while data was to be sent";
          return Err(Failure::new(ErrorName::SecurityError, reason));
        }
      }
    }
    Ok(())
  }

  pub(in crate::net::tls) fn close_notify(&mut self) {
    if let Ok(inner) = established(&mut self.state) {
      // It fails on a connection that is broken, and then there is nobody to tell.
      let _ = Pin::new(inner).poll_shutdown(&mut nobody());
    }
    self.has_ended = true;
  }

  /// What the library holds of records that are not complete is not counted: there is nothing to read in that.
  pub(in crate::net::tls) fn has_input(&self) -> bool {
    let held = match &self.state {
      State::Established { inner, .. } => inner.get_ref().buffered_read_size().unwrap_or(0),
      State::Handshaking(_) | State::Failed(_) => 0,
    };
    held > 0 || self.pipe.with(|wire| wire.has_input())
  }

  pub(in crate::net::tls) fn output_bytes(&self) -> usize {
    self.pipe.with(|wire| wire.output().len())
  }

  pub(in crate::net::tls) fn with_wire<T>(&mut self, f: impl FnOnce(&mut Wire) -> T) -> T {
    self.pipe.with(f)
  }

  pub(in crate::net::tls) fn info(&self) -> TlsInfo {
    match &self.state {
      State::Established { info, .. } => TlsInfo::clone(info),
      State::Handshaking(_) | State::Failed(_) => TlsInfo::default(),
    }
  }

  /// These libraries keep sessions to themselves.
  pub(in crate::net::tls) fn saved_session(&self) -> Option<SavedSession> {
    None
  }
}

fn established(state: &mut State) -> Result<&mut Established, Failure> {
  match state {
    State::Established { inner, .. } => Ok(inner),
    State::Failed(failure) => Err(failure.clone()),
    State::Handshaking(_) => Err(Failure::new(
      ErrorName::SecurityError,
      "the handshake is not done",
    )),
  }
}

/// Who is woken.
fn nobody() -> Context<'static> {
  Context::from_waker(Waker::noop())
}

/// Calls `poll`, which uses `pipe`; once more where it says that it waits and has not found the pipe empty. What wraps Secure
/// Transport keeps a "would block" that a successful call met on its way, and says it in place of what the next call fails
/// with.
fn ask<T>(pipe: &Pipe, mut poll: impl FnMut() -> Poll<T>) -> Poll<T> {
  pipe.take_was_empty();
  let outcome = poll();
  if outcome.is_pending() && !pipe.take_was_empty() {
    return poll();
  }
  outcome
}

/// What the handshake led to, as far as the library tells.
fn info(stream: &Established) -> TlsInfo {
  let native = stream.get_ref();
  let alpn = native.negotiated_alpn().ok().flatten();
  let certificate = native.peer_certificate().ok().flatten();
  TlsInfo {
    alpn: alpn.map(|name| String::from_utf8_lossy(&name).into_owned()),
    peer_certificate: certificate.and_then(|certificate| certificate.to_der().ok()),
    ..TlsInfo::default()
  }
}

/// These libraries do not tell what is theirs in an error of an established stream. But the system's have a number, or a
/// kind.
fn failure(error: &io::Error) -> Failure {
  let is_tls = match error.raw_os_error() {
    // SChannel's numbers look like the system's. Theirs is a facility of its own, FACILITY_SSPI (winerror.h).
    Some(code) => code >> 16 == 0x8009_u16.cast_signed().into(),
    None => matches!(error.kind(), io::ErrorKind::Other | io::ErrorKind::InvalidData),
  };
  if is_tls {
    Failure::new(ErrorName::SecurityError, error.to_string())
  } else {
    Failure::from_io(error)
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn read(pipe: &mut Pipe) -> Poll<io::Result<()>> {
    Pin::new(pipe).poll_read(&mut nobody(), &mut ReadBuf::new(&mut [0; 1]))
  }

  /// A client and a server, connected, and how to carry what they say.
  #[cfg(not(any(target_vendor = "apple", windows)))]
  fn pair() -> (Stream, Stream) {
    use std::time::Duration;

    use crate::net::tls::{Identity, Profile, ServerTls, Version, backend, origin::Origin};

    let (cert, key) = certificate();
    let acceptor = backend::acceptor(&ServerTls {
      identity: Identity::Pem {
        cert,
        key,
        passphrase: None,
      },
      alpn: Vec::new(),
      min_version: Version::Tls12,
      max_version: None,
      deadline: Duration::MAX,
    });
    let mut server = backend::server(&acceptor.unwrap()).unwrap();
    let profile = Profile {
      verify: false,
      ..Profile::default()
    };
    let connector = backend::connector(&profile, None).unwrap();
    let origin = Origin {
      profile: [0; 32],
      name: "localhost".into(),
      pin: None,
    };
    let mut client = backend::client(&connector, std::sync::Arc::new(()), origin, 1, None).unwrap();
    loop {
      let steps = [client.handshake(), server.handshake()];
      assert!(!matches!(&steps, [Step::Failed(_), _] | [_, Step::Failed(_)]));
      let has_said = carry(&mut client, &mut server) + carry(&mut server, &mut client);
      if matches!(steps, [Step::Done, Step::Done]) && has_said == 0 {
        return (client, server);
      }
    }
  }

  /// A certificate for nobody and its key, in PEM.
  #[cfg(not(any(target_vendor = "apple", windows)))]
  fn certificate() -> (Vec<u8>, Vec<u8>) {
    use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509Builder};

    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(&key).unwrap();
    let [now, later] = [0, 1].map(|days| Asn1Time::days_from_now(days).unwrap());
    builder.set_not_before(&now).unwrap();
    builder.set_not_after(&later).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let cert = builder.build().to_pem().unwrap();
    (cert, key.private_key_to_pem_pkcs8().unwrap())
  }

  /// Has `to` receive what `from` says. Returns how many bytes that were.
  #[cfg(not(any(target_vendor = "apple", windows)))]
  fn carry(from: &mut Stream, to: &mut Stream) -> usize {
    let said = from.with_wire(|wire| {
      let said = wire.output().to_vec();
      wire.sent(said.len());
      said
    });
    if !said.is_empty() {
      let copy = |memory: &mut [u8]| {
        memory[..said.len()].copy_from_slice(&said);
        Ok(said.len())
      };
      to.with_wire(|wire| wire.receive(copy)).unwrap();
    }
    said.len()
  }

  /// As SChannel and Secure Transport do. Linux's library would read on.
  #[test]
  #[cfg(not(any(target_vendor = "apple", windows)))]
  fn what_reads_nothing_after_its_end_drops_what_comes_and_does_not_take_it_for_an_end() {
    let (mut client, mut server) = pair();
    client.reads_after_end = false;
    client.close_notify();
    carry(&mut client, &mut server);
    let mut memory = [0; 64];
    assert!(matches!(server.read(&mut memory), Read::Ended));
    let answer = |server: &mut Stream| server.write(b"the answer").unwrap();
    for say in [answer, Stream::close_notify] {
      say(&mut server);
      assert!(carry(&mut server, &mut client) > 0);
      assert!(client.has_input());
      assert!(matches!(client.read(&mut memory), Read::NeedsInput));
      assert!(!client.has_input(), "nothing is kept, so that nobody asks again");
    }
  }

  #[test]
  fn errors_of_the_system_are_not_taken_for_those_of_tls() {
    let name = |error| failure(&error).of("").name;
    let os = |error| failure(&error).of("").os;
    assert_eq!(name(io::Error::other("bad record mac")), ErrorName::SecurityError);
    // SEC_E_DECRYPT_FAILURE
    let number = 0x8009_0330_u32.cast_signed();
    assert_eq!(
      name(io::Error::from_raw_os_error(number)),
      ErrorName::SecurityError
    );
    assert_eq!(os(io::Error::from_raw_os_error(number)), None);
    for number in [104, 10054, 32] {
      assert_eq!(os(io::Error::from_raw_os_error(number)), Some(number));
    }
    assert_eq!(
      name(io::ErrorKind::UnexpectedEof.into()),
      ErrorName::NetworkInterruptError
    );
  }

  #[test]
  fn what_waits_without_having_asked_for_input_is_asked_once_more() {
    let mut pipe = Pipe::default();
    let mut answers = vec![Poll::Ready("the error"), Poll::Pending];
    let outcome = ask(&pipe.clone(), || answers.pop().unwrap());
    assert_eq!(outcome, Poll::Ready("the error"));
    let mut calls = 0;
    let outcome: Poll<()> = ask(&pipe.clone(), || {
      calls += 1;
      assert!(read(&mut pipe).is_pending());
      Poll::Pending
    });
    assert_eq!((outcome, calls), (Poll::Pending, 1));
  }
}
