use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use hbone::PORT;
use rustls::crypto::aws_lc_rs;
use tokio_hbone::Acceptor;
use tokio_hbone::tls::ServerTls;

use crate::application;
use crate::destination_proxy::DestinationProxy;
use crate::gateway::Gateway;
use crate::listener::{serve, serve_hbone};
use crate::source_proxy::SourceProxy;
use crate::topology::{Party, SERVICE_PORT, Topology};

/// The mesh, every proxy and server of it listening.
pub(crate) struct Running {
    pub(crate) topology: Arc<Topology>,
    pub(crate) pods: Vec<Arc<DestinationProxy>>,
}

impl Running {
    pub(crate) async fn start(topology: Topology) -> Result<Self> {
        let topology = Arc::new(topology);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let acceptor = |party: &Party| {
            let (credentials, bundles) = (party.credentials.clone(), topology.bundles.clone());
            ServerTls::new(Arc::clone(&provider), credentials, bundles).map(Acceptor::new)
        };

        let mut pods = Vec::new();
        for (index, party) in topology.pods.iter().enumerate() {
            let application = SocketAddr::new(party.address, SERVICE_PORT);
            serve(application, "server", |socket, _| application::echo(socket)).await?;
            let proxy = Arc::new(DestinationProxy::new(Arc::clone(&topology), index));
            pods.push(Arc::clone(&proxy));
            let address = SocketAddr::new(party.address, PORT);
            serve_hbone(address, "node proxy", acceptor(party)?, proxy).await?;
        }

        let gateway = Gateway::new(Arc::clone(&topology))?;
        let address = SocketAddr::new(topology.gateway.address, PORT);
        serve_hbone(address, "gateway", acceptor(&topology.gateway)?, gateway).await?;

        let source = Arc::new(SourceProxy::new(
            Arc::clone(&topology),
            Arc::clone(&provider),
        )?);
        let destination = Topology::virtual_address();
        serve(destination, "client's node proxy", move |socket, _| {
            let source = Arc::clone(&source);
            async move { source.carry(socket, destination).await }
        })
        .await?;
        Ok(Self { topology, pods })
    }
}
