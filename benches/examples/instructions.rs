//! Runs one hot function many times, for a tool that counts instructions: `instructions NAME TIMES`. Without arguments it prints the names.
//!
//! `.ci/instructions` runs each under callgrind twice, and takes the difference: what a call costs, without what comes before the first.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use baggage::istio::{Dialect, PeerAttributes, PeerAttributesRef, WorkloadKind};
use baggage::{Baggage, Limits};
use hbone::mesh::{
    Entropy, NamespacedHostname, NetworkAddress, Ports, Protocol, Service, Source, StaticMesh,
    Workload, plan,
};
use hbone::policy::{AllowEntry, DestinationPolicy};
use hbone::pool::{Action, Pool, PoolConfig};
use hbone::{
    Authority, Connect, ConnectOptions, Dial, DialAction, DialLimits, ExpectedIdentities,
    Forwarded, HeaderValues, Hop, Identity, Network, Position, Profile, Route, Telling,
};
use http::HeaderValue;
use peer_meta::labels::{LabelDialect, Report, SeriesGuard, TcpLabels};
use peer_meta::{Exchange, ExchangeConfig, Own, Role, Target};
use spiffe::SpiffeId;

/// A function's name, and what makes the closure that calls it once.
type Hot = (&'static str, fn() -> Box<dyn FnMut()>);

const HOT: [Hot; 15] = [
    ("authority_parse", authority_parse),
    ("baggage_parse", baggage_parse),
    ("connect_build", connect_build),
    ("connect_read", connect_read),
    ("dial_walk", dial_walk),
    ("exchange", exchange),
    ("forwarded_parse", forwarded_parse),
    ("labels", labels),
    ("mesh_plan", mesh_plan),
    ("peer_attributes_encode", peer_attributes_encode),
    ("peer_attributes_parse", peer_attributes_parse),
    ("peer_attributes_ref_parse", peer_attributes_ref_parse),
    ("policy_check", policy_check),
    ("pool_request", pool_request),
    ("series_guard", series_guard),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            for (name, _) in HOT {
                println!("{name}");
            }
            ExitCode::SUCCESS
        }
        [name, times] => {
            let hot = HOT.iter().find(|(known, _)| known == name);
            let (Some((_, make)), Ok(times)) = (hot, times.parse::<u32>()) else {
                eprintln!("there is no function {name}, or {times} is no number");
                return ExitCode::FAILURE;
            };
            let mut call = make();
            for _ in 0..times {
                call();
            }
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: instructions [NAME TIMES]");
            ExitCode::FAILURE
        }
    }
}

const BAGGAGE: &str = "k8s.cluster.name=cluster-east-1,k8s.namespace.name=bookinfo,k8s.deployment.name=productpage-v1,\
    service.name=productpage,service.version=v1,cloud.region=us-east-1,cloud.availability_zone=us-east-1a";
const SERVICE: &str = "echo.shop.svc.cluster.local";
const FORWARDED: &str = r#"for="10.1.2.3:47111";host=echo.shop.svc.cluster.local"#;

fn authority_parse() -> Box<dyn FnMut()> {
    Box::new(|| {
        let _ = black_box(Authority::parse(black_box(
            "echo.shop.svc.cluster.local:8080",
        )));
    })
}

fn baggage_parse() -> Box<dyn FnMut()> {
    let limits = Limits::new();
    Box::new(move || drop(black_box(Baggage::parse([black_box(BAGGAGE)], &limits))))
}

fn connect_build() -> Box<dyn FnMut()> {
    let head = head();
    Box::new(move || drop(black_box(black_box(&head).to_request())))
}

fn connect_read() -> Box<dyn FnMut()> {
    let (parts, ()) = head().to_request().into_parts();
    Box::new(move || {
        drop(black_box(Connect::from_parts(
            black_box(&parts),
            ConnectOptions::new(),
        )))
    })
}

/// Over two hops, with nothing at hand.
fn dial_walk() -> Box<dyn FnMut()> {
    let (route, now) = (route(), Instant::now());
    Box::new(move || {
        let mut dial = Dial::new(&route, DialLimits::default(), now);
        while let Some(action) = dial.poll() {
            let answered = match action {
                DialAction::Checkout { level, .. } => dial.handle_checkout(level, false),
                DialAction::Establish { level } => dial.handle_establish(level, Ok(())),
                DialAction::Request { level } => dial.handle_request(level, Ok(())),
                _ => Ok(()),
            };
            answered.expect("it was asked for");
        }
    })
}

/// At a client's proxy, from the dial to the answer.
fn exchange() -> Box<dyn FnMut()> {
    let run = exchanged();
    Box::new(move || drop(black_box(run())))
}

fn forwarded_parse() -> Box<dyn FnMut()> {
    let lines = [HeaderValue::from_static(FORWARDED)];
    Box::new(move || drop(black_box(Forwarded::from_lines(black_box(&lines)))))
}

fn labels() -> Box<dyn FnMut()> {
    let exchange = exchanged()();
    Box::new(move || {
        let report = Report::of(black_box(&exchange));
        drop(black_box(TcpLabels::new(&report, LabelDialect::Ztunnel)));
    })
}

