use super::label::{ENVOY_TCP, LOCALITY, Label, ZTUNNEL_TCP};
use super::label_set::LabelSet;
use super::label_value::LabelValue;
use super::{LabelDialect, Report};

/// The labels of Istio's TCP metrics (`istio_tcp_connections_opened_total` and its kin), in their order.
///
/// Made in one allocation; equal sets are equal keys.
///
/// Specification: HBONE-O-001, HBONE-O-002.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpLabels(LabelSet);

impl TcpLabels {
    /// Fills every label; what nobody could tell is `unknown`.
    pub fn new(report: &Report<'_>, dialect: LabelDialect) -> Self {
        let order: &'static [Label] = match dialect {
            LabelDialect::Envoy => &ENVOY_TCP,
            LabelDialect::Ztunnel => &ZTUNNEL_TCP,
        };
        Self(LabelSet::new(
            trim(order, report, dialect),
            |label| match label {
                Label::RequestProtocol => LabelValue::Fixed("tcp"),
                other => value(other, report, dialect),
            },
        ))
    }

    /// Names and values, in Istio's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &str)> {
        self.0.iter()
    }

    /// The value of one label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// How many labels are `unknown`.
    pub fn unknown(&self) -> usize {
        self.0.unknown()
    }

    /// The set into which a [`SeriesGuard`](super::SeriesGuard) folds this one: everything but the reporter is `other`.
    #[must_use]
    pub fn folded(&self) -> Self {
        Self(self.0.folded())
    }
}

/// The labels of a set that this report has: with or without those about locality.
pub(super) fn trim(
    order: &'static [Label],
    report: &Report<'_>,
    dialect: LabelDialect,
) -> &'static [Label] {
    if report.has_locality(dialect) {
        order
    } else {
        order
            .get(..order.len().saturating_sub(LOCALITY))
            .unwrap_or(order)
    }
}

/// The value of a label that TCP and HTTP sets have in common.
pub(super) fn value<'a>(
    label: Label,
    report: &Report<'a>,
    dialect: LabelDialect,
) -> LabelValue<'a> {
    match label {
        Label::ConnectionSecurityPolicy => report.security_policy(dialect),
        Label::DestinationService => report.service_host(dialect),
        Label::DestinationServiceName => report.service_name(dialect),
        Label::DestinationServiceNamespace => report.service_namespace(dialect),
        Label::Of(side, field) => report.field(side, field, dialect),
        Label::Reporter => LabelValue::Fixed(report.reporter().as_str()),
        Label::ResponseFlags => report.flags(),
        Label::GrpcResponseStatus | Label::RequestProtocol | Label::ResponseCode => {
            LabelValue::text(None)
        }
    }
}
