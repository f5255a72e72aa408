use std::net::SocketAddr;
use std::sync::Arc;

use hbone::mesh::Service;
use http::uri::Authority;
use peer_meta::DestinationService;

use super::{Client, Host, Refusal};
use crate::mesh_file::Site;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meant {
    /// A port of a service: whichever of its endpoints.
    Service {
        /// The service.
        service: Arc<Service>,
        /// The service port.
        port: u16,
    },
    /// A port of one workload of our own network.
    Workload(SocketAddr),
}

impl Meant {
    /// How metrics and logs name the service.
    pub(super) fn service(&self, site: &Site) -> Option<Arc<DestinationService>> {
        match self {
            Self::Service { service, .. } => site.file().destination_service(service),
            Self::Workload(_) => None,
        }
    }

    /// What stands for its host in a request that names none.
    pub(super) fn authority(&self) -> Option<Authority> {
        let text = match self {
            Self::Service { service, port } => format!("{}:{port}", service.hostname()),
            Self::Workload(address) => address.to_string(),
        };
        text.try_into().ok()
    }
}

/// Finds out what a request is for.
pub trait Routing: Send + Sync + 'static {
    /// What the host of a request from `client` means.
    ///
    /// # Errors
    /// It means nothing here.
    fn route(&self, site: &Site, client: &Client, host: Option<&Host>) -> Result<Meant, Refusal>;
}
