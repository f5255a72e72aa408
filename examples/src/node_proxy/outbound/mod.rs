mod fault;
mod opened;
mod upstream;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::access_log::{self, Access, Direction, Passed};
use crate::hop_log::HopLog;
use crate::mesh_file::{MeshWatch, Site};
use crate::metrics::Metrics;
use crate::proxy::{Chance, Proxy, answer_lookups, connect_from};
use hbone::mesh::{NoRoute, Plan, Source, Way, plan};
use hbone::pool::Spread;
use hbone::{Authority, Forwarded, Network, Position, Profile, Telling};
use peer_meta::{Exchange, ExchangeConfig, Hop, Role, Target};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_hbone::{Connector, Pool, Tunnel};

use crate::node_proxy::own_listeners::OwnListeners;
pub(crate) use fault::Fault;
pub(crate) use opened::Opened;
use upstream::Upstream;

/// Carries the workload's connections to wherever they are going.
pub(crate) struct Outbound {
    mesh: MeshWatch,
    pool: Pool,
    metrics: Arc<Metrics>,
    chance: Chance,
    hop_log: HopLog,
    /// Makes the tunnels into other networks, if no two connections share one.
    own_tunnels: Option<Connector>,
    exchange: ExchangeConfig,
    own: OwnListeners,
}

/// For a plain connection, and for the DNS.
const PATIENCE: Duration = Duration::from_secs(10);

impl Outbound {
    pub(crate) fn new(
        proxy: &Proxy,
        pool: Pool,
        exchange: ExchangeConfig,
        own: OwnListeners,
    ) -> Self {
        Self {
            mesh: proxy.mesh().clone(),
            pool,
            metrics: Arc::clone(proxy.metrics()),
            chance: proxy.chance(),
            hop_log: proxy.hop_log(),
            own_tunnels: None,
            exchange,
            own,
        }
    }

    /// Each connection into another network has tunnels of its own from now on, which `connector` makes, and so an endpoint of its
    /// own choosing by the gateway there, as ztunnel has it.
    pub(crate) fn with_own_tunnels(self, connector: Connector) -> Self {
        Self {
            own_tunnels: Some(connector),
            ..self
        }
    }

    /// Opens the way to `destination` for the application at `client`.
    ///
    /// What goes wrong has been counted and logged.
    pub(crate) async fn open(
        &self,
        client: SocketAddr,
        destination: &Authority,
    ) -> Result<Opened, Fault> {
        let began = Instant::now();
        let site = self.mesh.current();
        let own = Arc::clone(site.own());
        let mut exchange = Exchange::new(Role::SourceNodeProxy, &self.exchange, own, began);
        let plan = match self.plan(&site, destination).await {
            Ok(plan) => plan,
            Err(fault) => {
                // Where it would have led, nobody knows.
                self.metrics.failed(&exchange, None, fault.flag());
                access_log::refused(Direction::Outbound, client, destination, &fault);
                return Err(fault);
            }
        };
        let target = match plan.legs.len() {
            0 | 1 => Target::Address(plan.address.ip()),
            _ => Target::OtherNetwork,
        };
        exchange.dial(target, began);
        answer_lookups(&mut exchange, &site);
        let service = plan.service.as_deref();
        let service = service.and_then(|service| site.file().destination_service(service));
        let upstream = self.connect(client, &site, &plan, &mut exchange).await;
        let authority = plan.legs.last().map(|leg| leg.authority.clone());
        match upstream {
            Ok(upstream) => {
                let counted = self.metrics.open(&exchange, service.as_deref());
                Ok(Opened {
                    upstream,
                    counted,
                    exchange,
                    service,
                    authority,
                    client,
                    next: plan.address,
                    began,
                })
            }
            Err(fault) => {
                self.metrics
                    .failed(&exchange, service.as_deref(), fault.flag());
                let mut access = Access::new(Direction::Outbound, client, plan.address, &exchange);
                access.authority = authority.as_ref();
                access.service = service.as_deref();
                access.complete(Passed::new(0, 0, began.elapsed()), Some(&fault));
                Err(fault)
            }
        }
    }

