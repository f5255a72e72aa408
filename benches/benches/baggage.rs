//! Reading and writing baggage: ratios against what is usually done, measured in one run.
//!
//! Criterion gives the times of each; the lines at the end give the ratios, each the median of rounds in
//! which the two take turns, so that a noisy machine disturbs both alike.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use baggage::istio::{Dialect, PeerAttributes, PeerAttributesRef, WorkloadKind};
use baggage::{Baggage, Limits, Members};
use criterion::{BenchmarkId, Criterion, Throughput};
use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::BaggagePropagator;

const HEADER: &str = "k8s.cluster.name=cluster-east-1,k8s.namespace.name=bookinfo,k8s.deployment.name=productpage-v1,\
    service.name=productpage,service.version=v1,cloud.region=us-east-1,cloud.availability_zone=us-east-1a";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    read(&mut criterion);
    write(&mut criterion);
    hostile(&mut criterion);
    criterion.final_summary();
    if !std::env::args().any(|argument| argument == "--test") {
        ratios();
    }
}

fn read(criterion: &mut Criterion) {
    let headers = headers();
    let line = HeaderValue::from_static(HEADER);
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(HEADER.len() as u64));
    group.bench_function("PeerAttributesRef", |b| b.iter(|| borrowed(&line)));
    group.bench_function("PeerAttributes", |b| b.iter(|| owned(&line)));
    group.bench_function("Members", |b| b.iter(|| members(&line)));
    group.bench_function("Baggage", |b| b.iter(|| generic(&headers)));
    group.bench_function("baseline: split and count references", |b| {
        b.iter(|| baseline::read(&line))
    });
    let propagator = BaggagePropagator::new();
    group.bench_function("opentelemetry_sdk: extract", |b| {
        b.iter(|| extract(&propagator, &headers))
    });
    group.finish();
}

fn write(criterion: &mut Criterion) {
    let peer = peer();
    let fields = baseline::read(&HeaderValue::from_static(HEADER));
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Bytes(HEADER.len() as u64));
    group.bench_function("PeerAttributes", |b| b.iter(|| encode(&peer)));
    group.bench_function("baseline: format and join", |b| {
        b.iter(|| baseline::write(&fields))
    });
    group.finish();
}

/// The time must grow with the length, whatever the octets.
fn hostile(criterion: &mut Criterion) {
    let limits = Limits::new()
        .with_members(usize::MAX)
        .with_bytes(usize::MAX)
        .with_raw_bytes(usize::MAX);
    let mut group = criterion.benchmark_group("hostile");
    for (name, start, octets) in hostile_octets() {
        for length in [1024, 8 * 1024, 64 * 1024] {
            let line: Vec<u8> = start
                .iter()
                .chain(octets.iter().cycle())
                .copied()
                .take(length)
                .collect();
            group.throughput(Throughput::Bytes(length as u64));
            group.bench_with_input(BenchmarkId::new(name, length), &line, |b, line| {
                b.iter(|| Baggage::parse([line.as_slice()], &limits));
            });
        }
    }
    group.finish();
}

fn ratios() {
    let headers = headers();
    let line = HeaderValue::from_static(HEADER);
    let peer = peer();
    let fields = baseline::read(&line);
    let propagator = BaggagePropagator::new();
    println!(
        "\nratios on the {}-byte header (how many times faster than the baseline)",
        HEADER.len()
    );
    for (contender, read) in [
        (
            "split and count references",
            baseline::read as fn(&HeaderValue) -> _,
        ),
        ("the same without a vector of pieces", baseline::read_lean),
    ] {
        let name = format!("read to PeerAttributesRef, against {contender}");
        ratio(&name, 4.0, || borrowed(&line), || read(&line));
        let name = format!("read to PeerAttributes, against {contender}");
        ratio(&name, 2.0, || owned(&line), || read(&line));
    }
    ratio(
        "read any members (Baggage), against opentelemetry_sdk's extract",
        10.0,
        || generic(&headers),
        || extract(&propagator, &headers),
    );
    ratio(
        "write PeerAttributes, against format and join",
        4.0,
        || encode(&peer),
        || baseline::write(&fields),
    );
    println!("\ntime for 64 KiB over time for 8 KiB (linear is 8)");
    let limits = Limits::new()
        .with_members(usize::MAX)
        .with_bytes(usize::MAX)
        .with_raw_bytes(usize::MAX);
    for (name, start, octets) in hostile_octets() {
        let line: Vec<u8> = start
            .iter()
            .chain(octets.iter().cycle())
            .copied()
            .take(64 * 1024)
            .collect();
        let growth = compare(
            || Baggage::parse([&line[..8 * 1024]], &limits),
            || Baggage::parse([&line], &limits),
        );
        println!("{growth:8.2}  {name}");
    }
}

fn ratio<A, B>(name: &str, goal: f64, ours: impl FnMut() -> A, theirs: impl FnMut() -> B) {
    println!("{:8.2}  {name} (goal {goal})", compare(ours, theirs));
}

