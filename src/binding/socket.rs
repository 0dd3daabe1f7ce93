//! The native side of a `TCPSocket`.

use std::{collections::TryReserveError, rc::Rc, time::Duration};

use napi::{Error, Result};
use napi_derive::napi;

use super::{
  channel::EventChannel,
  entry::Target,
  hub::Hub,
  lease::Lease,
  options::{ConnectOptions, SocketEnds},
  realm::Realm,
  tls::{TlsConfig, TlsDetails, TlsSession},
};
use crate::net::{self, Event};

/// A connection. The facade wraps it and decides what its events mean.
#[napi(js_name = "TCPSocket")]
pub struct TcpSocket {
  pub(super) socket: Rc<net::Socket>,
  pub(super) lease: Lease,
}

#[napi]
impl TcpSocket {
  /// Starts to connect, with TLS from the first byte if there is `tls`. `Opened` or `Failed` follows.
  #[napi(constructor, catch_unwind)]
  pub fn connect(channel: &EventChannel, options: ConnectOptions, tls: Option<&TlsConfig>) -> Result<Self> {
    crate::fault::point("TCPSocket");
    let EventChannel { hub, realm } = channel;
    let as_strings = options.as_strings;
    let tls = tls.map(TlsConfig::as_client).transpose()?;
    let make = match options.given_up {
      Some(true) => net::Socket::given_up,
      _ => net::Socket::connect,
    };
    let socket = make(&hub.context, options.into_net(tls)?);
    Self::live(socket, hub, realm, as_strings)
  }

  /// The id that its events carry.
  #[napi(getter, catch_unwind)]
  pub fn id(&self) -> u32 {
    self.socket.id()
  }

  /// Where the connection begins and ends; `null` before it is established.
  #[napi(catch_unwind)]
  pub fn ends(&self) -> Option<SocketEnds> {
    crate::fault::point("ends");
    self.socket.ends().map(SocketEnds::from)
  }

  /// How many milliseconds it may take from now on until `Opened`, before it fails; 0 is any time.
  #[napi(catch_unwind)]
  pub fn set_connect_timeout(&self, milliseconds: u32) {
    crate::fault::point("setConnectTimeout");
    self.socket.connect_within(limit(milliseconds));
  }

  /// For how many milliseconds, from now on, no byte may come or be written before it fails; 0 is any time. It counts from
  /// `Opened` on.
  #[napi(catch_unwind)]
  pub fn set_idle_timeout(&self, milliseconds: u32) {
    crate::fault::point("setIdleTimeout");
    self.socket.idle_at_most(limit(milliseconds));
  }

  /// Whether small pieces leave at once. `false` where that could not be set, see `net::Socket`.
  #[napi(catch_unwind)]
  pub fn set_no_delay(&self, no_delay: bool) -> bool {
    crate::fault::point("setNoDelay");
    self.socket.set_no_delay(no_delay)
  }

  /// Whether a peer that was silent for so many seconds is asked if it is still there; without `seconds` the system chooses the time.
  /// `false` where that could not be set.
  #[napi(catch_unwind)]
  pub fn set_keep_alive(&self, keep_alive: bool, seconds: Option<u32>) -> bool {
    crate::fault::point("setKeepAlive");
    self.socket.set_keep_alive(keep_alive.then(|| net::KeepAlive {
      idle: seconds.map(|seconds| Duration::from_secs(seconds.into())),
      interval: None,
    }))
  }

  /// Bytes accepted and not yet handed to the operating system.
  #[napi(getter, catch_unwind)]
  pub fn unwritten(&self) -> f64 {
    self.socket.unwritten() as f64
  }

  /// Accepts a copy of `data[start..end]` for sending, after the next `flush`, see `EventChannel`.
  #[napi(catch_unwind)]
  pub fn stage(&self, data: &[u8], start: u32, end: u32) -> Result<()> {
    crate::fault::point("stage");
    self.socket.stage(part(data, start, end)?).map_err(out_of_memory)
  }

  /// Delivers nothing, and reads nothing, until `resume`.
  #[napi(catch_unwind)]
  pub fn suspend(&self) {
    crate::fault::point("suspend");
    self.socket.suspend();
  }

  /// Reads and delivers again.
  #[napi(catch_unwind)]
  pub fn resume(&self) {
    crate::fault::point("resume");
    self.socket.resume();
  }

  /// What was staged before goes out as it is, what is staged later goes out encrypted.
  #[napi(catch_unwind)]
  pub fn upgrade(&self, tls: &TlsConfig) {
    crate::fault::point("upgrade");
    self.socket.upgrade(tls.security.clone());
  }

  /// What the TLS handshake led to; `null` before it is done, and without TLS.
  #[napi(catch_unwind)]
  pub fn tls_details(&self) -> Option<TlsDetails> {
    crate::fault::point("tlsDetails");
    self.socket.tls_info().map(TlsDetails::from)
  }

  /// What other connections to the same server may take up; `null` before the handshake is done, without TLS, on a server,
  /// and where the platform does not tell.
  #[napi(catch_unwind)]
  pub fn tls_session(&self) -> Option<TlsSession> {
    crate::fault::point("tlsSession");
    self.socket.saved_session().map(TlsSession::from)
  }

  /// Sends what was accepted, then FIN. `Closed` follows, and nothing else but `Drained`.
  #[napi(catch_unwind)]
  pub fn close(&self) {
    crate::fault::point("close");
    self.socket.close();
  }

  /// As `close`, without what was not yet written.
  #[napi(catch_unwind)]
  pub fn close_immediately(&self) {
    crate::fault::point("closeImmediately");
    self.socket.close_immediately();
  }

  /// Stops connecting. `Closed` follows.
  #[napi(catch_unwind)]
  pub fn abort(&self) {
    crate::fault::point("abort");
    self.socket.abort();
  }

  /// `Closed` follows, behind what other sockets have to tell: for the facade, which had another event to fire first. The
  /// socket stays live until then.
  #[napi(catch_unwind)]
  pub fn report_closed(&self) {
    crate::fault::point("reportClosed");
    self.lease.report(Event::Closed { settling: false });
  }

  /// The socket is closed for JavaScript: no further events, and no reason to stay alive.
  #[napi(catch_unwind)]
  pub fn release(&self) -> Result<()> {
    crate::fault::point("release");
    self.socket.release();
    self.lease.give_up()
  }

  /// Whether the process stays alive for this socket.
  #[napi(catch_unwind)]
  pub fn keep_alive(&self, keep: bool) -> Result<()> {
    crate::fault::point("keepAlive");
    self.lease.keep_alive(keep)
  }
}

impl TcpSocket {
  /// Wraps a socket that gets events from now on.
  pub(super) fn live(
    socket: Rc<net::Socket>,
    hub: &Rc<Hub>,
    realm: &Rc<Realm>,
    as_strings: bool,
  ) -> Result<Self> {
    let target = Target::Socket {
      socket: Rc::clone(&socket),
      as_strings,
    };
    Ok(Self {
      lease: Lease::take(hub, realm, socket.id(), target)?,
      socket,
    })
  }
}

fn limit(milliseconds: u32) -> Option<Duration> {
  (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()))
}

fn part(data: &[u8], start: u32, end: u32) -> Result<&[u8]> {
  let out_of_bounds =
    || Error::from_reason(format!("bytes {start} to {end} of {}: out of bounds", data.len()));
  data.get(start as usize..end as usize).ok_or_else(out_of_bounds)
}

/// No memory is an exception, not the end of the process.
fn out_of_memory(error: TryReserveError) -> Error {
  Error::from_reason(error.to_string())
}
