//! The mesh as a proxy knows it, and the two questions that it answers: how to get somewhere ([`plan`]), and what a CONNECT
//! that arrived is asking for (a workload's [`Local`], a waypoint's [`fronted`], an east-west gateway's [`forward`]).
//!
//! ```text
//!                      Directory (the caller's)
//!                      services, workloads, endpoints
//!                                |
//! source, destination ------> plan() ------> Plan: an address and up to two tunnels, or NoRoute
//! authority of a CONNECT ---> Local::target, fronted(), forward() ------> what it means here, or NotHere
//! ```
//!
//! Everything here is a function of its arguments. Names are not resolved, nobody is dialled, and chance is the caller's
//! [`Entropy`]. `docs/routing.md` lists what is planned when, in numbered rows.

mod asked;
mod choice;
mod directory;
mod endpoint;
mod entropy;
mod gateway_address;
mod inbound;
mod load_balancing;
mod locality;
mod namespaced_hostname;
mod network_address;
mod no_route;
mod plan;
mod planner;
mod ports;
mod service;
mod source;
mod static_mesh;
mod upstream;
mod workload;

pub use directory::Directory;
pub use endpoint::Endpoint;
pub use entropy::Entropy;
pub use gateway_address::{GatewayAddress, GatewayDestination};
pub use inbound::{Forward, Fronted, Local, LocalTarget, NotHere, forward, fronted};
pub use load_balancing::{HealthPolicy, LoadBalancing, LoadBalancingMode};
pub use locality::{Locality, Scope};
pub use namespaced_hostname::NamespacedHostname;
pub use network_address::NetworkAddress;
pub use no_route::NoRoute;
pub use plan::{Leg, Plan, Way};
pub use planner::plan;
pub use ports::Ports;
pub use service::{AddressFamilies, Service, Visibility};
pub use source::Source;
pub use static_mesh::{Ambiguous, StaticMesh};
pub use workload::{ApplicationTunnel, Health, Protocol, TunnelProtocol, Workload};
