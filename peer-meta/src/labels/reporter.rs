use crate::Role;

/// From whose side a metric is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reporter {
    /// The proxy of the called workload.
    Destination,
    /// The proxy of the caller, or a gateway.
    Source,
    /// A waypoint between the two.
    Waypoint,
}

impl Reporter {
    /// The side from which a role reports.
    pub const fn of(role: Role) -> Self {
        match role {
            Role::DestinationNodeProxy => Self::Destination,
            Role::EastWestGateway | Role::IngressGateway | Role::SourceNodeProxy => Self::Source,
            Role::Waypoint => Self::Waypoint,
        }
    }

    /// The value of the label `reporter`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Source => "source",
            Self::Waypoint => "waypoint",
        }
    }
}
