//! Istio's standard metric labels, filled from a settled exchange.
//!
//! A label that nobody could tell is `unknown`, never absent and never empty (but the gRPC status of what is no gRPC call,
//! which there is not); no label claims more than was proved:
//! `*_principal` comes from TLS alone. Values that peers send are bounded and stripped of everything that could
//! disturb a metrics endpoint or a dashboard. Which labels must be known when both ends speak baggage, and which Istio
//! itself leaves `unknown`, is written down in `docs/labels.md` of the repository.
//!
//! No metrics library is used here: a label set is an ordered list of names and values, and can be a key of a map.

mod connection_flag;
mod http_labels;
mod http_outcome;
mod label;
mod label_dialect;
mod label_set;
mod label_value;
mod report;
mod reporter;
mod series_guard;
mod subject;
mod tcp_labels;

pub use connection_flag::ConnectionFlag;
pub use http_labels::HttpLabels;
pub use http_outcome::HttpOutcome;
pub use label_dialect::LabelDialect;
pub use report::Report;
pub use reporter::Reporter;
pub use series_guard::SeriesGuard;
pub use subject::Subject;
pub use tcp_labels::TcpLabels;

/// The value of a label that nobody could tell.
pub const UNKNOWN: &str = "unknown";
/// The value of every label of the series into which a [`SeriesGuard`] folds what is too much.
pub const OTHER: &str = "other";
