//! TLS handshakes of the connections that one listener has accepted. They are tasks of the runtime, and strangers decide
//! how long they take: so there is a bound for how many are under way, a deadline for each, and a rule for who goes first.

use std::{
  io,
  net::SocketAddr,
  sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
  },
};

use tokio::{net::TcpStream, time};
use tokio_util::sync::CancellationToken;

use super::{
  listener::{Delivery, Incoming},
  places::{Place, Places},
  tls::{self, Acceptor},
  transport::{Tcp, Transport},
};

/// Handshakes under way, of one listener. For one more, the peer that has been silent longest is dropped. A peer that has
/// said nothing at all costs a descriptor and a small task; OpenSSL's memory is taken when it speaks.
pub(super) const MOST_HANDSHAKES: usize = 4096;

/// See the module. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Handshakes {
  acceptor: Arc<Acceptor>,
  places: Arc<Places>,
  /// Ends all of them: the listener was closed.
  cancel: CancellationToken,
  failed: Arc<AtomicU32>,
}

impl Handshakes {
  /// `failed` counts those that do not lead to a connection.
  pub(super) fn new(acceptor: Arc<Acceptor>, cancel: CancellationToken, failed: Arc<AtomicU32>) -> Self {
    Self {
      acceptor,
      places: Places::new(MOST_HANDSHAKES),
      cancel,
      failed,
    }
  }

  /// Takes a place for a connection that came in `from` there. What it returns is a task for the runtime, which delivers the
  /// connection when it is secure. `stream` is called there.
  pub(super) fn begin(
    &self,
    delivery: Delivery,
    stream: impl FnOnce() -> io::Result<TcpStream> + Send + 'static,
    from: SocketAddr,
  ) -> impl Future<Output = ()> + Send + 'static {
    let place = self.places.enter();
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
      // From here on only the owner makes it wait.
      match secured.zip(delivery.secure_credit()) {
        Some((transport, credit)) => delivery.deliver(Incoming::Secure(transport), from, credit),
        // Any stranger can cause this. It is no news of the listener's.
        None => {
          this.failed.fetch_add(1, Ordering::Relaxed);
        }
      }
    }
  }

  async fn secure(
    &self,
    stream: impl FnOnce() -> io::Result<TcpStream>,
    from: SocketAddr,
    mut place: Place,
  ) -> Option<Transport> {
    let stream = stream().ok()?;
    stream.readable().await.ok()?;
    let host = from.ip().to_canonical().to_string();
    let mut handshake = Box::pin(tls::accept(Tcp::new(stream), &host, from.port(), &self.acceptor));
    let transport = std::future::poll_fn(|cx| {
      // The task wakes when the peer has said something.
      place.heard();
      handshake.as_mut().poll(cx)
    });
    transport.await.ok()
  }

  /// Drops the peer that has been silent longest. `false` where there is none.
  pub(super) fn drop_most_silent(&self) -> bool {
    self.places.drop_oldest()
  }

  /// Ends all that are under way.
  pub(super) fn cancel(&self) {
    self.cancel.cancel();
  }
}
