mod asked;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::access_log::{Access, Direction, Passed};
use crate::hop_log::HopLog;
use crate::mesh_file::MeshWatch;
use crate::metrics::{Metered, Metrics};
use crate::proxy::{
    Dialled, Proxy, answer_lookups, close_is_reset, dial, flag_of_reject, handshake_failed, tune,
};
use hbone::mesh::Local;
use hbone::policy::Checked;
use hbone::{Accept, Cut, DenyStatus, EstablishError, Lookup, Reject, ServeConfig, TunnelError};
use http::StatusCode;
use peer_meta::{DestinationService, Exchange, ExchangeConfig, Role};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_hbone::{Addresses, Copied, Handler, Incoming, copy_bidirectional};

use crate::node_proxy::own_listeners::OwnListeners;
use asked::Asked;

/// Serves the tunnels to the workload.
pub(crate) struct Inbound {
    mesh: MeshWatch,
    metrics: Arc<Metrics>,
    hop_log: HopLog,
    exchange: ExchangeConfig,
    own: OwnListeners,
    own_ports: Vec<u16>,
    /// Whether an application's tunnel that is told where a connection was going is reached at the loopback address.
    localhost_app_tunnel: bool,
    serve: ServeConfig,
}

/// ztunnel's SOCKS5 port, which is its own wherever ours is.
const SOCKS5: u16 = 15080;

impl Inbound {
    pub(crate) fn new(
        proxy: &Proxy,
        exchange: ExchangeConfig,
        own: &OwnListeners,
        localhost_app_tunnel: bool,
    ) -> Self {
        let ports = Local::OWN_PORTS.iter().copied().chain([SOCKS5]);
        let mut serve = ServeConfig::default();
        serve.deny_status = DenyStatus::Ztunnel;
        serve.lookup = Lookup::All;
        Self {
            mesh: proxy.mesh().clone(),
            metrics: Arc::clone(proxy.metrics()),
            hop_log: proxy.hop_log(),
            exchange,
            own: own.clone(),
            own_ports: ports.chain(own.ports()).collect(),
            localhost_app_tunnel,
            serve,
        }
    }

    /// What the exchange says once the request is read: everything that it will ever say.
    fn exchange(&self, asked: &Asked, incoming: &Incoming, began: Instant) -> Exchange {
        let own = Arc::clone(asked.site.own());
        let mut exchange = Exchange::new(Role::DestinationNodeProxy, &self.exchange, own, began);
        exchange.handle_accepted(Some(Arc::new(incoming.peer().spiffe_id().clone())));
        let connect = incoming.connect();
        let network = connect.origin_network.as_ref();
        let network = network.map(|network| network.as_str().as_bytes());
        exchange.handle_request(asked.addresses.client.ip(), network, &connect.baggage);
        answer_lookups(&mut exchange, &asked.site);
        exchange
    }

    /// Connects to the application and tells it, if it wants to know, where the connection was going.
    async fn connect(asked: &Asked, address: Checked<SocketAddr>) -> io::Result<TcpStream> {
        let mut socket = TcpStream::connect(address.addr()).await?;
        tune(&socket);
        if let Some(header) = asked.header()? {
            socket.write_all(&header).await?;
        }
        Ok(socket)
    }

    /// Carries the bytes, as long as the policies of the mesh let the connection be.
    async fn relay(
        &self,
        asked: &Asked,
        incoming: Incoming,
        accept: &Accept,
        application: &mut Metered<TcpStream>,
    ) -> Result<Copied, TunnelError> {
        let handle = incoming.handle();
        self.hop_log.answered(&incoming, accept);
        let mut tunnel = incoming.accept(accept)?;
        close_is_reset(application.io(), true);
        let mut changes = self.mesh.changes();
        let denial = changes.wait_for(|site| !asked.is_allowed_by(site));
        let mut copying = std::pin::pin!(copy_bidirectional(&mut tunnel, application));
        tokio::select! {
            copied = &mut copying => return Ok(copied),
            Ok(_) = denial => handle.cut(Cut::Revoked),
        }
        Ok(copying.await)
    }

    fn log(
        asked: &Asked,
        exchange: &Exchange,
        service: Option<&DestinationService>,
        passed: Passed,
        error: Option<&dyn std::error::Error>,
    ) {
        let Addresses { client, server } = asked.addresses;
        let mut access = Access::new(Direction::Inbound, client, server, exchange);
        access.authority = Some(&asked.authority);
        access.service = service;
        access.complete(passed, error);
    }
}

impl Handler for Inbound {
    async fn handle(&self, incoming: Incoming) {
        let began = Instant::now();
        let Some(addresses) = incoming.addresses() else {
            return incoming.reject(&Reject::NotReady);
        };
        let mut asked = Asked::new(self.mesh.current(), &incoming, addresses, &self.own_ports);
        asked.localhost_app_tunnel = self.localhost_app_tunnel;
        let exchange = self.exchange(&asked, &incoming, began);
        let service = asked.service();
        let service = service.as_deref();
        let policy = self.own.denied_by(asked.policy());
        let dialled = dial(
            &incoming,
            &policy,
            self.serve,
            |_authority| async { asked.target().map(|target| vec![target]) },
            |address| Self::connect(&asked, address),
        )
        .await;
        let outcome = match dialled {
            Dialled::Connected(application, _) => {
                let baggage = exchange.response_baggage(StatusCode::OK);
                let accept = Accept::new(baggage.into_iter().collect());
                let counted = self.metrics.open(&exchange, service);
                let mut application = Metered::server(application, &counted);
                let relayed = self
                    .relay(&asked, incoming, &accept, &mut application)
                    .await;
                let passed =
                    Passed::new(application.read(), application.written(), began.elapsed());
                let end = relayed.and_then(|copied| copied.end);
                if end.is_ok() {
                    close_is_reset(application.io(), false);
                }
                let error = end.as_ref().err();
                let error = error.map(|error| error as &(dyn std::error::Error + 'static));
                counted.ended(error);
                return Self::log(&asked, &exchange, service, passed, error);
            }
            Dialled::Rejected(reject) => {
                incoming.reject(&reject);
                reject
            }
            // There is nobody to answer; to the metrics it is one more connection that did not come about.
            Dialled::GivenUp => Reject::UpstreamFailed,
        };
        self.metrics
            .failed(&exchange, service, flag_of_reject(&outcome));
        let passed = Passed::new(0, 0, began.elapsed());
        Self::log(&asked, &exchange, service, passed, Some(&outcome));
    }

    fn accept_failed(&self, error: &io::Error) {
        tracing::warn!(%error, "cannot accept; trying again");
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        let site = self.mesh.current();
        let role = Role::DestinationNodeProxy;
        handshake_failed(role, &self.exchange, &site, &self.metrics, addresses, error);
    }

    fn turned_away(&self, addresses: Addresses) {
        tracing::warn!(src.addr = %addresses.client, "turned a connection away: there are too many, or this proxy is about to end");
    }
}
