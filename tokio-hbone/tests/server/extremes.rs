//! Limits of a server and of a relay that are nothing and everything, one beside any other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hbone::policy::{DeniedRange, DestinationPolicy, Opening};
use hbone::{DialCause, Lookup, RequestError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_hbone::{
    Arrival, ConnectionConfig, Connector, Handler, Listener, Relay, RelayConfig, Server,
    ServerConfig, ServerCounts, Tunnel,
};

use crate::accepting::Echo;
use crate::pipes::{Door, pipes};
use crate::service::{Does, Scripted};
use crate::support::ends::{acceptor, connector, hop, route};
use crate::support::pki::SERVER;
use crate::support::{soon, tasks, tasks_end};

const NEVER: Duration = Duration::MAX;
const AT_ONCE: Duration = Duration::ZERO;

/// One extreme of a limit of a server or its connections.
type Extreme = (&'static str, fn(&mut ServerConfig, &mut ConnectionConfig));

const EXTREMES: [Extreme; 15] = [
    ("as it is", |_, _| {}),
    ("no socket", |config, _| config.max_connections = 0),
    ("a socket", |config, _| config.max_connections = 1),
    ("all sockets", |config, _| {
        config.max_connections = usize::MAX
    }),
    ("none of a peer", |config, _| {
        config.max_connections_per_peer = 0
    }),
    ("one of a peer", |config, _| {
        config.max_connections_per_peer = 1
    }),
    ("all of a peer", |config, _| {
        config.max_connections_per_peer = usize::MAX;
    }),
    ("no handshake", |config, _| config.max_handshakes = 0),
    ("a handshake", |config, _| config.max_handshakes = 1),
    ("all handshakes", |config, _| {
        config.max_handshakes = usize::MAX
    }),
    ("no pause", |config, _| config.accept_pause = AT_ONCE),
    ("any pause", |config, _| config.accept_pause = NEVER),
    ("no drain", |_, config| config.drain.deadline = AT_ONCE),
    ("any drain", |_, config| config.drain.deadline = NEVER),
    ("any announcement", |_, config| {
        config.drain.announce = NEVER
    }),
];

#[tokio::test(start_paused = true)]
async fn any_two_extremes_of_a_server_serve_or_refuse_and_leave_nothing() {
    for (at, (one, first)) in EXTREMES.iter().enumerate() {
        for (other, second) in EXTREMES.iter().skip(at) {
            let (mut config, mut connection) = Default::default();
            first(&mut config, &mut connection);
            second(&mut config, &mut connection);
            let what = format!("{one}, {other}");
            let acceptor = acceptor().with_connection(connection);
            let server = Server::with_config(acceptor, Echo, config);
            let worked = use_up(&what, server).await;
            let most = config.max_connections.min(config.max_connections_per_peer);
            let least = match config.max_handshakes {
                0 | 1 => most.min(1),
                _ => most.min(4),
            };
            assert!((least..=most.min(4)).contains(&worked), "{what}: {worked}");
        }
    }
}

/// Four clients at once, a failure to accept, and the end; how many of the clients could work.
async fn use_up<H: Handler>(what: &str, server: Server<H>) -> usize {
    let before = tasks();
    let (door, listener) = pipes();
    let handle = server.handle();
    let serving = tokio::spawn(server.run(listener));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let door = door.clone();
        clients.spawn(async move { opened(connector(), &door).await });
    }
    let mut tunnels = Vec::new();
    while let Some(opened) = clients.join_next().await {
        tunnels.extend(opened.expect("no panic"));
    }
    door.fail(24);
    sleep(Duration::from_millis(200)).await;
    let worked = tunnels.len();
    assert_eq!(handle.counts().tunnels, worked, "{what}");
    handle.drain();
    for mut tunnel in tunnels {
        // With no time at all to drain, it is cut.
        let _ = tunnel.shutdown().await;
        let _ = soon(tunnel.read_to_end(&mut Vec::new())).await;
    }
    soon(serving).await.expect("no panic");
    assert_eq!(handle.counts(), ServerCounts::default(), "{what}");
    drop(door);
    tasks_end(before).await;
    worked
}

async fn opened(connector: Connector, door: &Door) -> Option<Tunnel> {
    let connecting = soon(connector.connect_over(door.knock(), &route())).await;
    let mut tunnel = connecting.ok()?;
    soon(works(&mut tunnel)).await.then_some(tunnel)
}

async fn works(tunnel: &mut Tunnel) -> bool {
    let mut word = [0; 4];
    tunnel.write_all(b"word").await.is_ok()
        && tunnel.read_exact(&mut word).await.is_ok()
        && &word == b"word"
}

/// One extreme of a limit of a relay.
type OfRelay = (&'static str, fn(&mut RelayConfig));

const RELAYS: [OfRelay; 19] = [
    ("as it is", |_| {}),
    ("no attempt", |config| config.serve.max_attempts = 0),
    ("all attempts", |config| {
        config.serve.max_attempts = usize::MAX
    }),
    ("no lookup", |config| config.serve.resolve_timeout = AT_ONCE),
    ("any lookup", |config| config.serve.resolve_timeout = NEVER),
    ("no connect", |config| {
        config.serve.attempt_timeout = AT_ONCE
    }),
    ("any connect", |config| config.serve.attempt_timeout = NEVER),
    ("no time", |config| config.serve.total_timeout = AT_ONCE),
    ("any time", |config| config.serve.total_timeout = NEVER),
    ("all looked up", |config| config.serve.lookup = Lookup::All),
    ("no dial", |config| config.max_dials = 0),
    ("a dial", |config| config.max_dials = 1),
    ("all dials", |config| config.max_dials = usize::MAX),
    ("no buffer", |config| config.copy.buffer = 0),
    ("a byte", |config| config.copy.buffer = 1),
    ("any buffer", |config| config.copy.buffer = usize::MAX),
    ("no half", |config| {
        config.copy.half_closed_timeout = Some(AT_ONCE)
    }),
    ("any half", |config| {
        config.copy.half_closed_timeout = Some(NEVER)
    }),
    ("no limit of a half", |config| {
        config.copy.half_closed_timeout = None
    }),
];

#[tokio::test]
async fn any_two_extremes_of_a_relay_serve_or_refuse_and_leave_nothing() {
    let upstream = upstream().await;
    for (at, (one, first)) in RELAYS.iter().enumerate() {
        for (other, second) in RELAYS.iter().skip(at) {
            let mut config = RelayConfig::default();
            first(&mut config);
            second(&mut config);
            let what = format!("{one}, {other}");
            let outcome = relay_one(config, upstream).await;
            let serve = config.serve;
            let is_too_late = serve.total_timeout == AT_ONCE;
            let is_hurried = serve.attempt_timeout == AT_ONCE || serve.resolve_timeout == AT_ONCE;
            match outcome {
                Ok(()) => assert!(!is_too_late, "{what}"),
                Err(status) => assert!(
                    is_too_late || is_hurried && status == 503,
                    "{what}: {status}"
                ),
            }
        }
    }
}

/// Sends back what it is sent.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = socket.split();
                let _ = copy(&mut reader, &mut writer).await;
            });
        }
    });
    address
}

