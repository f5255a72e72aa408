use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::hop_log::HopLog;
use crate::mesh_file::{MeshWatch, Site};
use crate::metrics::{Metered, Metrics};
use crate::proxy::{Chance, Dialled, Proxy, dial, flag_of_reject, handshake_failed};
use hbone::policy::{Checked, Denied, DeniedRange, DestinationPolicy, Opening};
use hbone::{Accept, DenyStatus, EstablishError, Lookup, Reject, ServeConfig};
use http::StatusCode;
use peer_meta::{Exchange, ExchangeConfig, Role};
use tokio::net::TcpStream;
use tokio_hbone::{Addresses, Handler, Incoming};

use crate::eastwest_gateway::asked::Asked;
use crate::eastwest_gateway::believed::Believed;
use crate::eastwest_gateway::endpoints::{Chosen, Endpoints};
use crate::eastwest_gateway::tunnel::carry;

/// Serves outer tunnels.
pub(crate) struct Gateway {
    mesh: MeshWatch,
    metrics: Arc<Metrics>,
    chance: Chance,
    hop_log: HopLog,
    exchange: ExchangeConfig,
    believed: Believed,
    endpoints: Endpoints,
    listener: SocketAddr,
    endpoint_drain: Duration,
}

/// How many endpoints are tried for one tunnel, and how long each may take. All of them fit into [`PATIENCE`].
const TRIES: usize = 3;
const TRY: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(10);

impl Gateway {
    pub(crate) fn new(
        proxy: &Proxy,
        exchange: ExchangeConfig,
        believed: Believed,
        listener: SocketAddr,
        endpoint_drain: Duration,
    ) -> Self {
        let endpoints = Endpoints::default();
        tokio::spawn(forget(proxy.mesh().clone(), endpoints.clone()));
        Self {
            mesh: proxy.mesh().clone(),
            metrics: Arc::clone(proxy.metrics()),
            chance: proxy.chance(),
            hop_log: proxy.hop_log(),
            exchange,
            believed,
            endpoints,
            listener,
            endpoint_drain,
        }
    }

    /// Where the mesh file leads is what the gateway is for. What else no peer should reach, it does not reach by it either: of a
    /// mesh that is all on this host, loopback is no such thing.
    fn policy(&self, site: &Site) -> DestinationPolicy {
        let mut policy = DestinationPolicy::allow_any_destination()
            .open(Opening::TunnelPort)
            .own_listener(self.listener);
        for own in &site.workload().addresses {
            policy = policy.own_address(*own);
            if own.to_canonical().is_loopback() {
                policy = policy.open(Opening::Range(DeniedRange::Loopback));
            }
        }
        policy
    }

    /// Chooses and connects; if that fails, chooses again.
    async fn connect(
        &self,
        asked: &Asked,
        incoming: &Incoming,
        exchange: &mut Exchange,
    ) -> Result<(TcpStream, Chosen), Failed> {
        if !asked.is_allowed_by(&asked.site) {
            return Err(Failed::before(Reject::denied(
                Denied::Authorization,
                DenyStatus::default(),
            )));
        }
        let policy = self.policy(&asked.site);
        let mut tried = Vec::new();
        let mut failed: Option<Failed> = None;
        while tried.len() < TRIES {
            let chosen = match self.endpoints.choose(
                &asked.site,
                &asked.authority,
                asked.source,
                &tried,
                self.chance.entropy(),
            ) {
                Ok(chosen) => chosen,
                Err(not_here) => {
                    return Err(failed.unwrap_or_else(|| Failed::before(Reject::from(&not_here))));
                }
            };
            tried.push(chosen.receiver.uid.clone());
            asked.dialling(exchange, &chosen);
            let resolve = |_authority| ready(Ok(vec![chosen.address]));
            match dial(incoming, &policy, serve(asked.began), resolve, connect).await {
                Dialled::Connected(socket, _) => {
                    chosen.connected();
                    return Ok((socket, chosen));
                }
                Dialled::GivenUp => {
                    return Err(Failed {
                        chosen: Some(chosen),
                        reject: None,
                    });
                }
                Dialled::Rejected(reject) => {
                    let is_final = matches!(reject, Reject::Denied { .. });
                    if !is_final {
                        chosen.failed();
                        tracing::debug!(endpoint = %chosen.address, %reject, "an endpoint did not take a tunnel");
                    }
                    failed = Some(Failed {
                        chosen: Some(chosen),
                        reject: Some(reject),
                    });
                    if is_final || asked.began.elapsed() >= PATIENCE {
                        break;
                    }
                }
            }
        }
        Err(failed.unwrap_or_else(|| Failed::before(Reject::NoEndpoint)))
    }
}

