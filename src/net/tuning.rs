//! How a connection uses TCP: when small pieces leave, and whether the kernel asks a silent peer if it is still there.

use std::{io, time::Duration};

use socket2::{SockRef, TcpKeepalive};

/// After the first unanswered probe there is one every second, and the tenth is the last: as Node does it, so that a peer
/// that is gone is noticed ten seconds after the delay.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
const PROBES: u32 = 10;

/// See the module. The default is what an owner gets who chooses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
  /// Small pieces leave at once: Nagle's algorithm is off.
  pub no_delay: bool,
  /// A peer that is silent is probed.
  pub keep_alive: Option<KeepAlive>,
}

/// When a silent peer is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
  /// The silence before the first probe, in whole seconds. `None` leaves everything to the system's settings.
  pub delay: Option<Duration>,
}

impl Default for Tuning {
  fn default() -> Self {
    Self {
      no_delay: true,
      keep_alive: None,
    }
  }
}

impl Tuning {
  /// Sets the options of `socket`, which is a connection, one to be, or a listener, whose connections inherit them on Linux.
  ///
  /// # Errors
  /// The system refuses to probe. That it leaves Nagle's algorithm on is no error: that happens only on a connection that is
  /// already dead, and then the first read says so.
  pub(super) fn apply<'s>(&self, socket: impl Into<SockRef<'s>>) -> io::Result<()> {
    let socket = socket.into();
    let _ = socket.set_tcp_nodelay(self.no_delay);
    match self.keep_alive {
      None => Ok(()),
      Some(KeepAlive { delay: None }) => socket.set_keepalive(true),
      Some(KeepAlive { delay: Some(delay) }) => socket.set_tcp_keepalive(&probing(delay)),
    }
  }
}

fn probing(delay: Duration) -> TcpKeepalive {
  let keepalive = TcpKeepalive::new().with_time(delay);
  #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
  let keepalive = keepalive.with_interval(PROBE_INTERVAL).with_retries(PROBES);
  keepalive
}

#[cfg(test)]
mod tests {
  use std::net::{Ipv4Addr, TcpListener};

  use super::*;

  fn tuned(tuning: Tuning) -> TcpListener {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    tuning.apply(&listener).unwrap();
    listener
  }

  #[test]
  fn without_a_choice_nagles_algorithm_is_off_and_nobody_is_probed() {
    let listener = tuned(Tuning::default());
    let socket = SockRef::from(&listener);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(!socket.keepalive().unwrap());
  }

  #[test]
  fn nagles_algorithm_can_be_left_on() {
    let listener = tuned(Tuning {
      no_delay: false,
      ..Tuning::default()
    });
    assert!(!SockRef::from(&listener).tcp_nodelay().unwrap());
  }

  #[test]
  #[cfg(target_os = "linux")]
  fn probes_begin_after_the_delay_and_without_one_when_the_system_likes() {
    let probing = |delay| {
      let listener = tuned(Tuning {
        keep_alive: Some(KeepAlive { delay }),
        ..Tuning::default()
      });
      let socket = SockRef::from(&listener);
      assert!(socket.keepalive().unwrap());
      (
        socket.tcp_keepalive_time().unwrap(),
        socket.tcp_keepalive_interval().unwrap(),
        socket.tcp_keepalive_retries().unwrap(),
      )
    };
    let seconds = Duration::from_secs(77);
    assert_eq!(probing(Some(seconds)), (seconds, PROBE_INTERVAL, PROBES));
    let untouched = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let systems = SockRef::from(&untouched).tcp_keepalive_time().unwrap();
    assert_eq!(probing(None).0, systems);
  }
}