    /// The way there. A name that the mesh does not know is looked up in the DNS.
    async fn plan(&self, site: &Site, destination: &Authority) -> Result<Plan, Fault> {
        let source = Source::node_proxy(site.workload());
        let planned = plan(site.mesh(), source, destination, self.chance.entropy());
        let plan = match (planned, destination) {
            (Err(NoRoute::UnknownService { .. }), Authority::Name { host, port }) => {
                let found = timeout(PATIENCE, lookup_host((host.as_str(), port.get()))).await;
                let own = &site.workload().addresses;
                // The first one of a family that the workload has.
                let foreign = |to: &SocketAddr| !own.iter().any(|ip| ip.is_ipv4() == to.is_ipv4());
                let all = found.ok().and_then(Result::ok);
                let address = all.and_then(|all| all.min_by_key(foreign));
                let address = address.ok_or_else(|| Fault::Unresolved(host.clone()))?;
                plan(site.mesh(), source, &address.into(), self.chance.entropy())?
            }
            (planned, _) => planned?,
        };
        if plan.legs.is_empty() && self.own.contains(plan.address, site.workload()) {
            return Err(Fault::Loop(plan.address));
        }
        Ok(plan)
    }

    async fn connect(
        &self,
        client: SocketAddr,
        site: &Site,
        plan: &Plan,
        exchange: &mut Exchange,
    ) -> Result<Upstream, Fault> {
        let telling = self.telling(client, site, plan, exchange);
        let Some(route) = plan.route(Profile::Ztunnel, &telling) else {
            let socket = plain(&site.workload().addresses, plan.address).await?;
            exchange.handle_connected(Hop::Single, None);
            exchange.handle_response(Hop::Single, []);
            return Ok(Upstream::Plain(socket));
        };
        let across = weight(plan);
        let tunnel = match (across, &self.own_tunnels) {
            (Some(_), Some(connector)) => connector.connect(&route).await?,
            (Some(weight), None) => {
                let spread = Spread::by_weight(weight);
                self.pool.connect_spread(&route, spread).await?
            }
            (None, _) => self.pool.connect(&route).await?,
        };
        learn(plan, &tunnel, exchange);
        let hops = plan.legs.iter().zip(route.hops()).zip(tunnel.answers());
        for ((leg, hop), answer) in hops {
            self.hop_log.asked(leg.position, &hop.connect, answer);
        }
        Ok(Upstream::Tunnel(Box::new(tunnel)))
    }

    fn telling(
        &self,
        client: SocketAddr,
        site: &Site,
        plan: &Plan,
        exchange: &Exchange,
    ) -> Telling {
        let mut telling = Telling::new();
        telling.baggage = exchange.request_baggage(Hop::Single).into_iter().collect();
        let service = plan.service.as_deref();
        telling.forwarded = Some(Forwarded::client(
            client,
            service.map(|service| service.hostname()),
        ));
        let network: &Network = &site.workload().network;
        telling.origin_network = Some(network.clone());
        telling.traceparent = Some(self.chance.traceparent());
        telling
    }
}

/// How many servers there are behind a gateway, if the mesh file says so.
fn weight(plan: &Plan) -> Option<u32> {
    let behind = matches!(plan.way, Way::Gateway | Way::RemoteWaypoint);
    let stand_in = plan.receiver.as_ref().filter(|_| behind)?;
    Some(stand_in.capacity).filter(|capacity| *capacity > 1)
}

/// Tells the exchange who answered at each hop, and what.
fn learn(plan: &Plan, tunnel: &Tunnel, exchange: &mut Exchange) {
    for (leg, answer) in plan.legs.iter().zip(tunnel.answers()) {
        let hop = match leg.position {
            Position::Outer => Hop::Outer,
            Position::Inner => Hop::Inner,
            _ => Hop::Single,
        };
        let identity = Arc::new(answer.peer.spiffe_id().clone());
        exchange.handle_connected(hop, Some(identity));
        exchange.handle_response(hop, &answer.accept.baggage);
    }
}

async fn plain(own: &[IpAddr], address: SocketAddr) -> Result<TcpStream, Fault> {
    let unreachable = |kind| Fault::Unreachable { address, kind };
    let connecting = timeout(PATIENCE, connect_from(own, address)).await;
    connecting
        .map_err(|_| unreachable(io::ErrorKind::TimedOut))?
        .map_err(|error| unreachable(error.kind()))
}
