//! The access log: one line a connection, with the fields that ztunnel's has; where HTTP is spoken, one line a request.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hbone::Authority;
use peer_meta::{DestinationService, Exchange, Own, Peer, Role};

use crate::canonical::canonical;

/// A connection, as the access log tells of it. What is not known is left out.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Access<'a> {
    /// Which way it went, seen from the workload.
    pub direction: Direction,
    /// Where it came from.
    pub client: SocketAddr,
    /// Outbound, the next hop; inbound, the address connected to.
    pub destination: SocketAddr,
    /// What the CONNECT asked for, if there was one.
    pub authority: Option<&'a Authority>,
    /// Who the two parties are.
    pub exchange: &'a Exchange,
    /// The service that it was for.
    pub service: Option<&'a DestinationService>,
}

/// Which way a connection goes, seen from the workload that a proxy works for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// To it.
    Inbound,
    /// From it.
    Outbound,
}

/// How a connection went.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Passed {
    /// Bytes that the workload sent: to the server outbound, to the client inbound.
    pub sent: u64,
    /// Bytes that it received.
    pub received: u64,
    /// How long it took.
    pub duration: Duration,
}

/// What a request asked for, as the log tells of it: without its query, which may hold what nobody else is to read.
#[derive(Debug, Clone)]
pub struct Asked {
    method: String,
    host: Option<String>,
    path: String,
    version: http::Version,
}

/// What stands for a method or a path that nobody could read.
const UNREAD: &str = "-";

impl Asked {
    /// What this head asks for.
    #[must_use]
    pub fn new(head: &http::request::Parts) -> Self {
        let header = head.headers.get(http::header::HOST);
        let host = match head.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => header.and_then(|host| host.to_str().ok()),
        };
        Self {
            method: head.method.to_string(),
            host: host.map(str::to_owned),
            path: head.uri.path().to_owned(),
            version: head.version,
        }
    }

    /// What came, and could not be read as a request.
    #[must_use]
    pub fn unread(version: http::Version) -> Self {
        Self {
            method: UNREAD.to_owned(),
            host: None,
            path: UNREAD.to_owned(),
            version,
        }
    }
}

impl<'a> Access<'a> {
    /// A connection from `client` to `destination`.
    #[must_use]
    pub const fn new(
        direction: Direction,
        client: SocketAddr,
        destination: SocketAddr,
        exchange: &'a Exchange,
    ) -> Self {
        Self {
            direction,
            client,
            destination,
            authority: None,
            exchange,
            service: None,
        }
    }

