//! One TCP connection out of several addresses: the connection race of RFC 8305 ("Happy Eyeballs").

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
  net::{TcpSocket, TcpStream},
  task::JoinSet,
  time,
};

use super::resolve::resolve;
use crate::net::{ErrorName, LocalEnd, SocketError};

/// RFC 8305 section 5, "Connection Attempt Delay": how long an attempt has for itself before the next one starts.
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects `local` to `host`. Dropping the future abandons every attempt.
///
/// # Errors
/// `DomainNotFoundError`, or what the first address answered when all have failed.
pub async fn connect(host: &str, port: u16, local: &LocalEnd) -> Result<TcpStream, SocketError> {
  let addresses = local.reachable(host, resolve(host, port).await?)?;
  race(host, port, local, addresses).await
}

/// Starts an attempt every [`ATTEMPT_DELAY`], or as soon as an earlier one has failed. The first success wins. An
/// attempt that is slow goes on: a later one never ends it.
async fn race(
  host: &str,
  port: u16,
  local: &LocalEnd,
  addresses: Vec<SocketAddr>,
) -> Result<TcpStream, SocketError> {
  let mut waiting = addresses.into_iter().enumerate();
  let mut attempts = JoinSet::new();
  let mut failures: Vec<(usize, SocketError)> = Vec::new();
  loop {
    match waiting.next() {
      Some((rank, address)) => {
        let what = format!("connect to {host} port {port} ({})", address.ip());
        let local = *local;
        attempts.spawn(async move { (rank, attempt(&what, &local, address).await) });
      }
      None if attempts.is_empty() => break,
      None => {}
    }
    let next_starts = async {
      if waiting.len() == 0 {
        std::future::pending().await
      } else {
        time::sleep(ATTEMPT_DELAY).await
      }
    };
    tokio::select! {
      finished = attempts.join_next() => match finished {
        Some(Ok((_, Ok(stream)))) => return Ok(stream),
        Some(Ok((rank, Err(error)))) => failures.push((rank, error)),
        Some(Err(panicked)) => failures.push((usize::MAX, internal(&panicked))),
        None => {}
      },
      () = next_starts => {}
    }
  }
  failures.sort_by_key(|(rank, _)| *rank);
  Err(
    failures
      .into_iter()
      .next()
      .map_or_else(|| internal(&"no address to try"), |(_, error)| error),
  )
}

async fn attempt(what: &str, local: &LocalEnd, address: SocketAddr) -> Result<TcpStream, SocketError> {
  crate::fault::point("connect");
  loop {
    let socket = TcpSocket::from_std_stream(local.socket(what, address)?.into());
    match socket.connect(address).await {
      Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
      outcome => return outcome.map_err(|error| SocketError::from_io(what, &error)),
    }
  }
}

fn internal(reason: &dyn std::fmt::Display) -> SocketError {
  SocketError::new(ErrorName::NetworkError, format!("internal error: {reason}"))
}
