//! What it costs to tell a peer who we are, to learn who it is, and to label metrics with it, against strings formatted, split
//! and cloned for every tunnel.
//!
//! `cargo bench -p hbone-benches --bench exchange` prints the allocations and a ratio of one run, then criterion's times.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use criterion::{Criterion, criterion_group};
use hbone_benches::report;
use http::HeaderValue;
use peer_meta::labels::{LabelDialect, Report, TcpLabels};
use peer_meta::{DestinationService, Exchange, ExchangeConfig, Hop, Own, Role, Target};
use spiffe::SpiffeId;

const MOST_ALLOCATIONS_EXCHANGE: u64 = 3;
const MOST_ALLOCATIONS_LABELS: u64 = 1;
const MOST_ALLOCATIONS_TELLING: u64 = 0;
const TOLD: &str = "k8s.cluster.name=c2,k8s.namespace.name=shop,k8s.deployment.name=server-v1,service.name=server,\
                    service.version=v1,cloud.region=r2,cloud.availability_zone=z2";

/// A client's node proxy that has opened a tunnel into another network.
struct Client {
    answer: [HeaderValue; 1],
    config: ExchangeConfig,
    now: Instant,
    own: Arc<Own>,
    server: Arc<SpiffeId>,
}

impl Client {
    fn new() -> Self {
        let attributes = PeerAttributes::builder()
            .cluster("c1")
            .namespace("default")
            .workload(WorkloadKind::Deployment, "client-v1")
            .service("client")
            .revision("v1")
            .region("r1")
            .zone("z1")
            .build();
        let id =
            |name: &str| SpiffeId::new(format!("spiffe://mesh/ns/shop/sa/{name}")).expect("an id");
        Self {
            answer: [HeaderValue::from_static(TOLD)],
            config: ExchangeConfig::new(),
            now: Instant::now(),
            own: Arc::new(Own::new(attributes, Dialect::Ztunnel, "n1").with_identity(id("client"))),
            server: Arc::new(id("server")),
        }
    }

    /// From the dial to the answer.
    fn exchange(&self) -> Exchange {
        let mut exchange = Exchange::new(
            Role::SourceNodeProxy,
            &self.config,
            Arc::clone(&self.own),
            self.now,
        );
        exchange.dial(Target::OtherNetwork, self.now);
        black_box(exchange.request_baggage(Hop::Inner));
        exchange.handle_connected(Hop::Inner, Some(Arc::clone(&self.server)));
        exchange.handle_response(Hop::Inner, &self.answer);
        assert!(exchange.is_settled());
        exchange
    }

    /// The baseline: format our own header, split the peer's into a map.
    fn exchange_naively(&self) -> (String, HashMap<String, String>) {
        let own = self.own.attributes();
        let told = format!(
            "k8s.cluster.name={},k8s.namespace.name={},k8s.deployment.name={},service.name={},service.version={},\
             cloud.region={},cloud.availability_zone={}",
            own.cluster().unwrap_or_default(),
            own.namespace().unwrap_or_default(),
            own.workload().unwrap_or_default(),
            own.service().unwrap_or_default(),
            own.revision().unwrap_or_default(),
            own.region().unwrap_or_default(),
            own.zone().unwrap_or_default(),
        );
        let mut learned = HashMap::new();
        for line in &self.answer {
            for (key, value) in line
                .to_str()
                .unwrap_or_default()
                .split(',')
                .filter_map(|pair| pair.split_once('='))
            {
                learned.insert(key.to_owned(), value.to_owned());
            }
        }
        (told, learned)
    }
}

/// The baseline of labels: a list of strings of our own.
fn labels_naively(
    own: &PeerAttributes,
    peer: &HashMap<String, String>,
) -> Vec<(&'static str, String)> {
    let text = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
    let told = |key: &str| {
        peer.get(key)
            .cloned()
            .unwrap_or_else(|| "unknown".to_owned())
    };
    vec![
        ("reporter", "source".to_owned()),
        ("source_workload", text(own.workload())),
        ("source_canonical_service", text(own.service())),
        ("source_canonical_revision", text(own.revision())),
        ("source_workload_namespace", text(own.namespace())),
        (
            "source_principal",
            "spiffe://mesh/ns/shop/sa/client".to_owned(),
        ),
        ("source_app", text(own.service())),
        ("source_version", text(own.revision())),
        ("source_cluster", text(own.cluster())),
        (
            "destination_service",
            "server.shop.svc.cluster.local".to_owned(),
        ),
        ("destination_service_namespace", "shop".to_owned()),
        ("destination_service_name", "server".to_owned()),
        ("destination_workload", told("k8s.deployment.name")),
        ("destination_canonical_service", told("service.name")),
        ("destination_canonical_revision", told("service.version")),
        ("destination_workload_namespace", told("k8s.namespace.name")),
        (
            "destination_principal",
            "spiffe://mesh/ns/shop/sa/server".to_owned(),
        ),
        ("destination_app", told("k8s.deployment.name")),
        ("destination_version", told("service.version")),
        ("destination_cluster", told("k8s.cluster.name")),
        ("request_protocol", "tcp".to_owned()),
        ("response_flags", "-".to_owned()),
        ("connection_security_policy", "mutual_tls".to_owned()),
        ("source_region", text(own.region())),
        ("source_zone", text(own.zone())),
        ("destination_region", told("cloud.region")),
        ("destination_zone", told("cloud.availability_zone")),
    ]
}

fn bench(criterion: &mut Criterion) {
    let client = Client::new();
    let settled = client.exchange();
    let service = DestinationService::from_host("server.shop.svc.cluster.local");
    let report = Report::of(&settled).with_service(Some(&service));
    criterion.bench_function("exchange/settled", |bencher| {
        bencher.iter(|| client.exchange())
    });
    criterion.bench_function("exchange/settled naively", |bencher| {
        bencher.iter(|| client.exchange_naively())
    });
    criterion.bench_function("exchange/labels", |bencher| {
        bencher.iter(|| TcpLabels::new(&report, LabelDialect::Ztunnel));
    });
    let (_, learned) = client.exchange_naively();
    criterion.bench_function("exchange/labels naively", |bencher| {
        bencher.iter(|| labels_naively(client.own.attributes(), &learned));
    });
}

criterion_group!(benches, bench);

fn main() {
    let client = Client::new();
    let settled = client.exchange();
    let (_, learned) = client.exchange_naively();
    let service = DestinationService::from_host("server.shop.svc.cluster.local");
    report(
        "tell who we are",
        MOST_ALLOCATIONS_TELLING,
        || drop(black_box(settled.request_baggage(Hop::Inner))),
        || drop(black_box(HeaderValue::from_str(TOLD))),
    );
    report(
        "settle an exchange",
        MOST_ALLOCATIONS_EXCHANGE,
        || drop(black_box(client.exchange())),
        || drop(black_box(client.exchange_naively())),
    );
    report(
        "label it",
        MOST_ALLOCATIONS_LABELS,
        || {
            let report = Report::of(&settled).with_service(Some(&service));
            drop(black_box(TcpLabels::new(&report, LabelDialect::Ztunnel)));
        },
        || drop(black_box(labels_naively(client.own.attributes(), &learned))),
    );
    benches();
    Criterion::default().configure_from_args().final_summary();
}