/// How many times as long `theirs` takes as `ours`: the median of rounds in which they take turns.
fn compare<A, B>(mut ours: impl FnMut() -> A, mut theirs: impl FnMut() -> B) -> f64 {
    const ROUNDS: usize = 101;
    let repeat = repetitions(&mut theirs);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let ours = seconds(&mut ours, repeat);
            seconds(&mut theirs, repeat) / ours
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

/// Enough for about a millisecond.
fn repetitions<A>(work: &mut impl FnMut() -> A) -> u32 {
    seconds(work, 100);
    (1e-3 / (seconds(work, 100) / 100.0)).clamp(1.0, 1e6) as u32
}

fn seconds<A>(work: &mut impl FnMut() -> A, repeat: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..repeat {
        black_box(work());
    }
    start.elapsed().as_secs_f64()
}

fn borrowed(line: &HeaderValue) -> PeerAttributesRef<'_> {
    PeerAttributesRef::parse([black_box(line)], &Limits::new()).expect("a peer")
}

fn owned(line: &HeaderValue) -> PeerAttributes {
    PeerAttributes::parse([black_box(line)], &Limits::new()).expect("a peer")
}

fn members(line: &HeaderValue) -> usize {
    Members::new([black_box(line)], &Limits::new())
        .flatten()
        .count()
}

fn generic(headers: &HeaderMap) -> Baggage {
    Baggage::from_headers(black_box(headers), &Limits::new()).baggage
}

fn encode(peer: &PeerAttributes) -> String {
    let mut header = String::new();
    black_box(peer).encode(Dialect::Ztunnel, &mut header);
    header
}

fn extract(propagator: &BaggagePropagator, headers: &HeaderMap) -> usize {
    let context = propagator.extract_with_context(&Context::new(), &Headers(black_box(headers)));
    context.baggage().len()
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("baggage"),
        HeaderValue::from_static(HEADER),
    )])
}

fn peer() -> PeerAttributes {
    let peer = PeerAttributes::builder()
        .cluster("cluster-east-1")
        .namespace("bookinfo")
        .workload(WorkloadKind::Deployment, "productpage-v1")
        .service("productpage")
        .revision("v1")
        .region("us-east-1")
        .zone("us-east-1a")
        .build();
    assert_eq!(encode(&peer), HEADER);
    peer
}

fn hostile_octets() -> [(&'static str, &'static [u8], Vec<u8>); 6] {
    let mut state = 1_u32;
    let random = (0..64 * 1024).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    [
        ("`,`", b"", b",".to_vec()),
        ("`=`", b"k=", b"=".to_vec()),
        ("`;`", b"k=v", b";".to_vec()),
        ("`%`", b"k=", b"%".to_vec()),
        ("a=,", b"", b"a=,".to_vec()),
        ("random bytes", b"", random.collect()),
    ]
}

/// The common way, as a proxy that reads only its own keys does it.
mod baseline {
    use super::{Arc, HeaderValue, black_box};

    #[derive(Debug, Default)]
    pub(super) struct Fields {
        cluster: Option<Arc<str>>,
        namespace: Option<Arc<str>>,
        workload: Option<Arc<str>>,
        service: Option<Arc<str>>,
        revision: Option<Arc<str>>,
        region: Option<Arc<str>>,
        zone: Option<Arc<str>>,
    }

    /// As ztunnel does: the pieces between equals signs are collected, and the second is the value.
    pub(super) fn read(line: &HeaderValue) -> Fields {
        read_pairs(line, |member| {
            match member.split('=').collect::<Vec<_>>()[..] {
                [key, value, ..] => Some((key, value)),
                _ => None,
            }
        })
    }

    /// The same without collecting them.
    pub(super) fn read_lean(line: &HeaderValue) -> Fields {
        read_pairs(line, |member| {
            let mut parts = member.split('=');
            Some((parts.next()?, parts.next()?))
        })
    }

    fn read_pairs(line: &HeaderValue, pair: impl Fn(&str) -> Option<(&str, &str)>) -> Fields {
        let mut fields = Fields::default();
        if let Ok(line) = black_box(line).to_str() {
            for member in line.split(',') {
                let Some((key, value)) = pair(member) else {
                    continue;
                };
                let value = (!value.is_empty()).then(|| Arc::from(value));
                match key {
                    "k8s.cluster.name" => fields.cluster = value,
                    "k8s.namespace.name" => fields.namespace = value,
                    "k8s.deployment.name"
                    | "k8s.cronjob.name"
                    | "k8s.pod.name"
                    | "k8s.job.name" => {
                        fields.workload = value;
                    }
                    "service.name" => fields.service = value,
                    "service.version" => fields.revision = value,
                    "cloud.region" => fields.region = value,
                    "cloud.availability_zone" => fields.zone = value,
                    _ => {}
                }
            }
        }
        fields
    }

    pub(super) fn write(fields: &Fields) -> String {
        let fields = black_box(fields);
        [
            ("k8s.cluster.name", &fields.cluster),
            ("k8s.namespace.name", &fields.namespace),
            ("k8s.deployment.name", &fields.workload),
            ("service.name", &fields.service),
            ("service.version", &fields.revision),
            ("cloud.region", &fields.region),
            ("cloud.availability_zone", &fields.zone),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_deref()?)))
        .collect::<Vec<_>>()
        .join(",")
    }
}
