use super::label::{HTTP, Label};
use super::label_set::LabelSet;
use super::label_value::LabelValue;
use super::tcp_labels::{trim, value};
use super::{HttpOutcome, LabelDialect, Report};

/// The labels of Istio's HTTP metrics (`istio_requests_total` and its kin), in the order of `istio_stats`.
///
/// Made in one allocation; equal sets are equal keys.
///
/// Specification: HBONE-O-001, HBONE-O-002.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpLabels(LabelSet);

impl HttpLabels {
    /// Fills every label; what nobody could tell is `unknown`.
    pub fn new(report: &Report<'_>, outcome: HttpOutcome, dialect: LabelDialect) -> Self {
        Self(LabelSet::new(
            trim(&HTTP, report, dialect),
            |label| match label {
                Label::GrpcResponseStatus => match outcome {
                    HttpOutcome::Grpc {
                        status: Some(status),
                        ..
                    } => LabelValue::Number(status),
                    HttpOutcome::Grpc { status: None, .. } | HttpOutcome::Http { .. } => {
                        LabelValue::Fixed("")
                    }
                },
                Label::RequestProtocol => LabelValue::Fixed(match outcome {
                    HttpOutcome::Grpc { .. } => "grpc",
                    HttpOutcome::Http { .. } => "http",
                }),
                Label::ResponseCode => match outcome {
                    HttpOutcome::Grpc { code, .. } | HttpOutcome::Http { code } => {
                        LabelValue::Number(code)
                    }
                },
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
