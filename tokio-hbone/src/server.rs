//! A whole server: sockets in, tunnels out, and an end to both.

mod census;
mod config;
mod failed_names;
mod handle;
mod handler;
mod handshakes;
mod listener;
mod relay;
mod served;
mod service;
mod system_resolver;

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{self, sleep, sleep_until};

use crate::acceptor::Acceptor;
use crate::connection::{Addresses, Connection};
use crate::deadline::{grace, now};
use census::Census;
pub use config::ServerConfig;
pub use handle::{ServerCounts, ServerHandle};
pub use handler::Handler;
use handshakes::{Evicted, Handshakes};
pub use listener::{Arrival, Listener};
pub use relay::{Relay, RelayConfig};
pub use served::{Outcome, Served};
pub use service::Service;
pub use system_resolver::SystemResolver;

/// Accepts connections and hands each CONNECT to a [`Handler`].
///
/// ```text
///  Listener ──> Server ──> Acceptor ──> Connection ──> Handler, such as a Relay
///                 │ caps, back-off        │ one task     │ one task each
///                 └ ServerHandle          └──────────────┘
/// ```
///
/// ```no_run
/// use hbone::policy::DestinationPolicy;
/// use tokio::net::TcpListener;
/// use tokio_hbone::tls::ServerTls;
/// use tokio_hbone::{Acceptor, Incoming, Relay, Served, Server, Service};
///
/// /// Lets every peer connect to the address of ours that it has reached, and to nothing else.
/// struct Local;
///
/// impl Service for Local {
///     fn policy(&self, incoming: &Incoming) -> DestinationPolicy {
///         match incoming.addresses() {
///             Some(addresses) => DestinationPolicy::local_only(addresses.server.ip()),
///             None => DestinationPolicy::deny_all(),
///         }
///     }
///
///     fn served(&self, served: &Served) {
///         println!("{} to {}: {:?}", served.peer, served.authority, served.outcome);
///     }
/// }
///
/// # async fn serve(tls: ServerTls) -> std::io::Result<()> {
/// let listener = TcpListener::bind("0.0.0.0:15008").await?;
/// let server = Server::new(Acceptor::new(tls), Relay::new(Local));
/// let handle = server.handle();
/// let serving = tokio::spawn(server.run(listener));
/// // When it is time to go: tunnels that are open may end by themselves for a while.
/// handle.drain();
/// serving.await?;
/// assert_eq!(handle.stats().tunnels, 0);
/// # Ok(())
/// # }
/// ```
///
/// It bounds what clients can make it hold ([`ServerConfig`]), survives the want of descriptors, and ends all that it has
/// started when it is drained or dropped.
///
/// Specification: HBONE-R-002, HBONE-R-003, HBONE-Q-005.
pub struct Server<H> {
    shared: Arc<Shared<H>>,
    handle: ServerHandle,
}

struct Shared<H> {
    acceptor: Acceptor,
    handler: H,
    config: ServerConfig,
    sockets: Arc<Semaphore>,
    handshakes: Handshakes,
    census: Arc<Census>,
}

/// From the drain deadline of the connections to that of the tasks behind them.
const GRACE: Duration = Duration::from_millis(150);
/// How often it is waited for, again, when that was noticed late.
const MOST_LATE: u32 = 3;
/// How many clients in a row may be gone before they are accepted. A listener that is shut down says of itself what others say of
/// a client (EINVAL), and would be asked again and again without a pause, and nobody told.
const MOST_GONE: u32 = 128;
/// Without any pause, failing would be all that the server does.
const LEAST_PAUSE: Duration = Duration::from_millis(1);

impl<H: Handler> Server<H> {
    /// A server with default limits.
    #[must_use]
    pub fn new(acceptor: Acceptor, handler: H) -> Self {
        Self::with_config(acceptor, handler, ServerConfig::default())
    }

    /// A server with other limits.
    #[must_use]
    pub fn with_config(acceptor: Acceptor, handler: H, config: ServerConfig) -> Self {
        let census = Arc::new(Census::new(config.max_connections_per_peer));
        let handshakes = Handshakes::new(config.max_handshakes);
        let sockets = Arc::new(Semaphore::new(
            config.max_connections.min(Semaphore::MAX_PERMITS),
        ));
        let handle = ServerHandle::new(
            Arc::clone(&census),
            handshakes.clone(),
            Arc::clone(&sockets),
            config.max_connections,
            acceptor.monitor().clone(),
        );
        let shared = Shared {
            acceptor,
            handler,
            config,
            sockets,
            handshakes,
            census,
        };
        Self {
            shared: Arc::new(shared),
            handle,
        }
    }

