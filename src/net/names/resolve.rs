//! Host names to addresses, in the order in which they should be tried.

use std::{
  collections::HashSet,
  net::{IpAddr, SocketAddr, ToSocketAddrs},
  sync::{Arc, LazyLock},
};

use tokio::sync::Semaphore;

use crate::net::{ErrorName, SocketError, blocking::blocking};

/// How many lookups may be under way, those included that nobody waits for any more: `getaddrinfo` blocks a thread and
/// cannot be cancelled, and names that never answer must not be able to take ever more threads.
pub const MOST_LOOKUPS: usize = 24;

static LOOKUPS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MOST_LOOKUPS)));

/// Resolves `host`, an IP literal or an ASCII name, for connecting to `port`. The result is never empty and is in the
/// order of [`interleave`].
///
/// Dropping the future frees its caller at once, whatever becomes of the lookup: one that waits leaves the queue, and one
/// that is under way keeps its place among [`MOST_LOOKUPS`] until the system answers.
///
/// # Errors
/// `DomainNotFoundError`, whatever the resolver's reason; the reason is in its `detail`. `NetworkError` where the system has no
/// thread.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, SocketError> {
  if let Ok(address) = host.parse::<IpAddr>() {
    return Ok(vec![SocketAddr::new(address, port)]);
  }
  let not_found = |reason: String| {
    let detail = format!("look up {host}: {reason}");
    SocketError::new(ErrorName::DomainNotFoundError, detail)
  };
  // The semaphore is never closed; should that change, the error says so.
  let permit = Arc::clone(&LOOKUPS)
    .acquire_owned()
    .await
    .map_err(|closed| not_found(closed.to_string()))?;
  let name = host.to_owned();
  let lookup = blocking(move || {
    // Given back when the thread ends, and not when the caller loses interest.
    let _permit = permit;
    (name.as_str(), port).to_socket_addrs()
  });
  let found = lookup
    .await
    .map_err(|error| SocketError::from_io(&format!("look up {host}"), &error))?
    .map_err(|error| not_found(error.to_string()))?;
  let addresses = interleave(found.collect());
  if addresses.is_empty() {
    Err(not_found("no address".into()))
  } else {
    Ok(addresses)
  }
}

/// RFC 8305 section 4: keeps the resolver's order (RFC 6724) within each family, starts with the family it put
/// first, and alternates between the two. Duplicates are dropped.
pub fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
  let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
  let mut seen = HashSet::new();
  let (first, second): (Vec<_>, Vec<_>) = addresses
    .into_iter()
    .filter(|address| seen.insert(*address))
    .partition(|address| address.is_ipv6() == first_is_v6);
  let (mut first, mut second) = (first.into_iter(), second.into_iter());
  let mut ordered = Vec::new();
  loop {
    let (a, b) = (first.next(), second.next());
    if a.is_none() && b.is_none() {
      return ordered;
    }
    ordered.extend(a.into_iter().chain(b));
  }
}

#[cfg(test)]
mod tests {
  use super::*;

  fn ips(list: &[&str]) -> Vec<SocketAddr> {
    list
      .iter()
      .map(|text| SocketAddr::new(text.parse().expect("a literal in this file"), 25))
      .collect()
  }

  #[test]
  fn families_alternate_and_the_resolvers_first_stays_first() {
    assert_eq!(
      interleave(ips(&["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"])),
      ips(&["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"])
    );
    assert_eq!(
      interleave(ips(&["1.1.1.1", "::1", "2.2.2.2"])),
      ips(&["1.1.1.1", "::1", "2.2.2.2"])
    );
  }

  #[test]
  fn one_family_keeps_its_order_and_duplicates_go() {
    assert_eq!(
      interleave(ips(&["2.2.2.2", "1.1.1.1", "2.2.2.2"])),
      ips(&["2.2.2.2", "1.1.1.1"])
    );
    assert_eq!(interleave(Vec::new()), ips(&[]));
  }
}
