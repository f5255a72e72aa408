//! The labels in `data/labels.json`, which other implementations may use too: see `data/README.md`.

use std::sync::Arc;

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use peer_meta::labels::{LabelDialect, Report, Reporter, Subject, TcpLabels};
use peer_meta::{Attributes, Claimed, DestinationService, Own, Peer};
use serde_json::{Map, Value};
use spiffe::SpiffeId;

#[test]
fn each_report_has_the_labels_of_its_vector_in_both_dialects() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("data/labels.json")).unwrap();
    assert_eq!(vectors.len(), 15);
    for vector in &vectors {
        let (source, destination) = (party(&vector["source"]), party(&vector["destination"]));
        let service = &vector["service"];
        let text = |key: &str| service[key].as_str().unwrap();
        let service = (!service.is_null())
            .then(|| DestinationService::new(text("host"), text("name"), text("namespace")));
        let reporter = match vector["reporter"].as_str().unwrap() {
            "destination" => Reporter::Destination,
            "source" => Reporter::Source,
            _ => Reporter::Waypoint,
        };
        let report = Report::new(reporter, source.subject(), destination.subject())
            .with_service(service.as_ref());
        for (name, dialect) in [
            ("envoy", LabelDialect::Envoy),
            ("ztunnel", LabelDialect::Ztunnel),
        ] {
            let labels = TcpLabels::new(&report, dialect);
            let pair = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
            let labels: Map<String, Value> = labels.iter().map(pair).collect();
            let expected = &vector["labels"][name];
            assert_eq!(
                &Value::Object(labels),
                expected,
                "{name}: {}",
                vector["name"]
            );
        }
    }
}

enum Party {
    Own(Own),
    Peer(Peer),
}

impl Party {
    fn subject(&self) -> Subject<'_> {
        match self {
            Self::Own(own) => Subject::own(own),
            Self::Peer(peer) => Subject::peer(peer),
        }
    }
}

fn party(vector: &Value) -> Party {
    let get = |key: &str| vector["attributes"][key].as_str().unwrap_or_default();
    let attributes = PeerAttributes::builder()
        .cluster(get("cluster"))
        .namespace(get("namespace"))
        .workload(WorkloadKind::Deployment, get("workload"))
        .service(get("service"))
        .revision(get("revision"))
        .app(get("app"))
        .version(get("version"))
        .region(get("region"))
        .zone(get("zone"))
        .build();
    let identity = vector["identity"].as_str();
    let identity = identity.map(|id| Arc::new(SpiffeId::new(id).unwrap()));
    if vector["is"] == "own" {
        let own = Own::new(attributes, Dialect::Ztunnel, "here");
        return Party::Own(own.with_identity(identity.unwrap()));
    }
    let peer = Peer::from_tls(identity);
    Party::Peer(match vector["from"].as_str() {
        Some("baggage") => peer.with_attributes(Attributes::Claimed(Claimed::new(attributes))),
        Some(_) => peer.with_attributes(Attributes::Directory(attributes)),
        None => peer,
    })
}
