use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use hbone::mesh::Local;
use hbone::policy::{DeniedRange, DestinationPolicy, Opening};
use hbone::{Accept, DenyStatus, EstablishError, Reject};
use http::StatusCode;
use peer_meta::{Exchange, Role};
use tokio::net::TcpStream;
use tokio_hbone::{Addresses, Handler, Incoming, copy_bidirectional};

use crate::hops::Place;
use crate::topology::{Party, Topology};

/// The node proxy of one server pod.
pub(crate) struct DestinationProxy {
    topology: Arc<Topology>,
    pod: usize,
    policy: DestinationPolicy,
    served: AtomicU64,
}

impl DestinationProxy {
    pub(crate) fn new(topology: Arc<Topology>, pod: usize) -> Self {
        let policy = DestinationPolicy::local_only(topology.pods[pod].address)
            .open(Opening::ServiceNames)
            .open(Opening::Range(DeniedRange::Loopback));
        Self {
            topology,
            pod,
            policy,
            served: AtomicU64::new(0),
        }
    }

    /// The pod's name.
    pub(crate) fn name(&self) -> &str {
        &self.party().name
    }

    /// How many connections it has carried to its application.
    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    async fn carry(&self, incoming: Incoming) -> Result<()> {
        self.topology.hops.requested(Place::Inner, &incoming);
        let mut application = match self.dial(&incoming).await {
            Ok(application) => application,
            Err(reject) => {
                incoming.reject(&reject);
                return Err(reject).context("an inner tunnel was rejected");
            }
        };
        self.served.fetch_add(1, Ordering::Relaxed);

        let own = Arc::clone(&self.party().own);
        let config = &self.topology.exchange;
        let mut exchange = Exchange::new(Role::DestinationNodeProxy, config, own, Instant::now());
        exchange.handle_accepted(Some(Arc::new(incoming.peer().spiffe_id().clone())));
        let connect = incoming.connect();
        let network = connect
            .origin_network
            .as_ref()
            .map(|network| network.as_str().as_bytes());
        // Across networks the TCP peer is the gateway, and its address says nothing about the client.
        exchange.handle_request(self.topology.gateway.address, network, &connect.baggage);
        while let Some((side, address)) = exchange.poll_lookup() {
            exchange.handle_lookup(side, address, None);
        }

        let baggage = exchange
            .response_baggage(StatusCode::OK)
            .into_iter()
            .collect();
        let mut tunnel = incoming.accept(&Accept::new(baggage))?;
        let counted = self
            .topology
            .metrics
            .open(&exchange, &self.topology.service);
        let copied = copy_bidirectional(&mut tunnel, &mut application).await;
        counted.close(copied.sent, copied.received);
        Ok(copied.end?)
    }

    /// Policy, directory, policy again on the address that came out, and only then the connection.
    async fn dial(&self, incoming: &Incoming) -> Result<TcpStream, Reject> {
        let denied = |reason| Reject::denied(reason, DenyStatus::default());
        let authority = &incoming.connect().authority;
        let admitted = self
            .policy
            .admit(incoming.peer(), authority)
            .map_err(denied)?;
        let local = Local::new(&self.party().workload, self.party().address);
        let meant = local
            .target(&*self.topology.mesh, authority)
            .map_err(|not_here| Reject::from(&not_here))?;
        let checked = admitted.check(meant.target()).map_err(denied)?;
        let upstream = TcpStream::connect(checked.addr())
            .await
            .map_err(|_| Reject::UpstreamFailed)?;
        upstream
            .set_nodelay(true)
            .map_err(|_| Reject::UpstreamFailed)?;
        Ok(upstream)
    }

    fn party(&self) -> &Party {
        &self.topology.pods[self.pod]
    }
}

impl Handler for DestinationProxy {
    async fn handle(&self, incoming: Incoming) {
        if let Err(error) = self.carry(incoming).await {
            eprintln!("{}: {error:#}", self.name());
        }
    }

    fn accept_failed(&self, error: &io::Error) {
        eprintln!("{}: cannot accept: {error}", self.name());
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        let (name, from) = (self.name(), addresses.client);
        eprintln!("{name}: connection from {from}: {error}");
    }
}
