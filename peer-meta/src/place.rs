use crate::{Carrier, Method, Role, Side};

/// Where in a mesh a party is discovered, which decides the methods and their order.
///
/// | place | order | in another network |
/// |---|---|---|
/// | node proxy, inbound | directory, baggage | baggage |
/// | node proxy, outbound | directory, baggage | baggage (of the inner answer) |
/// | waypoint, downstream | directory, baggage | baggage |
/// | waypoint and ingress gateway, upstream | directory, baggage, endpoint | baggage |
/// | east-west gateway, downstream | directory, baggage | baggage |
/// | east-west gateway, upstream | directory, endpoint | |
/// | sidecar, inbound HTTP | Istio's headers, directory | Istio's headers |
/// | sidecar, outbound HTTP | Istio's headers, directory, endpoint | Istio's headers |
/// | sidecar, TCP | ALPN exchange, directory, endpoint | ALPN exchange |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// Who opened an outer tunnel to an east-west gateway.
    GatewayDownstream,
    /// The pod or waypoint to which an east-west gateway relays.
    GatewayUpstream,
    /// Whom an ingress gateway calls.
    IngressUpstream,
    /// Who opened a tunnel to a node proxy.
    NodeInbound,
    /// Whom a node proxy calls.
    NodeOutbound,
    /// Who called a sidecar, HTTP.
    SidecarInboundHttp,
    /// Whom a sidecar calls, HTTP.
    SidecarOutboundHttp,
    /// The other end of a sidecar's TCP connection, either side.
    SidecarTcp,
    /// Who opened a tunnel to a waypoint.
    WaypointDownstream,
    /// Whom a waypoint calls.
    WaypointUpstream,
}

impl Place {
    /// The place of one side of a role; `None` where the role has no such party.
    pub const fn of(role: Role, side: Side) -> Option<Self> {
        match (role, side) {
            (Role::DestinationNodeProxy, Side::Downstream) => Some(Self::NodeInbound),
            (Role::EastWestGateway, Side::Downstream) => Some(Self::GatewayDownstream),
            (Role::EastWestGateway, Side::Upstream) => Some(Self::GatewayUpstream),
            (Role::IngressGateway, Side::Upstream) => Some(Self::IngressUpstream),
            (Role::SourceNodeProxy, Side::Upstream) => Some(Self::NodeOutbound),
            (Role::Waypoint, Side::Downstream) => Some(Self::WaypointDownstream),
            (Role::Waypoint, Side::Upstream) => Some(Self::WaypointUpstream),
            (Role::DestinationNodeProxy, Side::Upstream)
            | (Role::IngressGateway | Role::SourceNodeProxy, Side::Downstream) => None,
        }
    }

    /// The methods, in the order in which they are believed: the first hit wins, whole.
    pub const fn methods(self) -> &'static [Method] {
        const BAGGAGE: Method = Method::Claim(Carrier::Baggage);
        match self {
            Self::GatewayDownstream
            | Self::NodeInbound
            | Self::NodeOutbound
            | Self::WaypointDownstream => &[Method::Directory, BAGGAGE],
            Self::GatewayUpstream => &[Method::Directory, Method::Endpoint],
            Self::IngressUpstream | Self::WaypointUpstream => {
                &[Method::Directory, BAGGAGE, Method::Endpoint]
            }
            Self::SidecarInboundHttp => &[Method::Claim(Carrier::IstioHeaders), Method::Directory],
            Self::SidecarOutboundHttp => &[
                Method::Claim(Carrier::IstioHeaders),
                Method::Directory,
                Method::Endpoint,
            ],
            Self::SidecarTcp => &[
                Method::Claim(Carrier::AlpnExchange),
                Method::Directory,
                Method::Endpoint,
            ],
        }
    }

    /// Whether `claimed`, a peer's `x-forwarded-network`, is not `own`: ztunnel ignores ASCII case, Istio's Envoy does not.
    pub(crate) fn is_other_network(self, claimed: &[u8], own: &str) -> bool {
        match self {
            Self::NodeInbound | Self::NodeOutbound => !claimed.eq_ignore_ascii_case(own.as_bytes()),
            _ => claimed != own.as_bytes(),
        }
    }
}
