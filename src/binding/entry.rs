//! What the hub knows about a live socket, listener or datagram socket: the realm that its events go to, and in which form.

use std::{cell::Cell, rc::Rc};

use super::{demand::Demand, realm::Realm};
use crate::net::{DatagramSocket, Socket};

/// A live socket or listener.
pub(super) struct Entry {
  pub(super) realm: Rc<Realm>,
  pub(super) target: Target,
  /// The process stays alive for it.
  pub(super) keeps_alive: Cell<bool>,
  /// The last read was a large one: more of the like will follow.
  pub(super) bulk: Cell<bool>,
  /// Of a socket that is read on demand.
  pub(super) demand: Demand,
}

/// What events are about.
pub(super) enum Target {
  Socket {
    socket: Rc<Socket>,
    /// Bytes become strings, one character each; otherwise ArrayBuffers.
    as_strings: bool,
  },
  Listener {
    /// For the sockets it accepts.
    as_strings: bool,
  },
  Datagrams(Rc<DatagramSocket>),
}

impl Entry {
  /// One that the process stays alive for.
  pub(super) fn new(realm: &Rc<Realm>, target: Target) -> Self {
    Self {
      realm: Rc::clone(realm),
      target,
      keeps_alive: Cell::new(true),
      bulk: Cell::new(false),
      demand: Demand::default(),
    }
  }

  /// `None` for what is no datagram socket.
  pub(super) fn datagrams(&self) -> Option<&Rc<DatagramSocket>> {
    match &self.target {
      Target::Datagrams(socket) => Some(socket),
      Target::Socket { .. } | Target::Listener { .. } => None,
    }
  }

  /// `None` for what is no connection.
  pub(super) fn socket(&self) -> Option<&Rc<Socket>> {
    match &self.target {
      Target::Socket { socket, .. } => Some(socket),
      Target::Listener { .. } | Target::Datagrams(_) => None,
    }
  }
}
