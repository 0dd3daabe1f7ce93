//! The second way to accept: by the owner's own thread, when its poll set finds the listener ready. A connection then
//! need not cross threads before it is served.

use std::{
  io::{self, ErrorKind},
  net::{SocketAddr, TcpListener, TcpStream},
  rc::Rc,
  sync::Arc,
};

use tokio::{runtime::Handle, sync::Semaphore, time};

use super::{
  Context, Event, SocketError,
  accept_error::{BACK_OFF, Failures, Remedy},
  event::Readiness,
  listener::{Delivery, Incoming, MOST_UNDELIVERED, panicked},
  poll_set::{Member, PollSet},
};

const CONNECTIONS: Readiness = Readiness {
  read: true,
  end: false,
  write: false,
};

/// See the module.
#[derive(Debug)]
pub(super) struct PolledListener {
  runtime: Handle,
  /// `None` once it is closed.
  member: Option<Member<TcpListener>>,
  delivery: Delivery,
  credits: Arc<Semaphore>,
  failures: Failures,
}

impl PolledListener {
  /// # Errors
  /// No memory is left, or the system's limit of watched descriptors is reached.
  pub(super) fn new(
    context: &Context,
    set: &Rc<PollSet>,
    delivery: Delivery,
    listener: TcpListener,
  ) -> io::Result<Self> {
    let mut member = Member::new(set, delivery.id, listener);
    member.wait_for(CONNECTIONS)?;
    Ok(Self {
      runtime: context.runtime().clone(),
      member: Some(member),
      delivery,
      credits: Arc::new(Semaphore::new(MOST_UNDELIVERED)),
      failures: Failures::default(),
    })
  }

  /// Accepts what is there, as far as it may wait undelivered. The poll set finds the rest again.
  pub(super) fn ready(&mut self) {
    while let Some(member) = &self.member
      && let Ok(credit) = Arc::clone(&self.credits).try_acquire_owned()
    {
      crate::fault::point("accept");
      match accept(member.stream()) {
        Ok((stream, address)) => {
          self.failures.none();
          self.delivery.deliver(Incoming::Plain(stream), address, credit);
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => return,
        Err(error) => match self.failures.another(&error) {
          Remedy::Retry => {}
          Remedy::Wait => return self.rest(),
          Remedy::GiveUp => return self.end(SocketError::from_io("accept a connection", &error)),
        },
      }
    }
  }

  /// Waits, then reports `Rested`.
  fn rest(&mut self) {
    let Some(member) = &mut self.member else { return };
    // To take it out cannot fail.
    let _ = member.wait_for(Readiness::default());
    let delivery = self.delivery.clone();
    // Not one of the context's tasks: it holds nothing that anybody waits for.
    self.runtime.spawn(async move {
      time::sleep(BACK_OFF).await;
      delivery.push(Event::Rested);
    });
  }

  /// Answers `Rested`.
  pub(super) fn go_on(&mut self) {
    if let Some(member) = &mut self.member
      && member.wait_for(CONNECTIONS).is_err()
    {
      self.rest();
    }
  }

  /// Lets go of the port.
  pub(super) fn close(&mut self) {
    self.member = None;
  }

  pub(super) fn panicked(&mut self) {
    self.end(panicked());
  }

  fn end(&mut self, error: SocketError) {
    if self.member.take().is_some() {
      self.delivery.push(Event::Failed(error));
    }
  }
}

fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
  let (stream, address) = listener.accept()?;
  stream.set_nonblocking(true)?;
  Ok((stream, address))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
  use std::net::Ipv4Addr;

  use super::*;
  use crate::net::{ListenOptions, listener::listen};

  #[test]
  fn what_is_accepted_does_not_block_and_has_nagles_algorithm_off() {
    let listener = listen(&ListenOptions::at(Ipv4Addr::LOCALHOST)).unwrap();
    let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = accept(&listener).unwrap();
    assert!(stream.nodelay().unwrap());
    let mut memory = [0; 1];
    let nothing = super::super::direct::receive(&stream, &mut memory);
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
  }
}
