use std::collections::BTreeSet;

use serde_json::Value;

/// What Kiali draws.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Edges of which all is known.
    pub(crate) known: BTreeSet<Edge>,
    /// Those with a party of which something is not.
    pub(crate) unknown: BTreeSet<Edge>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) source: Party,
    pub(crate) destination: Party,
    pub(crate) protocol: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Party {
    workload: String,
    cluster: String,
}

/// What Kiali makes a node of, for either side.
const PARTY: [&str; 5] = [
    "cluster",
    "workload_namespace",
    "workload",
    "canonical_service",
    "canonical_revision",
];

impl Graph {
    /// Adds what a query returned.
    pub(crate) fn add(&mut self, rows: &[Value], protocol: &str) {
        // Kiali draws what failed, too. On a machine without a free core something may, which is not what is asked here.
        let succeeded = |row: &&Value| row["metric"]["response_flags"] == "-";
        for row in rows.iter().filter(succeeded) {
            let labels = &row["metric"];
            let label = |side: &str, name: &str| {
                let value = labels[format!("{side}_{name}")].as_str();
                value
                    .unwrap_or_else(|| panic!("no {side}_{name} in {labels}"))
                    .to_owned()
            };
            let party = |side| Party::new(&label(side, "workload"), &label(side, "cluster"));
            let edge = Edge::new(&party("source"), &party("destination"), protocol);
            let is_known = |side| PARTY.iter().all(|name| label(side, name) != "unknown");
            match is_known("source") && is_known("destination") {
                true => self.known.insert(edge),
                false => self.unknown.insert(edge),
            };
        }
    }
}

impl Edge {
    pub(crate) fn new(source: &Party, destination: &Party, protocol: &str) -> Self {
        Self {
            source: source.clone(),
            destination: destination.clone(),
            protocol: protocol.to_owned(),
        }
    }

    pub(crate) fn crosses_networks(&self) -> bool {
        self.source.cluster != self.destination.cluster
    }
}

impl Party {
    pub(crate) fn new(workload: &str, cluster: &str) -> Self {
        Self {
            workload: workload.to_owned(),
            cluster: cluster.to_owned(),
        }
    }
}
