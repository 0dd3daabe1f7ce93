//! One TCP connection out of several addresses: the connection race of RFC 8305 ("Happy Eyeballs").

use std::{
  collections::VecDeque,
  future::poll_fn,
  io,
  net::SocketAddr,
  pin::Pin,
  task::{Context, Poll},
  time::Duration,
};

use tokio::{
  net::{TcpSocket, TcpStream},
  time::{Instant, sleep_until},
};

use super::resolve::resolve;
use crate::net::{ErrorName, LocalEnd, SocketError};

/// RFC 8305 section 5, "Connection Attempt Delay": how long an attempt has for itself before the next one starts.
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Attempts, and so descriptors, that one connection has at a time, however many addresses its name has.
pub const MOST_ATTEMPTS: usize = 16;

/// What an attempt has at least before it makes room for the next address: time for a SYN and its repetitions after one and
/// three seconds (RFC 6298).
pub const ATTEMPT_TIME: Duration = Duration::from_secs(4);

/// How many failures a message tells.
const MOST_TOLD: usize = 4;

const PACE: Pace = Pace {
  delay: ATTEMPT_DELAY,
  most: MOST_ATTEMPTS,
  least_time: ATTEMPT_TIME,
};

/// Connects `local` to `host`. Dropping the future closes the descriptors of all attempts before it returns, and abandons the
/// lookup as [`resolve`] says.
///
/// # Errors
/// `DomainNotFoundError`; or, when all addresses have failed, what the first of them answered. The detail tells of the others.
pub async fn connect(host: &str, port: u16, local: &LocalEnd) -> Result<Connected, SocketError> {
  let addresses = local.reachable(host, resolve(host, port).await?)?;
  let target = Target { host, port };
  let attempt = |address| attempt(target.what(address), local, address);
  race(&target, PACE, addresses, attempt).await
}

/// A connection, and the address that it leads to: the system may not know that any more.
pub type Connected = (TcpStream, SocketAddr);

#[derive(Clone, Copy)]
struct Target<'a> {
  host: &'a str,
  port: u16,
}

impl Target<'_> {
  /// What is done, for the message of an error.
  fn what(&self, address: SocketAddr) -> String {
    format!("{} ({})", self.phrase(), address.ip())
  }

  fn phrase(&self) -> String {
    format!("connect to {} port {}", self.host, self.port)
  }

  /// One error out of those of all addresses, each with its place in the order. The first address counts, unless something was
  /// missing here: who finds descriptors for that tries again.
  fn all_failed(&self, mut failures: Vec<(usize, SocketError)>) -> SocketError {
    failures.sort_by_key(|(rank, error)| (!error.is_exhaustion(), *rank));
    let more = failures.len().saturating_sub(MOST_TOLD);
    let mut failures = failures.into_iter().map(|(_, error)| error);
    let Some(mut first) = failures.next() else {
      let detail = format!("{}: no address to try", self.phrase());
      return SocketError::new(ErrorName::NetworkError, detail);
    };
    let phrase = self.phrase() + " ";
    for other in failures.take(MOST_TOLD - 1) {
      let reason = other.detail.strip_prefix(&phrase).unwrap_or(&other.detail);
      first.detail += &format!("; also {reason}");
    }
    if more > 0 {
      first.detail += &format!("; and {more} more");
    }
    first
  }
}

#[derive(Clone, Copy)]
struct Pace {
  delay: Duration,
  most: usize,
  least_time: Duration,
}

struct Attempt<A> {
  /// The place of its address in the order.
  rank: usize,
  address: SocketAddr,
  began: Instant,
  future: Pin<Box<A>>,
}

/// Starts an attempt after each delay, or as soon as an earlier one has failed. The first success wins. An attempt that is slow
/// goes on while later ones run: only where there are as many as may be, and more addresses, the oldest one ends, not before
/// its least time.
async fn race<T, A>(
  target: &Target<'_>,
  pace: Pace,
  addresses: Vec<SocketAddr>,
  attempt: impl Fn(SocketAddr) -> A,
) -> Result<T, SocketError>
where
  A: Future<Output = Result<T, SocketError>>,
{
  let mut waiting = addresses.into_iter().enumerate();
  let mut running: VecDeque<Attempt<A>> = VecDeque::new();
  let mut failures = Vec::new();
  loop {
    if let Some((rank, address)) = waiting.next() {
      if running.len() >= pace.most
        && let Some(oldest) = running.pop_front()
      {
        let detail = format!(
          "{}: no answer, and more addresses to try",
          target.what(oldest.address)
        );
        failures.push((
          oldest.rank,
          SocketError::new(ErrorName::NetworkTimeoutError, detail),
        ));
      }
      running.push_back(Attempt {
        rank,
        address,
        began: Instant::now(),
        future: Box::pin(attempt(address)),
      });
    } else if running.is_empty() {
      return Err(target.all_failed(failures));
    }
    let mut next = Instant::now() + pace.delay;
    if running.len() >= pace.most
      && let Some(oldest) = running.front()
    {
      next = next.max(oldest.began + pace.least_time);
    }
    tokio::select! {
      biased;
      won = poll_fn(|cx| poll_all(&mut running, &mut failures, cx)) => if let Some(stream) = won {
        return Ok(stream);
      },
      () = sleep_until(next), if waiting.len() > 0 => {}
    }
  }
}

