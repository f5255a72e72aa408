//! The committed table of 20 workloads, byte for byte: see `data/README.md`.

mod world;

use std::sync::Arc;

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use http::HeaderValue;
use peer_meta::{Exchange, ExchangeConfig, Hop, Own, Role};
use serde_json::Value;
use world::{epoch, id, ip};

pub(crate) fn table() -> Vec<Value> {
    let table: Vec<Value> = serde_json::from_str(include_str!("data/workloads.json")).unwrap();
    assert_eq!(table.len(), 20);
    table
}

pub(crate) fn attributes(row: &Value) -> PeerAttributes {
    let get = |key: &str| row[key].as_str().unwrap_or_default();
    let kind = match get("kind") {
        "cronjob" => WorkloadKind::CronJob,
        "job" => WorkloadKind::Job,
        "pod" => WorkloadKind::Pod,
        _ => WorkloadKind::Deployment,
    };
    PeerAttributes::builder()
        .cluster(get("cluster"))
        .namespace(get("namespace"))
        .workload(kind, get("workload"))
        .service(get("service"))
        .revision(get("revision"))
        .app(get("app"))
        .version(get("version"))
        .instance(get("instance"))
        .region(get("region"))
        .zone(get("zone"))
        .build()
}

fn dialects() -> [(&'static str, Dialect); 3] {
    [
        ("ztunnel", Dialect::Ztunnel),
        ("envoy", Dialect::Envoy),
        ("agentgateway", Dialect::Agentgateway),
    ]
}

#[test]
fn we_tell_what_each_of_the_three_writers_would() {
    for row in table() {
        for (writer, dialect) in dialects() {
            let own = Arc::new(Own::new(attributes(&row["workload"]), dialect, "here"));
            let exchange =
                Exchange::new(Role::SourceNodeProxy, &ExchangeConfig::new(), own, epoch());
            let told = exchange.request_baggage(Hop::Inner);
            let told = told.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(
                told,
                row["sends"][writer].as_str(),
                "{writer}: {}",
                row["name"]
            );
        }
    }
}

#[test]
fn we_learn_from_each_of_the_three_writers_what_it_tells() {
    for row in table() {
        for (writer, _) in dialects() {
            let told = row["sends"][writer].as_str().unwrap_or_default();
            let line = [HeaderValue::from_str(told).unwrap()];
            let own = world::own("own", "c1", "here");
            let mut exchange = Exchange::new(
                Role::DestinationNodeProxy,
                &ExchangeConfig::new(),
                own,
                epoch(),
            );
            exchange.handle_accepted(Some(id("peer")));
            exchange.handle_request(ip("10.0.0.1"), Some(b"there"), &line);
            let expected = &row["reads"][writer];
            let expected = (!expected.is_null()).then(|| attributes(expected));
            assert_eq!(
                exchange.downstream().for_telemetry(),
                expected.as_ref(),
                "{writer}: {}",
                row["name"]
            );
        }
    }
}

#[cfg(feature = "legacy")]
mod legacy {
    use http::{HeaderMap, HeaderValue};
    use peer_meta::legacy::{Metadata, MetadataCache, PeerHeaders, ReadConfig};

    use super::{attributes, table};

    #[test]
    fn we_put_on_requests_what_a_sidecar_would() {
        for row in table() {
            let mut headers = HeaderMap::new();
            let metadata = Metadata::new(attributes(&row["workload"]));
            PeerHeaders::new(&metadata, "sidecar~10.0.0.1~a.b~b.svc").on_request(&mut headers);
            assert_eq!(
                headers["x-envoy-peer-metadata"].to_str().unwrap(),
                row["x_envoy_peer_metadata"].as_str().unwrap(),
                "{}",
                row["name"]
            );
            assert_eq!(
                headers["x-envoy-peer-metadata-id"],
                "sidecar~10.0.0.1~a.b~b.svc"
            );
        }
    }

    #[test]
    fn we_read_a_sidecars_header_without_loss() {
        let mut cache = MetadataCache::new(ReadConfig::new());
        for row in table() {
            let value =
                HeaderValue::from_str(row["x_envoy_peer_metadata"].as_str().unwrap()).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert("x-envoy-peer-metadata", value);
            let read = cache.read(&headers).unwrap().unwrap().into_claim();
            assert_eq!(
                read,
                Metadata::new(attributes(&row["workload"])),
                "{}",
                row["name"]
            );
        }
    }
}
