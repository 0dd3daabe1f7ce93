//! The second way to accept: by the owner's own thread, when its poll set finds the listener ready. A connection then
//! need not cross threads before it is served.

use std::{
  io::{self, ErrorKind},
  net::{SocketAddr, TcpListener, TcpStream},
  rc::Rc,
  time::Duration,
};

use tokio::{net::TcpStream as TokioStream, sync::OwnedSemaphorePermit, time};

use super::{
  Context, Event, SocketError,
  accept_error::{BACK_OFF, Failures, ROOM_DELAY, Remedy, is_exhaustion},
  event::Readiness,
  handshakes::Handshakes,
  listener::{Delivery, Incoming, panicked},
  poll_set::{Member, PollSet},
};

/// The most connections that are accepted at a time, where nothing else bounds them. The poll set finds the rest again.
const MOST_AT_ONCE: usize = 64;

const CONNECTIONS: Readiness = Readiness {
  read: true,
  end: false,
  write: false,
};

/// See the module.
#[derive(Debug)]
pub(super) struct PolledListener {
  context: Context,
  /// `None` once it is closed.
  member: Option<Member<TcpListener>>,
  delivery: Delivery,
  failures: Failures,
}

/// What an accepted connection may do first.
enum Leave {
  Handshake(Handshakes),
  Deliver(OwnedSemaphorePermit),
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
      context: context.clone(),
      member: Some(member),
      delivery,
      failures: Failures::default(),
    })
  }

  /// Accepts what is there, as far as it may wait undelivered.
  pub(super) fn ready(&mut self) {
    for _ in 0..MOST_AT_ONCE {
      let (Some(member), Some(leave)) = (&self.member, self.leave()) else {
        return;
      };
      crate::fault::point("accept");
      match accept(member.stream()) {
        Ok((stream, address)) => {
          self.failures.none();
          self.accepted(stream, address, leave);
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => return,
        Err(error) => match self.failures.another(&error) {
          Remedy::Retry => {}
          Remedy::Wait if is_exhaustion(&error) => {
            if !self.context.drop_lingering() {
              let delay = if self.delivery.make_room() {
                ROOM_DELAY
              } else {
                BACK_OFF
              };
              return self.rest(delay);
            }
          }
          Remedy::Wait => return self.rest(BACK_OFF),
          Remedy::GiveUp => return self.end(SocketError::from_io("accept a connection", &error)),
        },
      }
    }
  }

  /// Handshakes need no leave: strangers would use it up.
  fn leave(&self) -> Option<Leave> {
    match &self.delivery.handshakes {
      Some(handshakes) => Some(Leave::Handshake(handshakes.clone())),
      None => self.delivery.try_credit().map(Leave::Deliver),
    }
  }

  fn accepted(&self, stream: TcpStream, address: SocketAddr, leave: Leave) {
    match leave {
      Leave::Deliver(credit) => self.delivery.deliver(Incoming::Plain(stream), address, credit),
      Leave::Handshake(handshakes) => {
        let stream = || TokioStream::from_std(stream);
        self
          .context
          .spawn(handshakes.begin(self.delivery.clone(), stream, address));
      }
    }
  }

  /// Waits, then reports `Rested`.
  fn rest(&mut self, delay: Duration) {
    let Some(member) = &mut self.member else { return };
    // To take it out cannot fail.
    let _ = member.wait_for(Readiness::default());
    let delivery = self.delivery.clone();
    // Not one of the context's tasks: it holds nothing that anybody waits for.
    self.context.runtime().spawn(async move {
      time::sleep(delay).await;
      delivery.push(Event::Rested);
    });
  }

  /// Answers `Rested`.
  pub(super) fn go_on(&mut self) {
    if let Some(member) = &mut self.member
      && member.wait_for(CONNECTIONS).is_err()
    {
      self.rest(BACK_OFF);
    }
  }

  /// Lets go of the port.
  pub(super) fn close(&mut self) {
    self.member = None;
    // There is a key among what they share.
    if let Some(handshakes) = self.delivery.handshakes.take() {
      handshakes.cancel();
    }
  }

  pub(super) fn panicked(&mut self) {
    self.end(panicked());
  }

  fn end(&mut self, error: SocketError) {
    if self.member.is_some() {
      self.close();
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
