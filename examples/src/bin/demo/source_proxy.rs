use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use hbone::mesh::{Entropy, Source, plan};
use hbone::{Forwarded, Hostname, Network, Position, Profile, Telling, Traceparent};
use peer_meta::{Exchange, Hop, Role, Target};
use rustls::crypto::CryptoProvider;
use tokio::net::TcpStream;
use tokio_hbone::tls::ClientTls;
use tokio_hbone::{Connector, copy_bidirectional};

use crate::hops::Place;
use crate::topology::{SERVICE, Topology};

/// The client's node proxy: what the application sends to a service's address goes through tunnels.
pub(crate) struct SourceProxy {
    topology: Arc<Topology>,
    connector: Connector,
    provider: Arc<CryptoProvider>,
}

impl SourceProxy {
    pub(crate) fn new(topology: Arc<Topology>, provider: Arc<CryptoProvider>) -> Result<Self> {
        let credentials = topology.client.credentials.clone();
        let tls = ClientTls::new(Arc::clone(&provider), credentials, topology.bundles.clone())?;
        Ok(Self {
            topology,
            connector: Connector::new(tls),
            provider,
        })
    }

    /// Carries one connection of the application, which it made to `destination`.
    pub(crate) async fn carry(&self, mut socket: TcpStream, destination: SocketAddr) -> Result<()> {
        socket.set_nodelay(true)?;
        let Topology {
            mesh,
            client,
            exchange,
            ..
        } = &*self.topology;
        let source = Source::node_proxy(&client.workload);
        let way = plan(
            &**mesh,
            source,
            &destination.into(),
            Entropy::new(self.random()?),
        )?;

        let own = Arc::clone(&client.own);
        let now = Instant::now();
        let mut exchange = Exchange::new(Role::SourceNodeProxy, exchange, own, now);
        exchange.dial(Target::OtherNetwork, now);
        let trace = self.trace()?;
        self.topology.hops.follow(trace);
        let mut telling = self.telling(socket.peer_addr()?, trace)?;
        telling.baggage = exchange.request_baggage(Hop::Inner).into_iter().collect();
        let route = way.route(Profile::Ztunnel, &telling);
        let route = route.with_context(|| format!("{destination} is not reached by a tunnel"))?;

        let mut tunnel = self
            .connector
            .connect(&route)
            .await
            .context("opening a tunnel")?;
        for (leg, answer) in way.legs.iter().zip(tunnel.answers()) {
            let hop = hop(leg.position);
            exchange.handle_connected(hop, Some(Arc::new(answer.peer.spiffe_id().clone())));
            exchange.handle_response(hop, &answer.accept.baggage);
            if let Some(place) = Place::of(leg.position) {
                self.topology.hops.answered(place, trace, answer);
            }
        }
        let counted = self
            .topology
            .metrics
            .open(&exchange, &self.topology.service);
        let copied = copy_bidirectional(&mut tunnel, &mut socket).await;
        counted.close(copied.received, copied.sent);
        Ok(copied.end?)
    }

    fn telling(&self, application: SocketAddr, trace: Traceparent) -> Result<Telling> {
        let mut telling = Telling::new();
        telling.forwarded = Some(Forwarded::client(
            application,
            Some(&Hostname::parse(SERVICE)?),
        ));
        telling.origin_network = Some(Network::parse(self.topology.client.own.network())?);
        telling.traceparent = Some(trace);
        Ok(telling)
    }

    fn trace(&self) -> Result<Traceparent> {
        let trace = NonZeroU128::new(self.random()?).unwrap_or(NonZeroU128::MIN);
        let span = NonZeroU64::new(self.random()? as u64).unwrap_or(NonZeroU64::MIN);
        Ok(Traceparent::new(trace, span))
    }

    fn random(&self) -> Result<u128> {
        let mut bytes = [0; 16];
        let filled = self.provider.secure_random.fill(&mut bytes);
        filled
            .ok()
            .context("the system has no randomness to give")?;
        Ok(u128::from_le_bytes(bytes))
    }
}

const fn hop(position: Position) -> Hop {
    match position {
        Position::Outer => Hop::Outer,
        Position::Inner => Hop::Inner,
        _ => Hop::Single,
    }
}