async fn relay_one(config: RelayConfig, upstream: SocketAddr) -> Result<(), u16> {
    let policy =
        DestinationPolicy::allow_any_destination().open(Opening::Range(DeniedRange::Loopback));
    let mut service = Scripted::new(policy);
    service.lookup = Does::Lead(vec![upstream]);
    service.connect = Does::Lead(Vec::new());
    let (door, listener) = pipes();
    let server = Server::new(acceptor(), Relay::with_config(service.clone(), config));
    let handle = server.handle();
    let serving = tokio::spawn(server.run(listener));
    let route = hbone::Route::new(
        "127.0.0.1:15008".parse().expect("an address"),
        hop(&upstream.to_string(), SERVER),
    );
    let connector = connector();
    let outcome = match soon(connector.connect_over(door.knock(), &route)).await {
        Ok(mut tunnel) => {
            assert!(soon(works(&mut tunnel)).await);
            let _ = tunnel.shutdown().await;
            let _ = soon(tunnel.read_to_end(&mut Vec::new())).await;
            Ok(())
        }
        Err(error) => match error.cause {
            DialCause::Request(RequestError::Refused(refused)) => Err(refused.status().as_u16()),
            other => panic!("{other:?}"),
        },
    };
    handle.drain();
    soon(serving).await.expect("no panic");
    assert_eq!(handle.counts(), ServerCounts::default());
    assert_eq!(service.with(|notes| notes.outcomes.len()), 1);
    outcome
}

/// A listener that fails at once, so many times.
struct Failing {
    errno: i32,
    calls: Arc<AtomicUsize>,
}

const MOST_CALLS: usize = 100_000;

impl Listener for Failing {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<Arrival<DuplexStream>> {
        match self.calls.fetch_add(1, Ordering::Relaxed) {
            MOST_CALLS.. => std::future::pending().await,
            _ => Err(io::Error::from_raw_os_error(self.errno)),
        }
    }
}

/// Runs a server without any pause on a listener that only fails, and drains it after a second; how often it was asked.
async fn asked_in_a_second(errno: i32) -> usize {
    let calls = Arc::default();
    let listener = Failing {
        errno,
        calls: Arc::clone(&calls),
    };
    let mut config = ServerConfig::default();
    config.accept_pause = AT_ONCE;
    let server = Server::with_config(acceptor(), Echo, config);
    let handle = server.handle();
    let serving = tokio::spawn(server.run(listener));
    sleep(Duration::from_secs(1)).await;
    handle.drain();
    soon(serving).await.expect("no panic");
    calls.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_nothing_is_still_one() {
    const EMFILE: i32 = 24;
    let asked = asked_in_a_second(EMFILE).await;
    assert!(asked <= 1_001, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_shut_down_is_not_asked_without_a_pause() {
    // What accept says of such a socket, and what others say of a client that is gone.
    const EINVAL: i32 = 22;
    const ECONNABORTED: i32 = 103;
    for errno in [EINVAL, ECONNABORTED] {
        let asked = asked_in_a_second(errno).await;
        assert!(asked <= 1_001 + 128, "{errno}: {asked}");
    }
}
