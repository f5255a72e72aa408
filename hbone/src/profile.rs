mod position;
mod telling;

pub use position::Position;
pub use telling::Telling;

use crate::{Authority, Connect};

/// Whose habits a client follows in what it says on which hop.
///
/// # The table
///
/// | | single hop | hop to a waypoint | outer of two | inner of two |
/// |---|---|---|---|---|
/// | **Agentgateway** | baggage, network if it has a name, source | none | network if it has a name, source | baggage, network if it has a name, source |
/// | **Envoy** (Istio's) | baggage | baggage | source | baggage, network |
/// | **Ztunnel** | baggage, forwarded, traceparent | as single | as single | as single, and network |
///
/// A profile decides whether a header is there; how the value of `baggage` is written is for the crate that writes it.
///
/// Specification: HBONE-D-005, HBONE-H-012.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// agentgateway.
    Agentgateway,
    /// Istio's Envoy, with its filters.
    Envoy,
    /// ztunnel.
    Ztunnel,
}

/// Which headers stand on a hop.
#[derive(Debug, Clone, Copy)]
struct Row {
    baggage: bool,
    forwarded: bool,
    network: Presence,
    source: bool,
    traceparent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Never,
    IfNamed,
    IfKnown,
}

impl Profile {
    /// The head of a CONNECT at this position, out of all that could be said.
    pub fn connect(self, position: Position, authority: Authority, telling: &Telling) -> Connect {
        let row = self.row(position);
        let mut connect = Connect::new(authority);
        if row.baggage {
            connect.baggage = telling.baggage.clone();
        }
        if row.forwarded {
            connect.forwarded.clone_from(&telling.forwarded);
        }
        connect.origin_network = telling
            .origin_network
            .as_ref()
            .filter(|network| match row.network {
                Presence::Never => false,
                Presence::IfNamed => !network.is_empty(),
                Presence::IfKnown => true,
            })
            .cloned();
        if row.source {
            connect.source = telling.source;
        }
        if row.traceparent {
            connect.traceparent = telling.traceparent;
        }
        connect
    }

    const fn row(self, position: Position) -> Row {
        const NOTHING: Row = Row {
            baggage: false,
            forwarded: false,
            network: Presence::Never,
            source: false,
            traceparent: false,
        };
        match (self, position) {
            (Self::Agentgateway, Position::Single | Position::Inner) => Row {
                baggage: true,
                network: Presence::IfNamed,
                source: true,
                ..NOTHING
            },
            (Self::Agentgateway, Position::ToWaypoint) => NOTHING,
            (Self::Agentgateway, Position::Outer) => Row {
                network: Presence::IfNamed,
                source: true,
                ..NOTHING
            },
            (Self::Envoy, Position::Single | Position::ToWaypoint) => Row {
                baggage: true,
                ..NOTHING
            },
            (Self::Envoy, Position::Outer) => Row {
                source: true,
                ..NOTHING
            },
            (Self::Envoy, Position::Inner) => Row {
                baggage: true,
                network: Presence::IfKnown,
                ..NOTHING
            },
            (Self::Ztunnel, Position::Single | Position::ToWaypoint | Position::Outer) => Row {
                baggage: true,
                forwarded: true,
                traceparent: true,
                ..NOTHING
            },
            (Self::Ztunnel, Position::Inner) => Row {
                baggage: true,
                forwarded: true,
                network: Presence::IfKnown,
                traceparent: true,
                ..NOTHING
            },
        }
    }
}
