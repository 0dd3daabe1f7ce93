//! Memory for datagrams that are received together: as many as come with one call, each in a place of its own.

use std::net::SocketAddr;

/// The most bytes of a datagram. Memory of that size cuts none.
pub const MOST_BYTES: usize = 65_535;

/// The most datagrams of one batch.
pub const MOST_DATAGRAMS: usize = 32;

/// From one place to the next. Not a power of two: caches would keep all places in the same few of their lines.
const STRIDE: usize = 64 * 1024 + 4096 + 64;

/// Bytes of memory for a batch. Of what is not written the system need not have any.
pub const MEMORY: usize = STRIDE * MOST_DATAGRAMS;

/// A datagram in such memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
  /// Where it begins.
  pub start: usize,
  /// How many bytes it has.
  pub length: usize,
  /// Who sent it. An IPv4 sender has an IPv4 address.
  pub from: SocketAddr,
}

/// The places of `memory`, which is cut where it is shorter.
pub(in crate::net) fn places(memory: &mut [u8]) -> impl Iterator<Item = (usize, &mut [u8])> {
  let places = memory.chunks_mut(STRIDE).take(MOST_DATAGRAMS).enumerate();
  places.map(|(index, place)| {
    let length = place.len().min(MOST_BYTES);
    (index * STRIDE, &mut place[..length])
  })
}

#[cfg(test)]
mod tests {
  use super::*;

  #[test]
  fn every_place_has_room_for_the_longest_datagram() {
    let mut memory = vec![0; MEMORY];
    let places: Vec<_> = places(&mut memory)
      .map(|(start, place)| (start, place.len()))
      .collect();
    assert_eq!(places.len(), MOST_DATAGRAMS);
    assert!(
      places
        .iter()
        .all(|&(start, length)| length == MOST_BYTES && start + length <= MEMORY)
    );
    assert!(places.windows(2).all(|pair| pair[0].0 + MOST_BYTES <= pair[1].0));
  }
}
