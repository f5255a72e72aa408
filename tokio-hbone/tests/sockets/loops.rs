//! Two servers that each forward to the other.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hbone::forwarded::{Element, Node};
use hbone::{Accept, DialCause, Forwarded, Hop, Reject, Route, Timeouts};
use tokio::net::TcpListener;
use tokio_hbone::{Handler, Incoming, Pool, Server, ServerHandle, copy_bidirectional};

use crate::process::{held, own_loopback, until};
use crate::support::ends::{acceptor, connector, hop, identity};
use crate::support::pki::SERVER;

/// How many proxies a tunnel may have come through, unless a server is told otherwise.
const MOST: usize = 16;

/// Opens a tunnel to `next` for each that comes.
struct Forwarder {
    pool: Pool,
    next: Arc<OnceLock<SocketAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Forwarder {
    fn onward(&self, incoming: &Incoming) -> Result<Route, Reject> {
        let mut connect = incoming.connect().clone();
        let so_far = connect.forwarded.iter().flat_map(Forwarded::elements);
        let client = incoming.addresses().expect("a socket").client;
        let ours = Element::new().with_for(Node::from(client.ip()));
        let elements = so_far.cloned().chain([ours]);
        connect.forwarded = Some(Forwarded::new(elements).map_err(|_| Reject::Loop)?);
        let next = *self.next.get().expect("a way on");
        Ok(Route::new(next, Hop::new(connect, identity(SERVER).into())))
    }
}

impl Handler for Forwarder {
    async fn handle(&self, incoming: Incoming) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let route = match self.onward(&incoming) {
            Ok(route) => route,
            Err(reject) => return incoming.reject(&reject),
        };
        let onward = tokio::select! {
            onward = self.pool.connect(&route) => onward,
            () = incoming.given_up() => return,
        };
        let Ok(mut onward) = onward else {
            return incoming.reject(&Reject::UpstreamFailed);
        };
        if let Ok(mut tunnel) = incoming.accept(&Accept::default()) {
            let _ = copy_bidirectional(&mut tunnel, &mut onward).await;
        }
    }
}

/// A forwarder that listens, and where.
async fn start(
    next: &Arc<OnceLock<SocketAddr>>,
    asked: &Arc<AtomicUsize>,
) -> (ServerHandle, SocketAddr) {
    let forwarder = Forwarder {
        pool: Pool::new(connector()),
        next: Arc::clone(next),
        asked: Arc::clone(asked),
    };
    let listener = TcpListener::bind((own_loopback(), 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Server::new(acceptor(), forwarder);
    let handle = server.handle();
    tokio::spawn(server.run(listener));
    (handle, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_forwarders_ends_after_as_many_as_a_server_allows() {
    // [80]
    let asked = Arc::default();
    let (after_one, after_other) = (Arc::default(), Arc::default());
    let (one, at_one) = start(&after_one, &asked).await;
    let (other, at_other) = start(&after_other, &asked).await;
    after_one.set(at_other).expect("the first");
    after_other.set(at_one).expect("the first");

    let patient = connector().with_timeouts(Timeouts::each(Duration::from_secs(60)));
    let route = Route::new(at_one, hop("10.0.0.1:80", SERVER));
    let error = patient.connect(&route).await.map(drop);
    let error = error.expect_err("it leads nowhere");
    assert!(matches!(error.cause, DialCause::Request(_)), "{error}");
    // The first to ask has come through none; the one too many is refused before any handler sees it.
    assert_eq!(asked.load(Ordering::SeqCst), MOST + 1);
    let descriptors = held(at_one) + held(at_other);
    assert!(descriptors < 100, "{descriptors} descriptors");
    until("nobody forwards any more", || {
        one.counts().tunnels + other.counts().tunnels == 0
    })
    .await;
}