    /// Drains the server, or ends some of its connections, from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves until it has drained. Dropping the future ends everything at once.
    pub async fn run<L: Listener>(self, mut listener: L) {
        let mut tasks = JoinSet::new();
        let mut signals = self.handle.signals();
        let mut resume = None;
        let mut gone_in_a_row = 0;
        while signals.seen() == 0 {
            tokio::select! {
                () = signals.more() => {}
                Some(_) = tasks.join_next() => {}
                arrival = next_arrival(&mut listener, resume) => {
                    resume = None;
                    match arrival {
                        Ok(arrival) => {
                            gone_in_a_row = 0;
                            self.welcome(arrival, &mut tasks);
                        }
                        Err(error)
                            if gone_in_a_row < MOST_GONE
                                && listener::is_about_one_connection(&error) =>
                        {
                            gone_in_a_row += 1;
                        }
                        Err(error) => {
                            // No descriptor is left, most likely: to try again at once would only burn time.
                            self.shared.acceptor.monitor().accept_failed(&error);
                            self.shared.handler.accept_failed(&error);
                            let pause = self.shared.config.accept_pause.max(LEAST_PAUSE);
                            resume = Some(sleep(pause).deadline());
                        }
                    }
                }
            }
        }
        drop(listener);
        self.shared.handshakes.end_all();
        let patience = self.shared.acceptor.drain_deadline().saturating_add(GRACE);
        let mut until = now().checked_add(patience);
        let mut times_late = 0;
        while !tasks.is_empty() {
            tokio::select! {
                () = signals.more() => until = now().checked_add(GRACE),
                _ = tasks.join_next() => {}
                () = sleep_or_never(until) => {
                    if times_late >= MOST_LATE || until.and_then(grace).is_none() {
                        break;
                    }
                    // The program stood still, and the connections notice their deadline only now, too.
                    times_late += 1;
                    until = now().checked_add(GRACE);
                }
            }
        }
        tasks.shutdown().await;
    }

    /// Serves the client in a task of its own, if there is room for one more.
    fn welcome<IO>(&self, arrival: Arrival<IO>, tasks: &mut JoinSet<()>)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Ok(seat) = Arc::clone(&self.shared.sockets).try_acquire_owned() else {
            return self.shared.turned_away(arrival.addresses);
        };
        let turn = self.shared.handshakes.begin();
        let shared = Arc::clone(&self.shared);
        tasks.spawn(async move {
            let Arrival { io, addresses } = arrival;
            // Boxed, so that a client in its handshake does not hold the space for serving it, nor the other way about.
            let handshake = Box::pin(shared.acceptor.accept_from(io, Some(addresses)));
            match turn.run(handshake).await {
                Ok(Ok(connection)) => Box::pin(shared.serve(connection, addresses)).await,
                Ok(Err(error)) => shared.handler.handshake_failed(addresses, &error),
                Err(Evicted::ForRoom) => shared.turned_away(addresses),
                Err(Evicted::AtTheEnd) => {}
            }
            drop(seat);
        });
    }
}

impl<H: Handler> Shared<H> {
    fn turned_away(&self, addresses: Addresses) {
        self.acceptor.monitor().turned_away(addresses.client);
        self.handler.turned_away(addresses);
    }

    async fn serve<IO>(self: Arc<Self>, mut connection: Connection<IO>, addresses: Addresses)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Some(member) = self.census.enter(connection.peer(), connection.handle()) else {
            self.turned_away(addresses);
            return connection.turn_away().await;
        };
        let mut tunnels = JoinSet::new();
        loop {
            tokio::select! {
                incoming = connection.next() => {
                    let Some(incoming) = incoming else { break };
                    let (shared, counted) = (Arc::clone(&self), self.census.count_tunnel());
                    let scope = incoming.scope();
                    tunnels.spawn(scope.of_work(async move {
                        shared.handler.handle(incoming).await;
                        drop(counted);
                    }));
                }
                // A panic has reset its stream already, and is no reason to end another.
                Some(_) = tunnels.join_next() => {}
            }
        }
        drop((connection, member));
        // They have learnt of the end, and may have something to finish.
        while tunnels.join_next().await.is_some() {}
    }
}

async fn next_arrival<L: Listener>(
    listener: &mut L,
    resume: Option<time::Instant>,
) -> std::io::Result<Arrival<L::Io>> {
    if let Some(resume) = resume {
        sleep_until(resume).await;
    }
    listener.accept().await
}

async fn sleep_or_never(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => pending().await,
    }
}

impl<H> fmt::Debug for Server<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.shared.config)
            .field("counts", &self.handle.counts())
            .finish_non_exhaustive()
    }
}
