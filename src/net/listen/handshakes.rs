//! TLS handshakes of the connections that one listener has accepted. They are tasks of the runtime, and strangers decide
//! how long they take: so there is a bound for how many are under way, a deadline for each, and a rule for who goes first.

use std::{
  net::{SocketAddr, TcpStream as StdStream},
  sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
  },
  time::{Duration, Instant},
};

use tokio::{net::TcpStream, sync::Notify, time};
use tokio_util::sync::CancellationToken;

use crate::net::{
  Accepted, Event, EventSink, SocketId,
  credit::Credits,
  event::Established,
  policy::places::{Place, Places},
  tls::{Acceptor, Session, server},
};

/// Handshakes under way, of one listener. For one more, the peer that has been silent longest is dropped. A peer that has
/// said nothing at all costs a descriptor and a small task; OpenSSL's memory is taken when it speaks.
const MOST_HANDSHAKES: usize = 4096;

/// Where descriptors run out, who has come or spoken makes no room for so long. Many honest clients at once would all be dropped for
/// each other; so newcomers wait in the kernel's backlog until some of them are done. Those who have said nothing yet cost a
/// stranger less, and have less time.
const TIME_TO_SPEAK: Duration = Duration::from_millis(250);
const TIME_TO_GO_ON: Duration = Duration::from_secs(2);

/// What the owner of a listener asks for, where it asks for each connection. Handshakes do not wait for that, or one silent peer would keep
/// everybody else waiting; but who is secure does. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Demand {
  credits: Arc<Credits>,
  raised: Arc<Notify>,
}

impl Demand {
  pub(super) fn new(credits: &Arc<Credits>) -> Self {
    Self {
      credits: Arc::clone(credits),
      raised: Arc::default(),
    }
  }

  /// There is more of it.
  fn raised(&self) {
    self.raised.notify_waiters();
  }

  /// Waits for a connection to be asked for, which is this one then.
  async fn meet(&self) {
    loop {
      // From here on it hears of more.
      let raised = self.raised.notified();
      if self.credits.use_up() {
        return;
      }
      raised.await;
    }
  }
}

/// See the module. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Handshakes {
  acceptor: Arc<Acceptor>,
  delivery: Delivery,
  places: Arc<Places>,
  /// `None` where connections are delivered as they come.
  demand: Option<Demand>,
  /// Ends all of them: the listener was closed.
  cancel: CancellationToken,
  failed: Arc<AtomicU32>,
}

/// Where connections go when they are secure. Clones are the same.
#[derive(Clone)]
pub(super) struct Delivery {
  id: SocketId,
  sink: Arc<dyn EventSink>,
  /// As many may wait for their owner as may be in their handshake. More are dropped.
  credits: Arc<Credits>,
}

impl Delivery {
  pub(super) fn new(id: SocketId, sink: &Arc<dyn EventSink>) -> Self {
    Self {
      id,
      sink: Arc::clone(sink),
      credits: Credits::new(MOST_HANDSHAKES, || ()),
    }
  }
}

impl std::fmt::Debug for Delivery {
  fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    f.debug_struct("Delivery")
      .field("id", &self.id)
      .finish_non_exhaustive()
  }
}

impl Handshakes {
  /// `failed` counts those that do not lead to a connection.
  pub(super) fn new(
    acceptor: Arc<Acceptor>,
    delivery: Delivery,
    demand: Option<Demand>,
    cancel: CancellationToken,
    failed: Arc<AtomicU32>,
  ) -> Self {
    Self {
      acceptor,
      delivery,
      places: Places::new(MOST_HANDSHAKES),
      demand,
      cancel,
      failed,
    }
  }

  /// Takes a place for a connection that came in `from` there. What it returns is a task for the runtime, which delivers the
  /// connection when it is secure, and asked for.
  pub(super) fn begin(
    &self,
    stream: StdStream,
    from: SocketAddr,
  ) -> impl Future<Output = ()> + Send + 'static {
    let place = self.places.enter(Instant::now() + TIME_TO_SPEAK);
    let this = self.clone();
    async move {
      let lost = place.lost();
      let secure = this.secure(stream, from, place);
      let secured = tokio::select! {
        biased;
        () = this.cancel.cancelled() => return,
        () = lost.cancelled() => None,
        secured = time::timeout(this.acceptor.deadline(), secure) => secured.ok().flatten(),
      };
      let delivered = match secured {
        Some((stream, session)) => this.deliver(stream, session, from).await,
        None => None,
      };
      if delivered.is_none() {
        // Any stranger can cause this. It is no news of the listener's.
        this.failed.fetch_add(1, Ordering::Relaxed);
      }
    }
  }

  /// Hands a secure connection over, when it is asked for. `None` where it is dropped.
  async fn deliver(&self, stream: TcpStream, session: Session, from: SocketAddr) -> Option<()> {
    // As many may wait for their owner as may be in their handshake.
    let waiting = self.delivery.credits.take()?;
    if let Some(demand) = &self.demand {
      tokio::select! {
        biased;
        () = self.cancel.cancelled() => return Some(()),
        () = demand.meet() => {}
      }
    }
    let established = Established {
      stream: stream.into_std().ok()?,
      session: Some(Box::new(session)),
    };
    let accepted = Accepted::new(established, from, Some(waiting));
    self
      .delivery
      .sink
      .push(self.delivery.id, Event::Accepted(accepted).into());
    Some(())
  }

  /// The owner has asked for more connections.
  pub(super) fn asked_for(&self) {
    if let Some(demand) = &self.demand {
      demand.raised();
    }
  }

  async fn secure(
    &self,
    stream: StdStream,
    from: SocketAddr,
    mut place: Place,
  ) -> Option<(TcpStream, Session)> {
    let stream = TcpStream::from_std(stream).ok()?;
    stream.readable().await.ok()?;
    let host = from.ip().to_canonical().to_string();
    let handshake = server::handshake(&host, from.port(), &self.acceptor).ok()?;
    let mut handshake = Box::pin(handshake.over(&stream));
    let session = std::future::poll_fn(|cx| {
      // The task wakes when the peer has said something.
      place.heard(Instant::now() + TIME_TO_GO_ON);
      handshake.as_mut().poll(cx)
    })
    .await;
    drop(handshake);
    Some((stream, session.ok()?))
  }

  /// Drops the peer that has been silent longest, of those who had time to speak. `false` where there is none.
  pub(super) fn drop_most_silent(&self) -> bool {
    self.places.make_room(Instant::now())
  }

  /// Ends all that are under way.
  pub(super) fn cancel(&self) {
    self.cancel.cancel();
  }
}
