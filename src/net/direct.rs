//! What the owner's thread asks of the kernel for a plain connection: calls that do not wait, and are made again where a
//! signal interrupted them.

use std::{
  io::{self, ErrorKind, IoSlice, Read},
  net::TcpStream,
};

use bytes::Bytes;
use socket2::SockRef;

use super::{send_queue::MOST_SLICES, transport::NO_SIGNAL};

/// 0 is the peer's end.
pub(super) fn receive(mut stream: &TcpStream, memory: &mut [u8]) -> io::Result<usize> {
  loop {
    match stream.read(memory) {
      Err(error) if error.kind() == ErrorKind::Interrupted => {}
      other => return other,
    }
  }
}

pub(super) fn send(stream: &TcpStream, slices: &[Bytes]) -> io::Result<usize> {
  let mut vector = [IoSlice::new(&[]); MOST_SLICES];
  for (io, slice) in vector.iter_mut().zip(slices) {
    *io = IoSlice::new(slice);
  }
  written(|| SockRef::from(stream).send_vectored_with_flags(&vector[..slices.len()], NO_SIGNAL))
}

pub(super) fn send_one(stream: &TcpStream, data: &[u8]) -> io::Result<usize> {
  written(|| SockRef::from(stream).send_with_flags(data, NO_SIGNAL))
}

fn written(mut send: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
  loop {
    match send() {
      Err(error) if error.kind() == ErrorKind::Interrupted => {}
      Ok(0) => return Err(ErrorKind::WriteZero.into()),
      other => return other,
    }
  }
}
