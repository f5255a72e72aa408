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
//!
//! A client in one network, a service whose only endpoint is in another:
//!
//! ```
//! use hbone::mesh::{
//!     Entropy, GatewayAddress, NamespacedHostname, NetworkAddress, Service, Source, StaticMesh, Way, Workload, plan,
//! };
//! use hbone::{Authority, Identity, Network};
//!
//! let (east, west) = (Network::parse("east")?, Network::parse("west")?);
//! let echo = NamespacedHostname::new("shop", "echo.shop.svc.cluster.local".parse()?);
//!
//! let mut client = Workload::new("client", "spiffe://cluster.local/ns/shop/sa/client".parse()?);
//! client.network = east;
//! let gateway_address = NetworkAddress::new(west.clone(), [192, 0, 2, 1].into());
//! let mut gateway = Workload::new("gateway", "spiffe://cluster.local/ns/infra/sa/gateway".parse()?);
//! gateway.network = west.clone();
//! gateway.addresses = vec![gateway_address.ip()];
//! // stands for whatever the west has; what matters is how many it counts for, and how to get there
//! let mut far = Workload::new("far", "spiffe://cluster.local/ns/shop/sa/stand-in".parse()?);
//! far.network = west;
//! far.network_gateway = Some(GatewayAddress::at(gateway_address));
//! far.services.insert(echo.clone(), [].into());
//! let mut service = Service::new(echo, [(80, 8080)]);
//! service.identities = Identity::parse("spiffe://cluster.local/ns/shop/sa/echo")?.into();
//! let mesh = StaticMesh::new([client.clone(), gateway, far], [service])?;
//!
//! let destination: Authority = "echo.shop.svc.cluster.local:80".parse()?;
//! let plan = plan(&mesh, Source::node_proxy(&client), &destination, Entropy::new(7))?;
//! assert_eq!(plan.way, Way::Gateway);
//! assert_eq!(plan.address, "192.0.2.1:15008".parse()?);
//! let [outer, inner] = &plan.legs[..] else { panic!() };
//! assert_eq!((&outer.authority, &inner.authority), (&destination, &destination));
//! assert_eq!(outer.expect.to_string(), "spiffe://cluster.local/ns/infra/sa/gateway");
//! assert_eq!(inner.expect.to_string(), "spiffe://cluster.local/ns/shop/sa/echo");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod shunned;
mod source;
mod static_mesh;
mod turns;
mod upstream;
mod without;
mod workload;

pub use directory::Directory;
pub use endpoint::Endpoint;
pub use entropy::Entropy;
pub use gateway_address::{GatewayAddress, GatewayDestination};
pub use inbound::{
    Candidate, Candidates, Forward, Fronted, Local, LocalTarget, NotHere, candidates, forward,
    fronted,
};
pub use load_balancing::{HealthPolicy, LoadBalancing, LoadBalancingMode};
pub use locality::{Locality, Scope};
pub use namespaced_hostname::NamespacedHostname;
pub use network_address::NetworkAddress;
pub use no_route::NoRoute;
pub use plan::{Leg, Plan, Way, WeightedPlan};
pub use planner::{plan, plan_all};
pub use ports::Ports;
pub use service::{AddressFamilies, Service, Visibility};
pub use shunned::Shunned;
pub use source::Source;
pub use static_mesh::{Ambiguous, StaticMesh};
pub use turns::Turns;
pub use without::Without;
pub use workload::{ApplicationTunnel, Health, Protocol, TunnelProtocol, Workload};
