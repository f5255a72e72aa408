/// From the client to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Plain HTTP, the ingress gateway, plain HTTP.
    Plain,
    /// Plain HTTP, the ingress gateway, a tunnel.
    Ingress,
    /// The same, and a tunnel inside of a tunnel.
    IngressFar,
    /// A tunnel, the waypoint, a tunnel.
    Waypoint,
    /// The same, and a tunnel inside of a tunnel.
    WaypointFar,
}

impl Way {
    pub(crate) const ALL: [Self; 5] = [
        Self::Plain,
        Self::Ingress,
        Self::IngressFar,
        Self::Waypoint,
        Self::WaypointFar,
    ];

    /// The host of the service that is reached by it.
    pub(crate) const fn host(self) -> &'static str {
        match self {
            Self::Plain => "plain.bench.svc.cluster.local",
            Self::Ingress | Self::Waypoint => "near.bench.svc.cluster.local",
            Self::IngressFar | Self::WaypointFar => "far.bench.svc.cluster.local",
        }
    }

    /// Whether the client is in the mesh.
    pub(crate) const fn is_by_waypoint(self) -> bool {
        matches!(self, Self::Waypoint | Self::WaypointFar)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "ingress gateway, plain",
            Self::Ingress => "ingress gateway, HBONE",
            Self::IngressFar => "ingress gateway, double HBONE",
            Self::Waypoint => "waypoint, HBONE",
            Self::WaypointFar => "waypoint, double HBONE",
        }
    }
}