    /// Logs that the connection is over: as an error, if it came to an `error`.
    pub fn complete(&self, passed: Passed, error: Option<&dyn std::error::Error>) {
        let (source, destination) = self.parties();
        // The level has to be known where the line is written.
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(target: "access", $level, {
                    "src.addr" = %canonical(self.client),
                    "src.workload" = source.workload,
                    "src.namespace" = source.namespace,
                    "src.identity" = source.identity.as_deref(),
                    "src.cluster" = source.cluster,
                    "dst.addr" = %canonical(self.destination),
                    "dst.hbone_addr" = self.authority.map(tracing::field::display),
                    "dst.service" = self.service.map(DestinationService::host),
                    "dst.workload" = destination.workload,
                    "dst.namespace" = destination.namespace,
                    "dst.identity" = destination.identity.as_deref(),
                    "dst.cluster" = destination.cluster,
                    "direction" = self.direction.as_str(),
                    "bytes_sent" = passed.sent,
                    "bytes_recv" = passed.received,
                    "duration" = %format_args!("{}ms", passed.duration.as_millis()),
                    "error" = error.map(ToString::to_string),
                }, "connection complete")
            };
        }
        match error {
            Some(_) => line!(tracing::Level::ERROR),
            None => line!(tracing::Level::INFO),
        }
    }

    /// Logs that a request was answered: as an error, if it came to an `error`. `sent` is what the server sent.
    pub fn answered(
        &self,
        asked: &Asked,
        status: u16,
        flags: &'static str,
        passed: Passed,
        error: Option<&str>,
    ) {
        let (source, destination) = self.parties();
        // As above.
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(target: "access", $level, {
                    "src.addr" = %canonical(self.client),
                    "src.workload" = source.workload,
                    "src.namespace" = source.namespace,
                    "src.identity" = source.identity.as_deref(),
                    "src.cluster" = source.cluster,
                    "dst.addr" = %canonical(self.destination),
                    "dst.hbone_addr" = self.authority.map(tracing::field::display),
                    "dst.service" = self.service.map(DestinationService::host),
                    "dst.workload" = destination.workload,
                    "dst.namespace" = destination.namespace,
                    "dst.identity" = destination.identity.as_deref(),
                    "dst.cluster" = destination.cluster,
                    "direction" = self.direction.as_str(),
                    "http.method" = asked.method.as_str(),
                    "http.host" = asked.host.as_deref(),
                    "http.path" = asked.path.as_str(),
                    "http.version" = ?asked.version,
                    "http.status" = status,
                    "flags" = flags,
                    "bytes_sent" = passed.sent,
                    "bytes_recv" = passed.received,
                    "duration" = %format_args!("{}ms", passed.duration.as_millis()),
                    "error" = error,
                }, "request complete")
            };
        }
        match error {
            Some(_) => line!(tracing::Level::ERROR),
            None => line!(tracing::Level::INFO),
        }
    }

    fn parties(&self) -> (Party<'a>, Party<'a>) {
        let own = Party::own(self.exchange);
        match self.exchange.role() {
            Role::DestinationNodeProxy => (Party::peer(self.exchange.downstream()), own),
            Role::EastWestGateway | Role::Waypoint => (
                Party::peer(self.exchange.downstream()),
                Party::peer(self.exchange.upstream()),
            ),
            _ => (own, Party::peer(self.exchange.upstream())),
        }
    }
}

/// Logs that a connection was refused before anything was known of it, as ztunnel does: with its addresses alone.
pub fn refused(
    direction: Direction,
    client: SocketAddr,
    destination: impl fmt::Display,
    error: &dyn std::error::Error,
) {
    tracing::event!(target: "access", tracing::Level::WARN, {
        "src.addr" = %canonical(client),
        "dst.addr" = %destination,
        "direction" = direction.as_str(),
        "error" = error.to_string(),
    }, "connection failed");
}

impl Direction {
    /// As it stands in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

impl Passed {
    /// So many bytes that the workload sent, so many that it received, in this time.
    #[must_use]
    pub const fn new(sent: u64, received: u64, duration: Duration) -> Self {
        Self {
            sent,
            received,
            duration,
        }
    }
}

/// What a line says of one end.
#[derive(Debug, Default)]
struct Party<'a> {
    workload: Option<&'a str>,
    namespace: Option<&'a str>,
    cluster: Option<&'a str>,
    identity: Option<String>,
}

impl<'a> Party<'a> {
    /// Ourselves; our identity only if the other end proved its own, since else nothing was proved to anybody.
    fn own(exchange: &'a Exchange) -> Self {
        let own: &'a Own = exchange.own();
        let peer = match exchange.role().has_downstream() {
            true => exchange.downstream(),
            false => exchange.upstream(),
        };
        let proved = own.identity().filter(|_| peer.identity().is_some());
        Self::new(Some(own.attributes()), proved)
    }

    fn peer(peer: &'a Peer) -> Self {
        Self::new(peer.for_telemetry(), peer.identity())
    }

    fn new(
        attributes: Option<&'a baggage::istio::PeerAttributes>,
        identity: Option<&hbone::SpiffeId>,
    ) -> Self {
        let identity = identity.map(ToString::to_string);
        let Some(attributes) = attributes else {
            return Self {
                identity,
                ..Self::default()
            };
        };
        // The pod where it is known; over the wire come the names of what it belongs to.
        let workload = attributes
            .instance()
            .or_else(|| attributes.workload())
            .or_else(|| attributes.service());
        Self {
            workload,
            namespace: attributes.namespace(),
            cluster: attributes.cluster(),
            identity,
        }
    }
}
