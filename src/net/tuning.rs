//! How a connection uses TCP: when small pieces leave, whether the kernel asks a silent peer if it is still there, and how much
//! the kernel holds in each direction.

use std::{io, num::NonZeroU32, time::Duration};

use socket2::{SockRef, TcpKeepalive};

/// The interval and the number of probes where no interval is chosen: as Node does it, so that a peer that is gone is noticed
/// ten seconds after the idle time.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
const PROBES: u32 = 10;

/// See the module. The default is what an owner gets who chooses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
  /// TCP_NODELAY: small pieces leave at once, without Nagle's algorithm. On by default. The system refuses it only on a
  /// connection that is dead already, which is no error of this option: the first read says so.
  pub no_delay: bool,
  /// SO_KEEPALIVE: a peer that is silent is probed. Off by default. Where the system refuses it, the connection or listener is
  /// not made, and the error names it.
  pub keep_alive: Option<KeepAlive>,
  /// SO_SNDBUF, in bytes, 1 to 2^31 - 1 (more is taken for that): what the kernel holds for a peer that does not take it yet.
  /// Without it the system grows the buffer as it sees fit. Linux doubles the value, for what it keeps beside the bytes, and
  /// moves it into its limits without a word (`net.core.wmem_max`). A system that refuses it is an error, as above.
  pub send_buffer_size: Option<NonZeroU32>,
  /// SO_RCVBUF, in bytes: the same for what came and was not read. It is set before connecting or listening, because it
  /// decides how large a window TCP can offer. Linux: `net.core.rmem_max`.
  pub receive_buffer_size: Option<NonZeroU32>,
}

/// When a silent peer is probed. RFC 1122 section 4.2.3.6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
  /// TCP_KEEPIDLE: the silence before the first probe, in whole seconds; a fraction is cut off. Linux takes 1 to 32767 and
  /// refuses everything else, which is an error. `None` leaves it to the system (mostly two hours).
  pub idle: Option<Duration>,
  /// TCP_KEEPINTVL: from one unanswered probe to the next, in whole seconds, 1 to 32767 likewise; the tenth is the last. `None`
  /// is one second where `idle` is chosen, else the system's.
  pub interval: Option<Duration>,
}

/// The system does not want an option as it was chosen.
#[derive(Debug)]
pub(super) struct Refusal {
  /// The option and its value.
  pub(super) option: String,
  pub(super) error: io::Error,
}

impl From<Refusal> for io::Error {
  fn from(refusal: Refusal) -> Self {
    refusal.error
  }
}

impl Default for Tuning {
  fn default() -> Self {
    Self {
      no_delay: true,
      keep_alive: None,
      send_buffer_size: None,
      receive_buffer_size: None,
    }
  }
}

impl Tuning {
  /// Sets the options of `socket`, which is a connection, one to be, or a listener, whose connections inherit them on Linux.
  ///
  /// # Errors
  /// See the options.
  pub(super) fn apply<'s>(&self, socket: impl Into<SockRef<'s>>) -> Result<(), Refusal> {
    let socket = socket.into();
    let _ = socket.set_tcp_nodelay(self.no_delay);
    if let Some(keep_alive) = self.keep_alive {
      keep_alive.apply(&socket).map_err(|error| Refusal {
        option: keep_alive.to_string(),
        error,
      })?;
    }
    if let Some(size) = self.send_buffer_size {
      set_size("SO_SNDBUF", size, |size| socket.set_send_buffer_size(size))?;
    }
    if let Some(size) = self.receive_buffer_size {
      set_size("SO_RCVBUF", size, |size| socket.set_recv_buffer_size(size))?;
    }
    Ok(())
  }
}

/// The system takes an `int`: a size that is none would be negative there.
fn set_size(name: &str, size: NonZeroU32, set: impl FnOnce(usize) -> io::Result<()>) -> Result<(), Refusal> {
  set(size.get().min(i32::MAX as u32) as usize).map_err(|error| Refusal {
    option: format!("{name} to {size}"),
    error,
  })
}

