//! The poll set of an environment, which its own loop watches: of Node on Linux. Everywhere else there is none, which the types
//! say, so that the code that uses it is the same.

#[cfg(target_os = "linux")]
pub(super) use self::linux::{Alarm, LoopPollSet};
#[cfg(not(target_os = "linux"))]
pub(super) use self::nowhere::{Alarm, LoopPollSet};

#[cfg(target_os = "linux")]
mod linux {
  use std::{io, rc::Rc, sync::Arc};

  use napi::{Env, Result};
  use tokio::runtime::Handle;

  pub(in super::super) use crate::net::Alarm;
  use crate::{
    binding::{loop_client::LoopClient, uv},
    net::{Context, EventSink, PollSet},
  };

  pub(in super::super) struct LoopPollSet(Rc<PollSet>);

  impl LoopPollSet {
    /// `None` where the loop cannot watch it.
    pub(in super::super) fn new() -> io::Result<Option<Self>> {
      if !uv::is_there() {
        return Ok(None);
      }
      Ok(Some(Self(Rc::new(PollSet::new()?))))
    }

    /// A context whose connections are in this set.
    pub(in super::super) fn context(&self, runtime: Handle, sink: Arc<dyn EventSink>) -> Context {
      Context::with_poll_set(runtime, sink, Rc::clone(&self.0))
    }

    /// Makes the set readable, though no member is ready.
    pub(in super::super) fn alarm(&self) -> &Alarm {
      self.0.alarm()
    }

    /// From now on the loop tells `client` when the set is readable.
    pub(in super::super) fn watch(&self, env: &Env, client: Box<dyn LoopClient>) -> Result<()> {
      uv::watch(env, self.0.descriptor(), client)
    }
  }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
  use std::{io, sync::Arc};

  use napi::{Env, Result};
  use tokio::runtime::Handle;

  use crate::{
    binding::loop_client::LoopClient,
    net::{Context, EventSink},
  };

  #[derive(Clone)]
  pub(in super::super) enum Alarm {}

  impl Alarm {
    pub(in super::super) fn set(&self) {
      match *self {}
    }
  }

  pub(in super::super) enum LoopPollSet {}

  impl LoopPollSet {
    pub(in super::super) fn new() -> io::Result<Option<Self>> {
      Ok(None)
    }

    pub(in super::super) fn context(&self, _runtime: Handle, _sink: Arc<dyn EventSink>) -> Context {
      match *self {}
    }

    pub(in super::super) fn alarm(&self) -> &Alarm {
      match *self {}
    }

    pub(in super::super) fn watch(&self, _env: &Env, _client: Box<dyn LoopClient>) -> Result<()> {
      match *self {}
    }
  }
}