/// Why nobody was connected to.
struct Failed {
    chosen: Option<Chosen>,
    /// `None`: there is nobody left to answer.
    reject: Option<Reject>,
}

impl Failed {
    /// Before anybody was tried.
    const fn before(reject: Reject) -> Self {
        Self {
            chosen: None,
            reject: Some(reject),
        }
    }
}

impl Handler for Gateway {
    async fn handle(&self, incoming: Incoming) {
        let site = self.mesh.current();
        let Some(addresses) = incoming.addresses() else {
            return incoming.reject(&Reject::NotReady);
        };
        let source = self
            .believed
            .source(incoming.connect().source, incoming.peer(), &site);
        let asked = Asked::new(site, &incoming, addresses, source);
        let mut exchange = asked.exchange(&incoming, &self.exchange);
        match self.connect(&asked, &incoming, &mut exchange).await {
            Ok((socket, chosen)) => {
                self.relay(&asked, incoming, &exchange, socket, &chosen)
                    .await
            }
            Err(failed) => self.fail(&asked, incoming, &exchange, &failed),
        }
    }

    fn accept_failed(&self, error: &io::Error) {
        tracing::warn!(%error, "cannot accept; trying again");
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        let site = self.mesh.current();
        let role = Role::EastWestGateway;
        handshake_failed(role, &self.exchange, &site, &self.metrics, addresses, error);
    }

    fn turned_away(&self, addresses: Addresses) {
        tracing::warn!(src.addr = %addresses.client, "turned a connection away: there are too many, or this proxy is about to end");
    }
}

impl Gateway {
    async fn relay(
        &self,
        asked: &Asked,
        incoming: Incoming,
        exchange: &Exchange,
        socket: TcpStream,
        chosen: &Chosen,
    ) {
        let service = asked.service(chosen);
        let counted = self.metrics.open(exchange, service.as_deref());
        let mut upstream = Metered::server(socket, &counted);
        let handle = incoming.handle();
        let baggage = exchange.response_baggage(StatusCode::OK);
        let accept = Accept::new(baggage.into_iter().collect());
        self.hop_log.answered(&incoming, &accept);
        let mut tunnel = match incoming.accept(&accept) {
            Ok(tunnel) => tunnel,
            Err(error) => {
                counted.ended(Some(&error));
                return asked.log(exchange, Some(chosen), (0, 0), Some(&error));
            }
        };
        let receiver = (asked, &*chosen.receiver);
        let copied = carry(
            &mut tunnel,
            &mut upstream,
            &handle,
            &self.mesh,
            receiver,
            self.grace(),
        )
        .await;
        let error = copied.end.as_ref().err();
        let error = error.map(|error| error as &(dyn std::error::Error + 'static));
        counted.ended(error);
        asked.log(
            exchange,
            Some(chosen),
            (copied.received, copied.sent),
            error,
        );
    }

    /// How long this tunnel may go on when its receiver leaves: from half of what is allowed to all of it, so that not all
    /// clients come back at once.
    fn grace(&self) -> Duration {
        let half = self.endpoint_drain / 2;
        let some = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        let some = NonZeroU64::MIN.saturating_add(some);
        half.saturating_add(Duration::from_millis(self.chance.entropy().below(some)))
    }

    fn fail(&self, asked: &Asked, incoming: Incoming, exchange: &Exchange, failed: &Failed) {
        let chosen = failed.chosen.as_ref();
        let reject = failed.reject.as_ref().unwrap_or(&Reject::UpstreamFailed);
        if failed.reject.is_some() {
            incoming.reject(reject);
        }
        let service = chosen.and_then(|chosen| asked.service(chosen));
        self.metrics
            .failed(exchange, service.as_deref(), flag_of_reject(reject));
        asked.log(exchange, chosen, (0, 0), Some(reject));
    }
}

/// How one endpoint is tried, for a tunnel that was asked for at `began`.
fn serve(began: Instant) -> ServeConfig {
    let mut serve = ServeConfig::default();
    serve.lookup = Lookup::All;
    serve.attempt_timeout = TRY;
    serve.total_timeout = PATIENCE.saturating_sub(began.elapsed());
    serve
}

async fn connect(address: Checked<SocketAddr>) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address.addr()).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Follows the mesh, so that what is known of its endpoints does not outlive them.
async fn forget(mesh: MeshWatch, endpoints: Endpoints) {
    let mut changes = mesh.changes();
    drop(mesh);
    while changes.changed().await.is_ok() {
        let site = Arc::clone(&changes.borrow_and_update());
        endpoints.retain(&site);
    }
}
