use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hbone::policy::Checked;
use hbone::{ApiMisuse, EstablishError, Reject, Serve, ServeAction, ServeConfig, ServeEnd};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::{Handler, Outcome, Served, Service};
use crate::connection::Addresses;
use crate::copy::{Breakable, CopyConfig, copy_bidirectional_with};
use crate::deadline::{now, within};
use crate::incoming::Incoming;

/// Serves CONNECTs as a proxy does: policy, lookup, policy, connect, 200, and then bytes both ways.
///
/// [`Serve`] decides, this carries it out. A client that takes its CONNECT back, or is lost, ends the lookup or the connecting
/// that is under way at once.
pub struct Relay<S> {
    service: S,
    config: RelayConfig,
    dials: Arc<Semaphore>,
}

impl<S: Service> Relay<S> {
    /// A relay with default limits.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self::with_config(service, RelayConfig::default())
    }

    /// A relay with other limits.
    #[must_use]
    pub fn with_config(service: S, config: RelayConfig) -> Self {
        let most = config.max_dials.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            service,
            config,
            dials: Arc::new(Semaphore::new(most)),
        }
    }

    /// Serves one CONNECT to its end.
    pub async fn serve(&self, incoming: Incoming) -> Served {
        let peer = incoming.peer().clone();
        let addresses = incoming.addresses();
        let authority = incoming.connect().authority.clone();
        let served = Served {
            peer,
            addresses,
            authority,
            outcome: self.relay(incoming).await,
        };
        self.service.served(&served);
        served
    }

    async fn relay(&self, incoming: Incoming) -> Outcome {
        // Boxed, so that an open tunnel does not hold the space that it took to open it.
        let connected = Box::pin(self.connect(&incoming)).await;
        let (socket, address) = match connected {
            Ok(Answer::Accept(socket, address)) => (socket, address),
            Ok(Answer::Reject(reject)) => {
                incoming.reject(&reject);
                return Outcome::Rejected(reject);
            }
            Ok(Answer::Nobody) => return Outcome::GivenUp,
            Err(_misuse) => {
                let reject = Reject::UpstreamFailed;
                incoming.reject(&reject);
                return Outcome::Rejected(reject);
            }
        };
        let accept = self.service.accept(&incoming);
        let Ok(mut tunnel) = incoming.accept(&accept) else {
            return Outcome::GivenUp;
        };
        let mut upstream = Upstream {
            socket,
            is_over: false,
        };
        let copied =
            copy_bidirectional_with(&mut tunnel, &mut upstream.socket, &self.config.copy).await;
        upstream.is_over = true;
        Outcome::Relayed {
            upstream: address,
            received: copied.received,
            sent: copied.sent,
            end: copied.end,
        }
    }

    /// Does what [`Serve`] says until it has an answer.
    async fn connect(&self, incoming: &Incoming) -> Result<Answer, ApiMisuse> {
        let policy = self.service.policy(incoming);
        let authority = &incoming.connect().authority;
        let mut serve = Serve::new(
            incoming.peer(),
            authority,
            &policy,
            self.config.serve,
            now(),
        );
        let mut upstream = None;
        while let Some(action) = serve.poll_action() {
            match action {
                ServeAction::Resolve(authority) => {
                    let asking = self.service.resolve(incoming, &authority);
                    match wanted(incoming, &mut serve, asking).await {
                        Some(Ok(addresses)) => serve.handle_resolved(addresses, now())?,
                        Some(Err(reject)) => serve.handle_unresolved(reject)?,
                        None => {}
                    }
                }
                ServeAction::Connect(attempt, address) => {
                    let dialling = self.dial(incoming, address);
                    match wanted(incoming, &mut serve, dialling).await {
                        Some(Ok(socket)) => {
                            let is_wanted = serve.handle_connected(attempt)?;
                            upstream = is_wanted.then_some((socket, address.addr()));
                        }
                        Some(Err(error)) => {
                            serve.handle_connect_failed(attempt, error.kind(), now())?;
                        }
                        None => {}
                    }
                }
                ServeAction::Reject(reject) => return Ok(Answer::Reject(reject)),
                // What was under way is dropped as soon as it is not wanted any more, and who accepts has an upstream.
                _ => {}
            }
        }
        Ok(match (serve.end_reached(), upstream) {
            (Some(ServeEnd::Accepted), Some((socket, address))) => Answer::Accept(socket, address),
            _ => Answer::Nobody,
        })
    }

    async fn dial(
        &self,
        incoming: &Incoming,
        address: Checked<SocketAddr>,
    ) -> io::Result<TcpStream> {
        let turn = self.dials.acquire().await.map_err(io::Error::other)?;
        let socket = self.service.connect(incoming, address).await;
        drop(turn);
        socket
    }
}

/// Does `work` unless the client gives up or the time is up, which `serve` is told then.
async fn wanted<T>(
    incoming: &Incoming,
    serve: &mut Serve,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = incoming.given_up() => {
            serve.handle_reset();
            None
        }
        done = within(serve.poll_timeout(), work) => {
            if done.is_none() {
                serve.handle_timeout(now());
            }
            done
        }
    }
}

/// The socket of a tunnel. If the relaying stops half-way, since the server is dropped, it is broken off: a mere close would
/// tell the upstream that it has got all there is.
struct Upstream {
    socket: TcpStream,
    is_over: bool,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if !self.is_over {
            self.socket.break_off();
        }
    }
}

enum Answer {
    Accept(TcpStream, SocketAddr),
    Reject(Reject),
    /// There is nobody left to answer.
    Nobody,
}

impl<S: Service> Handler for Relay<S> {
    async fn handle(&self, incoming: Incoming) {
        self.serve(incoming).await;
    }

    fn accept_failed(&self, error: &io::Error) {
        self.service.accept_failed(error);
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        self.service.handshake_failed(addresses, error);
    }

    fn turned_away(&self, addresses: Addresses) {
        self.service.turned_away(addresses);
    }
}

/// The limits of a [`Relay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayConfig {
    /// How each CONNECT is served.
    pub serve: ServeConfig,
    /// The most connects that are under way at once: 512 by default, and 0 counts as 1. Further ones wait, and their time runs.
    pub max_dials: usize,
    /// How bytes are moved afterwards.
    pub copy: CopyConfig,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            serve: ServeConfig::default(),
            max_dials: 512,
            copy: CopyConfig::default(),
        }
    }
}

impl<S> fmt::Debug for Relay<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
