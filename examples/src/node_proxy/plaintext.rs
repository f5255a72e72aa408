use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::access_log::{self, Access, Direction, Passed};
use crate::mesh_file::{MeshWatch, Site};
use crate::metrics::{Metered, Metrics};
use crate::proxy::{Admitted, Proxy, answer_lookups, close_is_reset, tune};
use hbone::authorization::Connection;
use hbone::mesh::Local;
use hbone::{Cut, TunnelError};
use peer_meta::labels::ConnectionFlag;
use peer_meta::{Exchange, ExchangeConfig, Role};
use thiserror::Error;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_hbone::Breakable;

use crate::node_proxy::original_destination::original_destination;
use crate::node_proxy::own_listeners::OwnListeners;

/// Serves plain connections to the workload that iptables has redirected, as far as the policies let them be: nobody has proved
/// who it is.
pub(crate) struct Plaintext {
    mesh: MeshWatch,
    metrics: Arc<Metrics>,
    exchange: ExchangeConfig,
    own: OwnListeners,
}

/// For the application to accept.
const PATIENCE: Duration = Duration::from_secs(10);

impl Plaintext {
    pub(crate) fn new(proxy: &Proxy, exchange: ExchangeConfig, own: OwnListeners) -> Self {
        Self {
            mesh: proxy.mesh().clone(),
            metrics: Arc::clone(proxy.metrics()),
            exchange,
            own,
        }
    }

    pub(crate) async fn serve(
        self: Arc<Self>,
        mut socket: TcpStream,
        client: SocketAddr,
        admitted: Admitted,
    ) {
        match original_destination(&socket) {
            Ok(destination) => self.carry(socket, client, destination, admitted).await,
            Err(error) => {
                let here = socket.local_addr().unwrap_or(client);
                access_log::refused(Direction::Inbound, client, here, &error);
                socket.break_off();
            }
        }
    }

    async fn carry(
        &self,
        mut socket: TcpStream,
        client: SocketAddr,
        destination: SocketAddr,
        mut admitted: Admitted,
    ) {
        let began = Instant::now();
        let site = self.mesh.current();
        let own = Arc::clone(site.own());
        let mut exchange = Exchange::new(Role::DestinationNodeProxy, &self.exchange, own, began);
        exchange.handle_accepted(None);
        exchange.handle_request(client.ip().to_canonical(), None, []);
        answer_lookups(&mut exchange, &site);
        let local = Local::new(site.workload(), destination.ip());
        let service = local.service(site.mesh(), destination.port(), None);
        let service = service.and_then(|service| site.file().destination_service(&service));
        let service = service.as_deref();

        let (passed, outcome) = match self.connect(&site, client, destination).await {
            Ok(application) => {
                let counted = self.metrics.open(&exchange, service);
                let mut application = Metered::server(application, &counted);
                let connection = Connection::new(client, destination);
                for end in [&socket, application.io()] {
                    close_is_reset(end, true);
                }
                let outcome = tokio::select! {
                    outcome = copy_bidirectional(&mut socket, &mut application) => outcome.map(drop),
                    () = admitted.cut() => Err(TunnelError::Cut(Cut::Drained).into()),
                    () = self.denial(connection) => Err(TunnelError::Cut(Cut::Revoked).into()),
                };
                if outcome.is_err() {
                    socket.break_off();
                    application.break_off();
                } else {
                    for end in [&socket, application.io()] {
                        close_is_reset(end, false);
                    }
                }
                let passed =
                    Passed::new(application.read(), application.written(), began.elapsed());
                let error = outcome.as_ref().err();
                counted.ended(error.map(|error| error as &(dyn std::error::Error + 'static)));
                (passed, outcome.map_err(Refusal::Broken))
            }
            Err(refusal) => {
                socket.break_off();
                self.metrics.failed(&exchange, service, refusal.flag());
                (Passed::new(0, 0, began.elapsed()), Err(refusal))
            }
        };
        let mut access = Access::new(Direction::Inbound, client, destination, &exchange);
        access.service = service;
        let error = outcome.as_ref().err();
        access.complete(passed, error.map(|error| error as &dyn std::error::Error));
    }

    async fn connect(
        &self,
        site: &Site,
        client: SocketAddr,
        destination: SocketAddr,
    ) -> Result<TcpStream, Refusal> {
        let workload = site.workload();
        if !workload.addresses.contains(&destination.ip()) {
            return Err(Refusal::Elsewhere(destination));
        }
        if self.own.contains(destination, workload) {
            return Err(Refusal::Loop(destination));
        }
        if !site
            .judge(&Connection::new(client, destination))
            .is_allowed()
        {
            return Err(Refusal::Denied);
        }
        let connecting = timeout(PATIENCE, TcpStream::connect(destination)).await;
        let socket = connecting
            .map_err(|_| io::ErrorKind::TimedOut.into())
            .and_then(|connected| connected)
            .map_err(Refusal::Unreachable)?;
        tune(&socket);
        Ok(socket)
    }

    /// Waits until the policies of the mesh no longer let the connection be.
    async fn denial(&self, connection: Connection<'_>) {
        let mut changes = self.mesh.changes();
        let denies = |site: &Arc<Site>| !site.judge(&connection).is_allowed();
        if changes.wait_for(denies).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Why a plain connection was not served to its end.
#[derive(Debug, Error)]
enum Refusal {
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("denied by policy: the mesh's authorization policies do not allow a plain connection")]
    Denied,
    #[error("{0} is not an address of the workload; is the mesh file outdated?")]
    Elsewhere(SocketAddr),
    #[error("{0} is a port of this proxy; connecting there would be talking to itself")]
    Loop(SocketAddr),
    #[error("the application did not accept the connection: {0}")]
    Unreachable(io::Error),
}

impl Refusal {
    const fn flag(&self) -> ConnectionFlag {
        match self {
            Self::Denied => ConnectionFlag::Deny,
            _ => ConnectionFlag::Connect,
        }
    }
}
