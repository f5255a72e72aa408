//! Whole chains of sockets: an application's client, our client side, our server side, and what is behind it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Connect, Hop, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_hbone::{Incoming, Pool, Relay, Server, ServerHandle, Service, copy_bidirectional};

use crate::process::{held, own_loopback, until};
use crate::support::ends::{acceptor, connector, identity};
use crate::support::pki::SERVER;

/// An application that sends without end to whoever comes, and how many it still serves.
struct Source {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
    resets: Arc<AtomicUsize>,
}

impl Source {
    async fn start() -> Self {
        let listener = TcpListener::bind((own_loopback(), 0))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let (served, resets) = (Arc::default(), Arc::default());
        let source = Self {
            address,
            served: Arc::clone(&served),
            resets: Arc::clone(&resets),
        };
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (served, resets) = (Arc::clone(&served), Arc::clone(&resets));
                served.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let chunk = [7; 16 << 10];
                    while socket.write_all(&chunk).await.is_ok() {}
                    resets.fetch_add(1, Ordering::SeqCst);
                    served.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        source
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

struct ToLoopback(DestinationPolicy);

impl Service for ToLoopback {
    fn policy(&self, _incoming: &Incoming) -> DestinationPolicy {
        self.0.clone()
    }
}

/// A relay to `target`, and the way to it.
async fn relay(target: SocketAddr) -> (ServerHandle, Route) {
    let entry = AllowEntry::to_addresses(["127.0.0.0/8".parse().expect("a range")]);
    let policy = DestinationPolicy::allow_list([entry]);
    let policy = policy.open(Opening::Range(DeniedRange::Loopback));
    let server = Server::new(acceptor(), Relay::new(ToLoopback(policy)));
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(server.run(listener));
    let connect = Connect::new(target.to_string().parse().expect("an authority"));
    let hop = Hop::new(connect, identity(SERVER).into());
    (handle, Route::new(address, hop))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_resets_its_socket_frees_the_upstream_at_the_far_end() {
    // [112]
    let source = Source::start().await;
    let (server, route) = relay(source.address).await;
    let pool = Pool::new(connector());
    let door = TcpListener::bind((own_loopback(), 0))
        .await
        .expect("a port");
    let address = door.local_addr().expect("an address");
    let near = pool.clone();
    let proxy = tokio::spawn(async move {
        let (mut socket, _) = door.accept().await.expect("a client");
        let mut tunnel = near.connect(&route).await.expect("a tunnel");
        copy_bidirectional(&mut tunnel, &mut socket).await.end
    });
    let mut client = TcpStream::connect(address).await.expect("a socket");
    client.read_u8().await.expect("the download has begun");
    assert_eq!(held(source.address), 2);
    client.set_zero_linger().expect("an option");
    drop(client);
    let took = until("the upstream is gone", || held(source.address) == 0).await;
    // A tenth of a second is meant; the machine may be busy.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(proxy.await.expect("no panic").is_err());
    until("the application's socket is gone", || held(address) == 0).await;
    until("no tunnel is counted", || pool.stats().streams == 0).await;
    until("at the server neither", || server.counts().tunnels == 0).await;
    assert_eq!(source.served(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_downloads_that_are_given_up_leave_nothing_running() {
    // [123]
    const DOWNLOADS: usize = 200;
    let source = Source::start().await;
    let (server, route) = relay(source.address).await;
    let pool = Pool::new(connector());
    let begun = Arc::new(AtomicUsize::new(0));
    let mut downloads = JoinSet::new();
    for _ in 0..DOWNLOADS {
        let mut tunnel = pool.connect(&route).await.expect("a tunnel");
        let begun = Arc::clone(&begun);
        downloads.spawn(async move {
            tunnel.read_u8().await.expect("a download");
            begun.fetch_add(1, Ordering::SeqCst);
            while let Ok(Some(_)) = tunnel.read_chunk().await {}
        });
    }
    until("all have begun", || {
        begun.load(Ordering::SeqCst) == DOWNLOADS
    })
    .await;
    assert_eq!(
        (source.served(), server.counts().tunnels),
        (DOWNLOADS, DOWNLOADS)
    );
    downloads.shutdown().await;
    assert_eq!(pool.stats().streams, 0);
    until("no upstream is left", || source.served() == 0).await;
    until("at the server neither", || server.counts().tunnels == 0).await;
    until("nor a descriptor", || held(source.address) == 0).await;
    assert_eq!(source.resets.load(Ordering::SeqCst), DOWNLOADS);

    let before = pool.stats();
    let mut next = pool.connect(&route).await.expect("a tunnel");
    next.read_exact(&mut vec![0; 1 << 20])
        .await
        .expect("a download");
    let after = pool.stats();
    assert_eq!(
        after.handshakes, before.handshakes,
        "the connection is good"
    );
}