/// Ready with the first success, or with `None` when some have failed, which are in `failures` now.
fn poll_all<T, A>(
  running: &mut VecDeque<Attempt<A>>,
  failures: &mut Vec<(usize, SocketError)>,
  cx: &mut Context<'_>,
) -> Poll<Option<T>>
where
  A: Future<Output = Result<T, SocketError>>,
{
  let before = failures.len();
  let mut won = None;
  running.retain_mut(|one| {
    if won.is_some() {
      return true;
    }
    match one.future.as_mut().poll(cx) {
      Poll::Pending => true,
      Poll::Ready(Ok(stream)) => {
        won = Some(stream);
        false
      }
      Poll::Ready(Err(error)) => {
        failures.push((one.rank, error));
        false
      }
    }
  });
  if won.is_some() || failures.len() > before {
    Poll::Ready(won)
  } else {
    Poll::Pending
  }
}

async fn attempt(what: String, local: &LocalEnd, address: SocketAddr) -> Result<Connected, SocketError> {
  crate::fault::point("connect");
  loop {
    let socket = TcpSocket::from_std_stream(local.socket(&what, address)?.into());
    match socket.connect(address).await {
      Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
      Ok(stream) => return Ok((stream, address)),
      Err(error) => return Err(SocketError::from_io(&what, &error)),
    }
  }
}

#[cfg(test)]
mod tests {
  use std::{
    cell::{Cell, RefCell},
    future::{pending, ready},
    net::Ipv4Addr,
  };

  use super::*;

  const TARGET: Target<'static> = Target {
    host: "host",
    port: 25,
  };
  const FAST: Pace = Pace {
    delay: Duration::from_millis(1),
    most: 4,
    least_time: Duration::from_secs(3600),
  };

  fn addresses(count: u8) -> Vec<SocketAddr> {
    let address = |last| SocketAddr::new(Ipv4Addr::new(192, 0, 2, last).into(), 25);
    (1..=count).map(address).collect()
  }

  fn refused(address: SocketAddr) -> SocketError {
    SocketError::from_io(
      &TARGET.what(address),
      &io::Error::from(io::ErrorKind::ConnectionRefused),
    )
  }

  fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future)
  }

  /// Counts how many of its clones exist.
  struct Held<'a>(&'a Cell<usize>);

  impl<'a> Held<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
      count.set(count.get() + 1);
      Self(count)
    }
  }

  impl Drop for Held<'_> {
    fn drop(&mut self) {
      self.0.set(self.0.get() - 1);
    }
  }

  #[test]
  fn no_more_attempts_than_may_be_are_under_way_and_dropping_the_race_ends_them_at_once() {
    let (held, most) = (Cell::new(0), Cell::new(0));
    let attempt = |_| {
      let attempt = Held::new(&held);
      most.set(most.get().max(held.get()));
      async move {
        let _attempt = attempt;
        pending::<Result<(), SocketError>>().await
      }
    };
    block_on(async {
      let mut race = Box::pin(race(&TARGET, FAST, addresses(200), attempt));
      tokio::time::timeout(FAST.delay * 100, &mut race)
        .await
        .unwrap_err();
      assert_eq!((held.get(), most.get()), (FAST.most, FAST.most));
      drop(race);
      assert_eq!(held.get(), 0);
    });
  }

  #[test]
  fn the_oldest_makes_room_when_its_time_is_over_so_that_every_address_has_its_turn() {
    let pace = Pace {
      least_time: Duration::from_millis(2),
      ..FAST
    };
    let good = addresses(20)[19];
    let won = block_on(race(&TARGET, pace, addresses(20), |address| async move {
      if address == good {
        Ok(address)
      } else {
        pending().await
      }
    }));
    assert_eq!(won.unwrap(), good);
  }

  #[test]
  fn an_address_that_fails_is_followed_by_the_next_without_a_delay() {
    let pace = Pace {
      delay: Duration::from_secs(3600),
      ..FAST
    };
    let good = addresses(50)[49];
    let won = block_on(race(&TARGET, pace, addresses(50), |address| {
      ready(if address == good {
        Ok(address)
      } else {
        Err(refused(address))
      })
    }));
    assert_eq!(won.unwrap(), good);
  }

  #[test]
  fn a_slow_attempt_goes_on_and_may_win() {
    let begun = RefCell::new(Vec::new());
    let first = addresses(1)[0];
    let won = block_on(race(&TARGET, FAST, addresses(3), |address| {
      begun.borrow_mut().push(address);
      let begun = &begun;
      poll_fn(move |cx| {
        cx.waker().wake_by_ref();
        if address == first && begun.borrow().len() == 3 {
          Poll::Ready(Ok(address))
        } else {
          Poll::Pending
        }
      })
    }));
    assert_eq!(won.unwrap(), first);
    assert_eq!(*begun.borrow(), addresses(3));
  }

  #[test]
  fn when_all_fail_the_error_is_the_first_addresss_and_names_others() {
    let failing = |count| {
      let attempt = |address| ready(Err::<(), _>(refused(address)));
      block_on(race(&TARGET, FAST, addresses(count), attempt)).unwrap_err()
    };
    let first = "connect to host port 25 (192.0.2.1): connection refused";
    let others = [2, 3, 4].map(|last| format!("; also (192.0.2.{last}): connection refused"));
    let others = others.concat();
    assert_eq!(failing(1).detail, first);
    assert_eq!(failing(4).detail, format!("{first}{others}"));
    assert_eq!(failing(9).detail, format!("{first}{others}; and 5 more"));
    assert_eq!(failing(9).name, ErrorName::ConnectionRefusedError);
  }

  #[test]
  #[cfg(unix)]
  fn that_descriptors_have_run_out_counts_more_than_what_a_peer_answered() {
    let [a, b] = addresses(2)[..] else { panic!() };
    let exhausted = SocketError::from_io(&TARGET.what(b), &io::Error::from_raw_os_error(libc::EMFILE));
    let error = TARGET.all_failed(vec![(0, refused(a)), (1, exhausted)]);
    assert!(error.is_exhaustion(), "{error}");
  }
}