/// One of ten endpoints.
fn mesh_plan() -> Box<dyn FnMut()> {
    let name = || NamespacedHostname::new("shop", SERVICE.parse().expect("a name"));
    let network = || Network::parse("east").expect("a network");
    let workloads: Vec<Workload> = (0..11)
        .map(|at| {
            let mut workload = Workload::new(format!("east/{at}"), identity("echo"));
            workload.network = network();
            workload.protocol = Protocol::Hbone;
            workload.addresses = vec![[10, 0, 0, at].into()];
            if at > 0 {
                workload.services.insert(name(), Ports::default());
            }
            workload
        })
        .collect();
    let mut service = Service::new(name(), Ports::from([(80, 8080)]));
    service.addresses = vec![NetworkAddress::new(network(), [10, 96, 0, 1].into())];
    let source = workloads[0].clone();
    let mesh = StaticMesh::new(workloads, [service]).expect("a mesh");
    let to: Authority = "10.96.0.1:80".parse().expect("an authority");
    Box::new(move || {
        let plan = plan(&mesh, Source::node_proxy(&source), &to, Entropy::new(7));
        assert!(black_box(plan).is_ok());
    })
}

fn peer_attributes_encode() -> Box<dyn FnMut()> {
    let (peer, mut header) = (attributes(), String::with_capacity(512));
    Box::new(move || {
        header.clear();
        black_box(&peer).encode(Dialect::Ztunnel, &mut header);
        black_box(&header);
    })
}

fn peer_attributes_parse() -> Box<dyn FnMut()> {
    let limits = Limits::new();
    Box::new(move || {
        drop(black_box(PeerAttributes::parse(
            [black_box(BAGGAGE)],
            &limits,
        )))
    })
}

fn peer_attributes_ref_parse() -> Box<dyn FnMut()> {
    let limits = Limits::new();
    Box::new(move || {
        black_box(PeerAttributesRef::parse([black_box(BAGGAGE)], &limits));
    })
}

/// Both questions.
fn policy_check() -> Box<dyn FnMut()> {
    let entry = AllowEntry::to_addresses(["10.0.0.0/8".parse().expect("a range")]);
    let (policy, who) = (DestinationPolicy::allow_list([entry]), identity("echo"));
    let to: Authority = "10.0.0.7:80".parse().expect("an authority");
    let addr = to.addr().expect("an address");
    Box::new(move || {
        let admitted = policy.admit(&who, black_box(&to)).expect("allowed");
        let _ = black_box(admitted.check(addr));
    })
}

/// A warm request, to its end.
fn pool_request() -> Box<dyn FnMut()> {
    let now = Instant::now();
    let mut pool: Pool<u64, ()> = Pool::new(PoolConfig::new());
    let ticket = pool.request(&1, now).expect("room").ticket();
    while let Some(action) = pool.poll_action() {
        if let Action::Dial { connection, .. } = action {
            pool.handle_connected(connection, 1, now).expect("a dial");
            pool.handle_settings(connection, Some(100), now)
                .expect("a connection");
        }
    }
    pool.handle_stream_ended(ticket, now).expect("a stream");
    Box::new(move || {
        let checkout = pool.request(black_box(&1), now).expect("room");
        assert!(pool.poll_action().is_none());
        pool.handle_stream_ended(checkout.ticket(), now)
            .expect("a stream");
    })
}

/// A label set that is known, among a thousand.
fn series_guard() -> Box<dyn FnMut()> {
    let mut guard = SeriesGuard::new();
    for at in 0..1_000_u32 {
        guard.admit(at.to_string(), Clone::clone);
    }
    Box::new(move || {
        let labels = black_box("500").to_owned();
        drop(black_box(guard.admit_from("peer", labels, Clone::clone)));
    })
}

fn attributes() -> PeerAttributes {
    PeerAttributes::builder()
        .cluster("cluster-east-1")
        .namespace("bookinfo")
        .workload(WorkloadKind::Deployment, "productpage-v1")
        .service("productpage")
        .revision("v1")
        .region("us-east-1")
        .zone("us-east-1a")
        .build()
}

fn exchanged() -> impl Fn() -> Exchange {
    let (config, now) = (ExchangeConfig::new(), Instant::now());
    let id = |name: &str| SpiffeId::new(format!("spiffe://mesh/ns/shop/sa/{name}")).expect("an id");
    let own = Own::new(attributes(), Dialect::Ztunnel, "n1").with_identity(id("client"));
    let (own, server) = (Arc::new(own), Arc::new(id("server")));
    let answer = [HeaderValue::from_static(BAGGAGE)];
    move || {
        let mut exchange = Exchange::new(Role::SourceNodeProxy, &config, Arc::clone(&own), now);
        exchange.dial(Target::OtherNetwork, now);
        black_box(exchange.request_baggage(peer_meta::Hop::Inner));
        exchange.handle_connected(peer_meta::Hop::Inner, Some(Arc::clone(&server)));
        exchange.handle_response(peer_meta::Hop::Inner, &answer);
        exchange
    }
}

fn identity(account: &str) -> Identity {
    format!("spiffe://cluster.local/ns/shop/sa/{account}")
        .parse()
        .expect("an identity")
}

fn head() -> Connect {
    let mut telling = Telling::new();
    telling.baggage = HeaderValues::from(HeaderValue::from_static(BAGGAGE));
    telling.forwarded = FORWARDED.parse().ok();
    telling.origin_network = Network::parse("network-1").ok();
    telling.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        .parse()
        .ok();
    let authority = format!("{SERVICE}:8080").parse().expect("an authority");
    Profile::Ztunnel.connect(Position::Inner, authority, &telling)
}

fn route() -> Route {
    let hop = || Hop::new(head(), ExpectedIdentities::from(identity("echo")));
    Route::new("10.0.0.1:15008".parse().expect("an address"), hop()).through(hop())
}
