use crate::Hop;

/// The place of a proxy in the mesh, which decides what it tells and whom it can learn about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Accepts tunnels for a workload on its node, and reports as `destination`. ztunnel inbound.
    DestinationNodeProxy,
    /// Ends outer tunnels and relays their bytes; learns only the outer peer, and reports as `source`.
    EastWestGateway,
    /// Plain HTTP in, tunnels out; reports as `source`.
    IngressGateway,
    /// Opens tunnels for a workload on its node, and reports as `source`. ztunnel outbound.
    SourceNodeProxy,
    /// Ends tunnels, routes requests, opens tunnels; both other parties are peers, and it reports as `waypoint`.
    Waypoint,
}

impl Role {
    /// Whether something is accepted from a peer that tells us who it is.
    pub const fn has_downstream(self) -> bool {
        matches!(
            self,
            Self::DestinationNodeProxy | Self::EastWestGateway | Self::Waypoint
        )
    }

    /// Whether something is opened to a peer of whom we can learn who it is.
    pub const fn has_upstream(self) -> bool {
        !matches!(self, Self::DestinationNodeProxy)
    }

    /// Whether it sends CONNECT requests itself.
    pub(crate) const fn opens_tunnels(self) -> bool {
        matches!(
            self,
            Self::IngressGateway | Self::SourceNodeProxy | Self::Waypoint
        )
    }

    /// Whether the proxy has something to tell on a CONNECT request in this position: ztunnel tells on every hop;
    /// Istio's Envoy tells the party at the far end and says nothing to a gateway in between; an east-west gateway
    /// opens no tunnel of its own. (Whether the header is present on a hop is then the business of the sending
    /// profile, which may leave it out but has nothing to add.)
    pub(crate) const fn tells_on(self, hop: Hop) -> bool {
        match self {
            Self::SourceNodeProxy => true,
            Self::IngressGateway | Self::Waypoint => !matches!(hop, Hop::Outer),
            Self::DestinationNodeProxy | Self::EastWestGateway => false,
        }
    }

    /// Istio's Envoy answers with its baggage whatever the status; ztunnel only on success.
    pub(crate) const fn tells_on_failure(self) -> bool {
        matches!(self, Self::EastWestGateway | Self::Waypoint)
    }

    /// The two node proxies follow `ENABLE_RESPONSE_BAGGAGE`, the others `AMBIENT_ENABLE_BAGGAGE`.
    pub(crate) const fn is_node_proxy(self) -> bool {
        matches!(self, Self::DestinationNodeProxy | Self::SourceNodeProxy)
    }
}
