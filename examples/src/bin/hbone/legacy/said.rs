use std::collections::BTreeMap;

use anyhow::bail;
use baggage::istio::PeerAttributes;
use peer_meta::legacy::{Metadata, Outcome};
use serde::{Deserialize, Serialize};

use crate::object::{Object, skipped};

/// What a carrier holds, as `decode legacy` prints it and `encode legacy` reads it. Of what is read, `metadata` and `id`
/// count.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    #[serde(default, deserialize_with = "skipped")]
    outcome: String,
    pub(crate) metadata: Option<Object<MetadataSaid>>,
    #[serde(default, skip_serializing)]
    pub(crate) id: String,
    /// How many bytes carried metadata, and how many followed them.
    #[serde(default, deserialize_with = "skipped")]
    taken: usize,
    #[serde(default, deserialize_with = "skipped")]
    left: usize,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetadataSaid {
    attributes: Object<PeerAttributes>,
    identity: String,
    labels: BTreeMap<String, String>,
}

impl Said {
    /// What was read: of so many bytes, `taken` carried it.
    pub(crate) fn new(outcome: Outcome<'_>, taken: usize, of: usize) -> Self {
        let (outcome, metadata) = match outcome {
            Outcome::Found(metadata) => {
                ("found", Some(Object(MetadataSaid::from(metadata.claim()))))
            }
            Outcome::NotFound => ("not_found", None),
            _ => ("silent", None),
        };
        Self {
            outcome: outcome.to_owned(),
            metadata,
            taken,
            left: of.saturating_sub(taken),
            ..Self::default()
        }
    }

    /// The same, unless the bytes were no preamble at all: Envoy hands those to the application, a person has made a mistake.
    pub(crate) fn of_a_preamble(self) -> anyhow::Result<Self> {
        if self.metadata.is_none() && self.taken == 0 {
            bail!(
                "byte 0: no preamble, which begins with 34 12 cd ab, or with ab cd 12 34 for --big-endian"
            );
        }
        Ok(self)
    }
}

impl MetadataSaid {
    pub(crate) fn to_metadata(&self) -> Metadata {
        let metadata = Metadata::new(self.attributes.0.clone()).with_identity(&self.identity);
        self.labels.iter().fold(metadata, |metadata, (key, value)| {
            metadata.with_label(key, value)
        })
    }
}

impl From<&Metadata> for MetadataSaid {
    fn from(metadata: &Metadata) -> Self {
        let labels = metadata.labels().iter();
        Self {
            attributes: Object(metadata.attributes().clone()),
            identity: metadata.claimed_identity().unwrap_or_default().into(),
            labels: labels
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        }
    }
}
