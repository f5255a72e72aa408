use baggage::istio::{PeerAttributes, WorkloadKind};

use super::owner::kind;
use super::{Metadata, ReadConfig};
use crate::Claimed;

/// Writes metadata as `key=value` pairs joined by commas, in Istio's order: type, workload, name, cluster, namespace, service,
/// revision, app, version, region, availability_zone, then the labels as `labels[]<key>`; what is not set is left out.
///
/// The identity is never in it. There is no escape: a value or key that holds a comma, or a key that holds a `=`, would be
/// read back as something else, and is left out too.
pub fn to_pairs(metadata: &Metadata) -> String {
    let attributes = metadata.attributes();
    let fields = [
        ("type", attributes.workload_kind().map(WorkloadKind::as_str)),
        ("workload", attributes.workload()),
        ("name", attributes.instance()),
        ("cluster", attributes.cluster()),
        ("namespace", attributes.namespace()),
        ("service", attributes.service()),
        ("revision", attributes.revision()),
        ("app", attributes.app()),
        ("version", attributes.version()),
        ("region", attributes.region()),
        ("availability_zone", attributes.zone()),
    ];
    let fields = fields
        .iter()
        .filter_map(|(key, value)| Some(("", *key, (*value)?)));
    let labels = metadata
        .labels()
        .iter()
        .map(|(key, value)| (LABEL, key, value));
    let mut text = String::new();
    for (prefix, key, value) in fields.chain(labels) {
        if key.contains([',', '=']) || value.contains(',') {
            continue;
        }
        let separator = if text.is_empty() { "" } else { "," };
        text.extend([separator, prefix, key, "=", value]);
    }
    text
}

/// Reads `key=value` pairs; unknown keys and pairs without `=` are ignored, of two with one key the later counts, and an
/// empty value is none.
pub fn from_pairs(text: &str, config: &ReadConfig) -> Claimed<Metadata> {
    let (mut attributes, mut name, mut of) = (PeerAttributes::builder(), "", None);
    let mut labels = Vec::new();
    for (key, value) in text.split(',').filter_map(|pair| pair.split_once('=')) {
        attributes = match key {
            "app" => attributes.app(value),
            "availability_zone" => attributes.zone(value),
            "cluster" => attributes.cluster(value),
            "name" => attributes.instance(value),
            "namespace" => attributes.namespace(value),
            "region" => attributes.region(value),
            "revision" => attributes.revision(value),
            "service" => attributes.service(value),
            "version" => attributes.version(value),
            other => {
                match other.strip_prefix(LABEL) {
                    Some(label) if config.keeps(label) => labels.push((label, value)),
                    None if other == "type" => of = kind(value),
                    None if other == "workload" => name = value,
                    _ => {}
                }
                attributes
            }
        };
    }
    let attributes = attributes.workload(of.unwrap_or(WorkloadKind::Pod), name);
    let metadata = Metadata::new(attributes.build());
    let labelled = labels.iter().fold(metadata, |metadata, (key, value)| {
        metadata.with_label(key, value)
    });
    Claimed::new(labelled)
}

const LABEL: &str = "labels[]";
