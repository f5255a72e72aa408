use std::sync::Arc;

use thiserror::Error;

use super::{GatewayAddress, NamespacedHostname};
use crate::{Hostname, Network};

/// Why there is no way from the source to the destination. Nobody has been dialled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoRoute {
    /// The service's map and its endpoints' leave the target of the port open.
    #[error(
        "no endpoint of {service} says which of its ports serves port {port}; set a target port in the service, or in each endpoint"
    )]
    NoEndpointForPort {
        /// The service.
        service: NamespacedHostname,
        /// The service port.
        port: u16,
    },
    /// An east-west gateway hands traffic only to its own network, and there is no endpoint of the service there.
    #[error(
        "no endpoint of {service} is in network \"{network}\", where this gateway is; add one, or take the gateway off it"
    )]
    NoEndpointHere {
        /// The service.
        service: NamespacedHostname,
        /// The gateway's network.
        network: Network,
    },
    /// The service is strict about locality, and none of its healthy endpoints is near enough.
    #[error(
        "none of the healthy endpoints of {service} shares every scope that its strict load balancing demands with {source_uid}; add one there, or fail over instead"
    )]
    NoEndpointInScope {
        /// The service.
        service: NamespacedHostname,
        /// The source.
        source_uid: Arc<str>,
    },
    /// Endpoints are in another network, and none has a gateway.
    #[error(
        "{workload} is in network \"{network}\", out of reach from network \"{from}\", and has no network gateway; set one"
    )]
    NoGateway {
        /// The endpoint, or the waypoint.
        workload: Arc<str>,
        /// Its network.
        network: Network,
        /// The source's network.
        from: Network,
    },
    /// The inner tunnel ends at the endpoint, and none of those that have the port speaks HBONE.
    #[error(
        "no endpoint of {service} speaks HBONE, so none can end a tunnel; enrol them in the mesh"
    )]
    NoHboneEndpoint {
        /// The service.
        service: NamespacedHostname,
    },
    /// Every endpoint that has the port is unhealthy.
    #[error(
        "none of the {endpoints} endpoints of {service} is healthy; look at their readiness, or let the service use unhealthy ones"
    )]
    NoHealthyEndpoint {
        /// The service.
        service: NamespacedHostname,
        /// How many have the port.
        endpoints: usize,
    },
    /// A remote service without identities of its own. Nothing could prove that what answers behind the gateway is it.
    #[error(
        "{name} is in another network and no service lists its identities, so nobody behind the gateway could be trusted to be it; list the service's subject alternative names"
    )]
    NoIdentities {
        /// The service, or the waypoint's service, or a waypoint that is no service.
        name: String,
    },
    /// The port is not one of the service's.
    #[error("{service} does not expose port {port}; it has {exposed:?}")]
    PortNotExposed {
        /// The service.
        service: NamespacedHostname,
        /// The port asked for.
        port: u16,
        /// The ports it has.
        exposed: Vec<u16>,
    },
    /// A workload's own address was asked for, and its waypoint is in another network. Only services cross.
    #[error(
        "the waypoint {waypoint} of workload {workload} is in another network, and only traffic to a service can cross; address a service, or give the workload a waypoint of its own network"
    )]
    RemoteWorkloadWaypoint {
        /// The workload asked for.
        workload: Arc<str>,
        /// Its waypoint.
        waypoint: GatewayAddress,
    },
    /// No address of the workload can be used.
    #[error(
        "workload {workload} has no address that can be dialled from here; give it one, of a family that its service uses"
    )]
    Unaddressed {
        /// The workload.
        workload: Arc<str>,
    },
    /// The service has no endpoints, healthy or not.
    #[error("{service} has no endpoints; no workload names it among its services")]
    Unpopulated {
        /// The service.
        service: NamespacedHostname,
    },
    /// The directory knows nothing under the gateway's address.
    #[error(
        "the network gateway {gateway} of workload {workload} is neither a known service nor a known workload; add it to the mesh"
    )]
    UnknownGateway {
        /// The gateway as the workload names it.
        gateway: GatewayAddress,
        /// The workload behind it.
        workload: Arc<str>,
    },
    /// No service has the name. A name outside the mesh is resolved first and asked for by address.
    #[error(
        "no service is called {hostname}; resolve the name and ask for the address if it is outside the mesh"
    )]
    UnknownService {
        /// The name.
        hostname: Hostname,
    },
    /// The directory knows nothing under the waypoint's address. Traffic does not go past a waypoint that is missing.
    #[error(
        "the waypoint {waypoint} of {of} is neither a known service nor a known workload; add it to the mesh"
    )]
    UnknownWaypoint {
        /// The waypoint.
        waypoint: GatewayAddress,
        /// The service or the workload that has it.
        of: String,
    },
    /// The service is not visible from the source's namespace.
    #[error("{service} is not visible in namespace {namespace}; export it there")]
    Unseen {
        /// The service.
        service: NamespacedHostname,
        /// The namespace.
        namespace: String,
    },
}
