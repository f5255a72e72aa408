use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use crate::access_log::{Access, Direction, Passed};
use crate::hop_log::HopLog;
use crate::http::{Client, Drain, Forwarder, Meant, Protocol, Sniffed, carry, serve, sniff};
use crate::mesh_file::{MeshWatch, Site};
use crate::metrics::Metrics;
use crate::proxy::{Proxy, answer_lookups, flag_of_reject, handshake_failed};
use hbone::authorization::Connection;
use hbone::mesh::{Fronted, fronted};
use hbone::policy::Denied;
use hbone::{Accept, Cut, DenyStatus, EstablishError, Identity, Reject};
use http::StatusCode;
use peer_meta::{Exchange, ExchangeConfig, Role};
use tokio_hbone::{Addresses, Handler, Incoming, Tunnel};

/// Serves tunnels to what it stands before.
pub(crate) struct Tunnels {
    mesh: MeshWatch,
    metrics: Arc<Metrics>,
    hop_log: HopLog,
    exchange: ExchangeConfig,
    forwarder: Arc<Forwarder>,
    tcp: Vec<u16>,
    drain: Drain,
}

impl Tunnels {
    pub(crate) fn new(
        proxy: &Proxy,
        exchange: ExchangeConfig,
        forwarder: Forwarder,
        tcp: Vec<u16>,
        drain: Drain,
    ) -> Self {
        Self {
            mesh: proxy.mesh().clone(),
            metrics: Arc::clone(proxy.metrics()),
            hop_log: proxy.hop_log(),
            exchange,
            forwarder: Arc::new(forwarder),
            tcp,
            drain,
        }
    }

    /// What the tunnel is for, if its client may have it.
    fn meant(&self, site: &Site, asked: &Asked) -> Result<Meant, Reject> {
        if !asked.is_allowed_by(site) {
            return Err(Reject::denied(Denied::Authorization, DenyStatus::default()));
        }
        let authority = &asked.incoming.connect().authority;
        let fronted = fronted(site.mesh(), site.workload(), authority);
        match fronted.map_err(|not_here| Reject::from(&not_here))? {
            Fronted::Service { service, port } => Ok(Meant::Service { service, port }),
            Fronted::Workload { workload, port } => {
                let address = workload.addresses.first().copied();
                let asked = authority.addr().map(|address| address.ip());
                let address = asked.or(address).ok_or(Reject::NoEndpoint)?;
                Ok(Meant::Workload((address, port).into()))
            }
            _ => Err(Reject::NoEndpoint),
        }
    }

    /// Who the client is, as far as it is known.
    fn exchange(&self, site: &Site, asked: &Asked) -> Exchange {
        let own = Arc::clone(site.own());
        let mut exchange = Exchange::new(Role::Waypoint, &self.exchange, own, asked.began);
        exchange.handle_accepted(Some(Arc::new(asked.peer.spiffe_id().clone())));
        let connect = asked.incoming.connect();
        let network = connect.origin_network.as_ref();
        let network = network.map(|network| network.as_str().as_bytes());
        let source = asked.addresses.client.ip().to_canonical();
        exchange.handle_request(source, network, &connect.baggage);
        answer_lookups(&mut exchange, site);
        exchange
    }

    async fn serve(&self, site: &Arc<Site>, tunnel: Tunnel, client: Client, meant: Meant) {
        let port = match &meant {
            Meant::Service { port, .. } => *port,
            Meant::Workload(address) => address.port(),
        };
        let patience = self.forwarder.limits().detect_timeout;
        let sniffed = match self.tcp.contains(&port) {
            true => Ok((Protocol::Tcp, Sniffed::untouched(tunnel))),
            false => sniff(tunnel, patience).await,
        };
        match sniffed {
            Ok((Protocol::Tcp, sniffed)) => {
                let (first, tunnel) = sniffed.into_parts();
                carry(&self.forwarder, site, tunnel, first, &client, &meant).await;
            }
            Ok((protocol, sniffed)) => {
                let forwarder = Arc::clone(&self.forwarder);
                serve(sniffed, protocol, forwarder, client, &self.drain).await;
            }
            Err(error) => {
                tracing::debug!(%error, src.addr = %client.address, "a tunnel ended before a word");
            }
        }
    }
}

/// One CONNECT.
struct Asked {
    incoming: Incoming,
    addresses: Addresses,
    peer: Identity,
    began: Instant,
}

impl Asked {
    /// Whether the policies let the client use the waypoint.
    fn is_allowed_by(&self, site: &Site) -> bool {
        is_allowed(site, self.addresses, &self.peer)
    }
}

fn is_allowed(site: &Site, addresses: Addresses, peer: &Identity) -> bool {
    let mut connection = Connection::new(addresses.client, addresses.server);
    connection.source = Some(peer);
    site.judge(&connection).is_allowed()
}

impl Handler for Tunnels {
    async fn handle(&self, incoming: Incoming) {
        let site = self.mesh.current();
        let Some(addresses) = incoming.addresses() else {
            return incoming.reject(&Reject::NotReady);
        };
        let asked = Asked {
            peer: incoming.peer().clone(),
            incoming,
            addresses,
            began: Instant::now(),
        };
        let exchange = self.exchange(&site, &asked);
        let mut client = Client::new(addresses.client, addresses.server, exchange);
        let connect = asked.incoming.connect();
        client.authority = Some(connect.authority.clone());
        client.forwarded = connect.forwarded.clone();
        let meant = match self.meant(&site, &asked) {
            Ok(meant) => meant,
            Err(reject) => return self.reject(asked, &client, &reject),
        };
        client.meant = Some(meant.clone());
        let handle = asked.incoming.handle();
        let baggage = client.exchange.response_baggage(StatusCode::OK);
        let accept = Accept::new(baggage.into_iter().collect());
        self.hop_log.answered(&asked.incoming, &accept);
        let Ok(tunnel) = asked.incoming.accept(&accept) else {
            return;
        };
        let mut changes = self.mesh.changes();
        let mut serving = pin!(self.serve(&site, tunnel, client, meant));
        loop {
            tokio::select! {
                () = &mut serving => return,
                Ok(()) = changes.changed() => {
                    let site = Arc::clone(&changes.borrow_and_update());
                    if !is_allowed(&site, addresses, &asked.peer) {
                        handle.cut(Cut::Revoked);
                    }
                }
            }
        }
    }

    fn accept_failed(&self, error: &io::Error) {
        tracing::warn!(%error, "cannot accept; trying again");
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        let site = self.mesh.current();
        let role = Role::Waypoint;
        handshake_failed(role, &self.exchange, &site, &self.metrics, addresses, error);
    }

    fn turned_away(&self, addresses: Addresses) {
        tracing::warn!(src.addr = %addresses.client, "turned a connection away: there are too many, or this proxy is about to end");
    }
}

impl Tunnels {
    fn reject(&self, asked: Asked, client: &Client, reject: &Reject) {
        asked.incoming.reject(reject);
        self.metrics
            .failed(&client.exchange, None, flag_of_reject(reject));
        let mut access = Access::new(
            Direction::Inbound,
            client.address,
            client.server,
            &client.exchange,
        );
        access.authority = client.authority.as_ref();
        access.complete(Passed::new(0, 0, asked.began.elapsed()), Some(reject));
    }
}
