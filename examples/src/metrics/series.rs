use std::fmt;

use peer_meta::labels::{HttpLabels, TcpLabels};
use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};

/// Istio's labels, as a label set of the metrics library.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Series(pub(super) TcpLabels);

impl EncodeLabelSet for Series {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        for label in self.0.iter() {
            label.encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

/// The same for requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RequestSeries(pub(super) HttpLabels);

impl EncodeLabelSet for RequestSeries {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        for label in self.0.iter() {
            label.encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
