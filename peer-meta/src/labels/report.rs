use super::label::{Field, Side};
use super::label_value::LabelValue;
use super::{LabelDialect, Reporter, Subject, UNKNOWN};
use crate::{DestinationService, Exchange, Role};

/// Everything that a label set is made from.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    destination: Subject<'a>,
    flags: &'a str,
    locality: Option<bool>,
    proved: Proved,
    reporter: Reporter,
    service: Option<&'a DestinationService>,
    source: Subject<'a>,
}

/// What the TLS of the connection about which we report has proved.
#[derive(Clone, Copy, Debug)]
struct Proved {
    own: bool,
    peer: bool,
}

impl<'a> Report<'a> {
    /// What an exchange has learned so far, seen from its role.
    ///
    /// Our own principal is named only if the other end proved who it is: on a plaintext connection nothing was proved to
    /// anybody.
    pub fn of(exchange: &'a Exchange) -> Self {
        let own = Subject::own(exchange.own());
        let downstream = Subject::peer(exchange.downstream());
        let upstream = Subject::peer(exchange.upstream());
        let reporter = Reporter::of(exchange.role());
        match exchange.role() {
            Role::DestinationNodeProxy => Self::new(reporter, downstream, own),
            Role::EastWestGateway | Role::IngressGateway | Role::SourceNodeProxy => {
                Self::new(reporter, own, upstream)
            }
            Role::Waypoint => Self {
                proved: Proved {
                    own: own.is_proved(),
                    peer: downstream.is_proved(),
                },
                ..Self::new(reporter, downstream, upstream)
            },
        }
    }

    /// A report about these two, without an exchange: for proxies that learn of their peers in ways of their own. A
    /// `reporter` that is one of the two parties has its principal left out if the other one proved nothing.
    pub fn new(reporter: Reporter, source: Subject<'a>, destination: Subject<'a>) -> Self {
        let proved = match reporter {
            Reporter::Destination => Proved {
                own: destination.is_proved(),
                peer: source.is_proved(),
            },
            Reporter::Source => Proved {
                own: source.is_proved(),
                peer: destination.is_proved(),
            },
            // Which certificate a waypoint showed is not one of its labels.
            Reporter::Waypoint => Proved {
                own: true,
                peer: source.is_proved(),
            },
        };
        let (source, destination) = match reporter {
            Reporter::Destination if !proved.peer => (source, destination.unproved()),
            Reporter::Source if !proved.peer => (source.unproved(), destination),
            _ => (source, destination),
        };
        Self {
            destination,
            flags: "-",
            locality: None,
            proved,
            reporter,
            service: None,
            source,
        }
    }

    /// The same report about a connection or request for this service.
    #[must_use]
    pub const fn with_service(mut self, service: Option<&'a DestinationService>) -> Self {
        self.service = service;
        self
    }

    /// The same report with these response flags, as [`ConnectionFlag`](super::ConnectionFlag) or Envoy name them; `-`
    /// without.
    #[must_use]
    pub const fn with_flags(mut self, flags: &'a str) -> Self {
        self.flags = flags;
        self
    }

    /// The same report with or without the labels for region and zone, whatever the dialect does by itself.
    #[must_use]
    pub const fn with_locality(mut self, locality: bool) -> Self {
        self.locality = Some(locality);
        self
    }

    pub(super) const fn reporter(&self) -> Reporter {
        self.reporter
    }

    pub(super) const fn flags(&self) -> LabelValue<'a> {
        LabelValue::Text(self.flags)
    }

    pub(super) fn has_locality(&self, dialect: LabelDialect) -> bool {
        self.locality.unwrap_or_else(|| match dialect {
            LabelDialect::Envoy => false,
            LabelDialect::Ztunnel => self.source.is_known() || self.destination.is_known(),
        })
    }

    pub(super) fn security_policy(&self, dialect: LabelDialect) -> LabelValue<'a> {
        LabelValue::Fixed(match (dialect, self.reporter) {
            (LabelDialect::Ztunnel, _) if self.proved.peer => "mutual_tls",
            (LabelDialect::Ztunnel, _) | (LabelDialect::Envoy, Reporter::Source) => UNKNOWN,
            (LabelDialect::Envoy, _) if self.proved.peer && self.proved.own => "mutual_tls",
            (LabelDialect::Envoy, _) => "none",
        })
    }

    pub(super) fn service_host(&self, dialect: LabelDialect) -> LabelValue<'a> {
        LabelValue::text(
            self.named(DestinationService::host)
                .or_else(|| self.own_service(dialect)),
        )
    }

    pub(super) fn service_name(&self, dialect: LabelDialect) -> LabelValue<'a> {
        LabelValue::text(
            self.named(DestinationService::name)
                .or_else(|| self.own_service(dialect)),
        )
    }

    pub(super) fn service_namespace(&self, dialect: LabelDialect) -> LabelValue<'a> {
        match (self.named(DestinationService::namespace), dialect) {
            (None, LabelDialect::Envoy) => self.field(Side::Destination, Field::Namespace, dialect),
            (named, _) => LabelValue::text(named),
        }
    }

    pub(super) fn field(&self, side: Side, field: Field, dialect: LabelDialect) -> LabelValue<'a> {
        let subject = match side {
            Side::Destination => &self.destination,
            Side::Source => &self.source,
        };
        if field == Field::Principal {
            return subject
                .principal()
                .map_or(LabelValue::Fixed(UNKNOWN), LabelValue::Principal);
        }
        if field == Field::Namespace
            && self.proves_namespace(side, dialect)
            && let Some(namespace) = subject.proved_namespace()
        {
            return LabelValue::Text(namespace);
        }
        match subject.field(field, dialect) {
            Some(value) if !value.is_empty() => LabelValue::Text(value),
            _ if field == Field::CanonicalRevision && self.is_latest(side, dialect) => {
                LabelValue::Fixed("latest")
            }
            _ => LabelValue::Fixed(UNKNOWN),
        }
    }

    /// Envoy believes a peer's certificate more than what it says; the destination of a waypoint only says.
    fn proves_namespace(&self, side: Side, dialect: LabelDialect) -> bool {
        dialect == LabelDialect::Envoy && self.is_peer(side) && !self.is_waypoints_destination(side)
    }

    /// Envoy takes the revision of a peer that does not name one for `latest`.
    fn is_latest(&self, side: Side, dialect: LabelDialect) -> bool {
        dialect == LabelDialect::Envoy && self.is_peer(side) && !self.is_waypoints_destination(side)
    }

    fn is_peer(&self, side: Side) -> bool {
        match self.reporter {
            Reporter::Destination => side == Side::Source,
            Reporter::Source => side == Side::Destination,
            Reporter::Waypoint => true,
        }
    }

    fn is_waypoints_destination(&self, side: Side) -> bool {
        self.reporter == Reporter::Waypoint && side == Side::Destination
    }

    /// A part of the service's name, if it has that part: a request may come without a host.
    fn named(&self, part: impl Fn(&'a DestinationService) -> &'a str) -> Option<&'a str> {
        self.service.map(part).filter(|name| !name.is_empty())
    }

    /// Envoy at the destination names its own canonical service when the route named none.
    fn own_service(&self, dialect: LabelDialect) -> Option<&'a str> {
        (dialect == LabelDialect::Envoy && self.reporter == Reporter::Destination)
            .then(|| self.destination.field(Field::CanonicalService, dialect))?
    }
}
