use thiserror::Error;

use crate::mesh::{NamespacedHostname, NoRoute};
use crate::{Authority, Reject};

/// Why a CONNECT's authority means nothing to the proxy that received it. What the peer is told follows from its [`Reject`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotHere {
    /// The authority is an address that is neither the one connected to nor behind this waypoint.
    #[error(
        "{authority} is not an address of workload {workload}, nor is the workload its waypoint; the client has outdated addresses, or is lying"
    )]
    Mismatch {
        /// What was asked for.
        authority: Authority,
        /// Who was asked.
        workload: String,
    },
    /// The mesh has no way on.
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
    /// The workload is not an endpoint of the service asked for.
    #[error(
        "workload {workload} is not an endpoint of {service}; the client has outdated endpoints, or is lying"
    )]
    NotAnEndpoint {
        /// The service.
        service: NamespacedHostname,
        /// Who was asked.
        workload: String,
    },
    /// The service asked for has another waypoint, or none.
    #[error(
        "this is not the waypoint of {destination}; the client has an outdated waypoint, or is lying"
    )]
    NotItsWaypoint {
        /// The service or the workload.
        destination: String,
    },
    /// The port belongs to a proxy: a connection there would come back to us.
    #[error(
        "port {port} is one of the proxy's own; the service must target a port of the application"
    )]
    OwnPort {
        /// The port.
        port: u16,
    },
    /// The service has no address that could be told to the application.
    #[error(
        "{service} was asked for by name and has no address to tell the application's tunnel; give the service one"
    )]
    Unaddressed {
        /// The service.
        service: NamespacedHostname,
    },
    /// Nothing in the mesh has the address.
    #[error("{authority} is neither a service nor a workload of this network")]
    Unknown {
        /// What was asked for.
        authority: Authority,
    },
}

impl From<&NotHere> for Reject {
    /// The reason in the terms of the answer, which is where its status is decided.
    fn from(reason: &NotHere) -> Self {
        match reason {
            NotHere::Mismatch { .. } | NotHere::NotItsWaypoint { .. } | NotHere::Unknown { .. } => {
                Self::NotServedHere
            }
            NotHere::NoRoute(NoRoute::UnknownService { .. } | NoRoute::Unseen { .. }) => {
                Self::UnknownService
            }
            NotHere::NoRoute(
                NoRoute::PortNotExposed { .. } | NoRoute::NoEndpointForPort { .. },
            ) => Self::NoSuchPort,
            NotHere::NoRoute(_) | NotHere::NotAnEndpoint { .. } | NotHere::Unaddressed { .. } => {
                Self::NoEndpoint
            }
            NotHere::OwnPort { .. } => Self::SelfCall,
        }
    }
}
