use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use hbone::mesh::{Entropy, forward};
use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Accept, DenyStatus, EstablishError, Hostname, Reject};
use http::StatusCode;
use peer_meta::{Exchange, Role};
use tokio::net::TcpStream;
use tokio_hbone::{Addresses, Handler, Incoming, copy_bidirectional};

use crate::hops::Place;
use crate::topology::{SERVICE, Topology};

/// The east-west gateway: ends the outer tunnel, chooses a pod for it, and relays the bytes inside unopened.
pub(crate) struct Gateway {
    topology: Arc<Topology>,
    policy: DestinationPolicy,
    turn: AtomicU64,
}

impl Gateway {
    pub(crate) fn new(topology: Arc<Topology>) -> Result<Self> {
        let pods =
            AllowEntry::to_names([Hostname::parse(SERVICE)?]).within(["127.20.1.0/24".parse()?]);
        let policy = DestinationPolicy::allow_list([pods])
            .open(Opening::TunnelPort)
            .open(Opening::Range(DeniedRange::Loopback));
        Ok(Self {
            topology,
            policy,
            turn: AtomicU64::new(0),
        })
    }

    async fn relay(&self, incoming: Incoming) -> Result<()> {
        self.topology.hops.requested(Place::Outer, &incoming);
        let (mut upstream, incoming) = match self.dial(&incoming).await {
            Ok(upstream) => (upstream, incoming),
            Err(reject) => {
                incoming.reject(&reject);
                return Err(reject).context("an outer tunnel was rejected");
            }
        };
        let own = Arc::clone(&self.topology.gateway.own);
        let now = std::time::Instant::now();
        let exchange = Exchange::new(Role::EastWestGateway, &self.topology.exchange, own, now);
        let baggage = exchange
            .response_baggage(StatusCode::OK)
            .into_iter()
            .collect();
        let mut tunnel = incoming.accept(&Accept::new(baggage))?;
        copy_bidirectional(&mut tunnel, &mut upstream).await.end?;
        Ok(())
    }

    /// Policy, directory, policy again on the address that came out, and only then the connection.
    async fn dial(&self, incoming: &Incoming) -> Result<TcpStream, Reject> {
        let denied = |reason| Reject::denied(reason, DenyStatus::default());
        let connect = incoming.connect();
        let admitted = self
            .policy
            .admit(incoming.peer(), &connect.authority)
            .map_err(denied)?;
        let turn = Entropy::new(self.turn.fetch_add(1, Ordering::Relaxed).into());
        let workload = &self.topology.gateway.workload;
        let chosen = forward(
            &*self.topology.mesh,
            workload,
            &connect.authority,
            connect.source,
            turn,
        )
        .map_err(|not_here| Reject::from(&not_here))?;
        let checked = admitted.check(chosen.address).map_err(denied)?;
        let upstream = TcpStream::connect(checked.addr())
            .await
            .map_err(|_| Reject::UpstreamFailed)?;
        upstream
            .set_nodelay(true)
            .map_err(|_| Reject::UpstreamFailed)?;
        Ok(upstream)
    }
}

impl Handler for Gateway {
    async fn handle(&self, incoming: Incoming) {
        if let Err(error) = self.relay(incoming).await {
            eprintln!("gateway: {error:#}");
        }
    }

    fn accept_failed(&self, error: &io::Error) {
        eprintln!("gateway: cannot accept: {error}");
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        eprintln!("gateway: connection from {}: {error}", addresses.client);
    }
}