impl KeepAlive {
  pub(super) fn apply(&self, socket: &SockRef<'_>) -> io::Result<()> {
    if *self == Self::default() {
      return socket.set_keepalive(true);
    }
    let mut probing = TcpKeepalive::new();
    if let Some(idle) = self.idle {
      probing = probing.with_time(idle);
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    {
      let interval = self.interval.unwrap_or(PROBE_INTERVAL);
      probing = probing.with_interval(interval).with_retries(PROBES);
    }
    socket.set_tcp_keepalive(&probing)
  }
}

impl std::fmt::Display for KeepAlive {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    write!(f, "SO_KEEPALIVE")?;
    for (name, time) in [("TCP_KEEPIDLE", self.idle), ("TCP_KEEPINTVL", self.interval)] {
      if let Some(time) = time {
        write!(f, ", {name} to {} s", time.as_secs())?;
      }
    }
    Ok(())
  }
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
  fn what_is_not_chosen_of_keep_alive_is_as_node_has_it_or_the_systems() {
    let probing = |keep_alive| {
      let listener = tuned(Tuning {
        keep_alive,
        ..Tuning::default()
      });
      let socket = SockRef::from(&listener);
      assert_eq!(socket.keepalive().unwrap(), keep_alive.is_some());
      (
        socket.tcp_keepalive_time().unwrap(),
        socket.tcp_keepalive_interval().unwrap(),
        socket.tcp_keepalive_retries().unwrap(),
      )
    };
    let seconds = Duration::from_secs;
    let systems = probing(None);
    let chosen = |idle, interval| probing(Some(KeepAlive { idle, interval }));
    assert_eq!(chosen(None, None), systems);
    assert_eq!(
      chosen(Some(seconds(77)), None),
      (seconds(77), PROBE_INTERVAL, PROBES)
    );
    assert_eq!(chosen(None, Some(seconds(9))), (systems.0, seconds(9), PROBES));
    assert_eq!(
      chosen(Some(seconds(77)), Some(seconds(9))),
      (seconds(77), seconds(9), PROBES)
    );
  }

  #[test]
  #[cfg(target_os = "linux")]
  fn times_that_linux_refuses_are_errors_that_name_them() {
    for (idle, interval, named) in [
      (Some(32_768), None, "SO_KEEPALIVE, TCP_KEEPIDLE to 32768 s"),
      (Some(0), None, "SO_KEEPALIVE, TCP_KEEPIDLE to 0 s"),
      (
        Some(1),
        Some(32_768),
        "SO_KEEPALIVE, TCP_KEEPIDLE to 1 s, TCP_KEEPINTVL to 32768 s",
      ),
      (None, Some(0), "SO_KEEPALIVE, TCP_KEEPINTVL to 0 s"),
    ] {
      let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
      let tuning = Tuning {
        keep_alive: Some(KeepAlive {
          idle: idle.map(Duration::from_secs),
          interval: interval.map(Duration::from_secs),
        }),
        ..Tuning::default()
      };
      let refusal = tuning.apply(&listener).unwrap_err();
      assert_eq!(refusal.option, named);
      assert_eq!(refusal.error.kind(), io::ErrorKind::InvalidInput, "{named}");
    }
  }

  #[test]
  fn no_size_is_ever_negative() {
    for (size, set_to) in [(1, 1), (i32::MAX as u32 + 1, i32::MAX), (u32::MAX, i32::MAX)] {
      let mut seen = None;
      let size = NonZeroU32::new(size).unwrap();
      set_size("SO_RCVBUF", size, |size| {
        seen = Some(size);
        Ok(())
      })
      .unwrap();
      assert_eq!(seen, usize::try_from(set_to).ok());
    }
  }

  #[test]
  fn a_size_that_is_refused_is_named() {
    let size = NonZeroU32::new(7).unwrap();
    let refusal = set_size("SO_SNDBUF", size, |_| Err(io::Error::from_raw_os_error(1))).unwrap_err();
    assert_eq!(refusal.option, "SO_SNDBUF to 7");
    assert_eq!(io::Error::from(refusal).raw_os_error(), Some(1));
  }
}
