//! The head of a CONNECT: what it costs to parse and to build, against strings that nobody checks.
//!
//! `cargo bench -p hbone-benches --bench connect` prints the allocations and a ratio of one run, then criterion's times.

use std::hint::black_box;

use criterion::{Criterion, criterion_group};
use hbone::{
    Authority, Connect, ConnectOptions, Forwarded, HeaderValues, Hostname, Network, Position,
    Profile, Telling, Traceparent,
};
use hbone_benches::report;
use http::{HeaderMap, HeaderValue, Method, Request, request};

/// The most that either direction may allocate.
const MOST_ALLOCATIONS: u64 = 3;
const AUTHORITY: &str = "echo.default.svc.cluster.local:8080";
const BAGGAGE: &str = "k8s.cluster.name=c1,k8s.namespace.name=default,k8s.deployment.name=cli,service.name=cli,service.version=v1";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NETWORK: &str = "network-1";

/// What ztunnel says on an inner hop: every header but one.
fn head() -> Connect {
    let mut telling = Telling::new();
    telling.baggage = HeaderValues::from(shared(BAGGAGE));
    let service = Hostname::parse("echo.default.svc.cluster.local").ok();
    telling.forwarded = Some(Forwarded::client(
        ([10, 1, 2, 3], 47111).into(),
        service.as_ref(),
    ));
    telling.origin_network = Network::from_header(&shared(NETWORK)).ok();
    telling.traceparent = TRACEPARENT.parse::<Traceparent>().ok();
    let authority: Authority = AUTHORITY.parse().expect("an authority");
    Profile::Ztunnel.connect(Position::Inner, authority, &telling)
}

/// A value in reference-counted bytes, as one from a cache or from `h2`.
fn shared(text: &str) -> HeaderValue {
    let value = HeaderValue::from_str(text).expect("a header value");
    black_box(value.clone());
    value
}

/// The head as it arrives.
fn arrived() -> request::Parts {
    let (parts, ()) = head().to_request().into_parts();
    black_box(parts.headers.clone());
    parts
}

fn build(head: &Connect) {
    black_box(head.to_request());
}

fn parse(parts: &request::Parts) {
    let _ = black_box(Connect::from_parts(parts, ConnectOptions::default()));
}

/// The baseline: format each value anew.
fn build_naively() {
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("{}:{}", "echo.default.svc.cluster.local", 8080))
        .header("baggage", BAGGAGE)
        .header(
            "forwarded",
            format!(
                "for=\"{}\";host={}",
                "10.1.2.3:47111", "echo.default.svc.cluster.local"
            ),
        )
        .header("x-forwarded-network", NETWORK)
        .header(
            "traceparent",
            format!("00-{:032x}-{:016x}-{:02x}", 0xaf7_u128, 0xb7a_u64, 1),
        )
        .body(());
    let _ = black_box(request);
}

/// The baseline: copy each value out, and cut the ones that have parts into strings.
fn parse_naively(parts: &request::Parts) {
    let text = |headers: &HeaderMap, name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned)
    };
    let authority = parts.uri.authority().map(|authority| {
        let (host, port) = (authority.host().to_lowercase(), authority.port_u16());
        (host, port)
    });
    let forwarded: Vec<(String, String)> = text(&parts.headers, "forwarded")
        .unwrap_or_default()
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_lowercase(), value.trim_matches('"').to_owned()))
        .collect();
    let traceparent: Vec<String> = text(&parts.headers, "traceparent")
        .unwrap_or_default()
        .split('-')
        .map(ToOwned::to_owned)
        .collect();
    black_box((
        authority,
        forwarded,
        traceparent,
        text(&parts.headers, "baggage"),
        text(&parts.headers, "x-forwarded-network"),
    ));
}

fn bench(criterion: &mut Criterion) {
    let (head, parts) = (head(), arrived());
    criterion.bench_function("connect/build", |bencher| bencher.iter(|| build(&head)));
    criterion.bench_function("connect/build naively", |bencher| {
        bencher.iter(build_naively)
    });
    criterion.bench_function("connect/parse", |bencher| bencher.iter(|| parse(&parts)));
    criterion.bench_function("connect/parse naively", |bencher| {
        bencher.iter(|| parse_naively(&parts))
    });
}

criterion_group!(benches, bench);

fn main() {
    let (head, parts) = (head(), arrived());
    report(
        "build a CONNECT head",
        MOST_ALLOCATIONS,
        || build(&head),
        build_naively,
    );
    report(
        "parse a CONNECT head",
        MOST_ALLOCATIONS,
        || parse(&parts),
        || parse_naively(&parts),
    );
    benches();
    Criterion::default().configure_from_args().final_summary();
}
