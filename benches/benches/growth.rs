//! What grows with what: each cost at sizes of up to 100,000, and the power of its growth.
//!
//! `cargo bench -p hbone-benches --bench growth [-- FOLDER]` prints the powers, draws each as SVG into the folder, and fails where a cost
//! grows faster than it may: a whole by as much as there is more of it, what is asked of one among many hardly at all. That is asked of
//! all sizes together, and of the largest three alone, in which nothing is left of what a call costs in any case.
//!
//! Costs are processor time. By the clock on the wall, what takes longer than a turn of a busy machine's scheduler has the turns of all
//! others in it, and seems to grow where it first does. What remains is memory: a hundred thousand of anything are in no cache, and each
//! step waits for them. `.ci/growth` asks the same of instructions, which wait for nothing: it runs `-- FILE SIZE CALLS` under callgrind.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baggage::istio::PeerAttributesRef;
use baggage::{Baggage, Limits};
use hbone::mesh::{
    Entropy, GatewayAddress, NamespacedHostname, NetworkAddress, Ports, Protocol, Service, Source,
    StaticMesh, Workload, plan,
};
use hbone::pool::{Action, Pool, PoolConfig};
use hbone::{Authority, ExpectedIdentities, Identity, Network};
use peer_meta::labels::SeriesGuard;
use rustix::time::{ClockId, clock_gettime};

#[path = "../../examples/src/bin/bench-tunnel/plot.rs"]
mod plot;

use plot::{Plot, power};

const SIZES: [u32; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
/// What is drawn of the largest sizes alone.
const LARGEST: usize = 3;

/// How fast a cost may grow.
#[derive(Clone, Copy)]
struct Most {
    /// Over all sizes.
    all: f64,
    /// Over the largest, where every step waits for memory; the square would be 2.
    largest: f64,
}

/// Of a whole. Linear is 1, and a tree of all has a logarithm on top.
const WHOLE: Most = Most {
    all: 1.3,
    largest: 1.7,
};
/// Of one among many: a tree is a few steps deeper, and cold.
const ONE: Most = Most {
    all: 0.35,
    largest: 0.7,
};

struct Series {
    file: &'static str,
    title: &'static str,
    of: &'static str,
    most: Most,
    /// Makes what is to be done once, at a size.
    work: fn(u32) -> Box<dyn FnMut()>,
}

const SERIES: [Series; 8] = [
    Series {
        file: "baggage-members.svg",
        title: "Reading baggage of so many members, without limits",
        of: "members",
        most: WHOLE,
        work: members,
    },
    Series {
        file: "header-bytes.svg",
        title: "Reading one escaped value of so many bytes, without limits",
        of: "bytes",
        most: WHOLE,
        work: bytes,
    },
    Series {
        file: "header-bytes-limited.svg",
        title: "Reading attributes from a header of so many bytes, as limited by default",
        of: "bytes",
        most: WHOLE,
        work: limited_bytes,
    },
    Series {
        file: "pool-request.svg",
        title: "A warm request to a pool of so many keys",
        of: "keys",
        most: ONE,
        work: pool_request,
    },
    Series {
        file: "pool-life.svg",
        title: "A pool's whole life: so many keys dialled, used, idle and closed",
        of: "keys",
        most: WHOLE,
        work: pool_life,
    },
    Series {
        file: "endpoints.svg",
        title: "A plan to a service with so many endpoints behind a gateway",
        of: "endpoints",
        most: WHOLE,
        work: endpoints,
    },
    Series {
        file: "series-known.svg",
        title: "The label guard: a known series among so many",
        of: "series",
        most: ONE,
        work: series_known,
    },
    Series {
        file: "series-new.svg",
        title: "The label guard: so many new series, each with a peer of its own",
        of: "series",
        most: WHOLE,
        work: series_new,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    match &arguments[..] {
        [] => judged(None),
        [folder] => judged(Some(Path::new(folder))),
        [file, size, calls] => called(file, size, calls),
        _ => usage(),
    }
}

fn judged(folder: Option<&Path>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for series in &SERIES {
        let points = SIZES.map(|size| (f64::from(size), cost(&mut *(series.work)(size))));
        let (all, largest) = (power(&points), power(&points[SIZES.len() - LARGEST..]));
        let costs = points.map(|(_, cost)| format!("{cost:.3}")).join(", ");
        println!(
            "{}: power {all:.2}, of the largest {largest:.2} ({costs} µs)",
            series.title
        );
        if all > series.most.all || largest > series.most.largest {
            eprintln!(
                "{}: grows faster than it may, with {} and {}",
                series.title, series.most.all, series.most.largest
            );
            code = ExitCode::FAILURE;
        }
        let Some(folder) = folder else { continue };
        let plot = Plot {
            title: &format!("{} (power {all:.2})", series.title),
            x: series.of,
            y: "µs",
            points: &points,
        };
        fs::write(folder.join(series.file), plot.to_string()).expect("the folder is there");
    }
    code
}

/// Calls one of them at a size so often, for whoever counts.
fn called(file: &str, size: &str, calls: &str) -> ExitCode {
    let series = SERIES.iter().find(|series| series.file == file);
    let (Some(series), Ok(size), Ok(calls)) = (series, size.parse(), calls.parse::<u32>()) else {
        return usage();
    };
    let mut work = (series.work)(size);
    for _ in 0..calls {
        work();
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    let files = SERIES.map(|series| series.file).join(", ");
    eprintln!("usage: growth [FOLDER | FILE SIZE CALLS], where FILE is one of {files}");
    ExitCode::FAILURE
}

/// In microseconds: the quickest of rounds, which is what a busy machine disturbs least.
fn cost(work: &mut dyn FnMut()) -> f64 {
    const ROUND: Duration = Duration::from_millis(2);
    const ROUNDS: u32 = 40;
    let mut time = |calls: u32| {
        let start = processor_time();
        for _ in 0..calls {
            work();
        }
        processor_time() - start
    };
    let once = time(1).max(time(1)).max(Duration::from_nanos(50));
    let calls = (ROUND.as_nanos() / once.as_nanos()).clamp(1, 100_000) as u32;
    // What takes long is not repeated for ever, either.
    let rounds =
        (Duration::from_secs(2).as_nanos() / (once * calls).as_nanos()).clamp(3, ROUNDS.into());
    let quickest = (0..rounds).map(|_| time(calls)).min().unwrap_or_default();
    quickest.as_secs_f64() * 1e6 / f64::from(calls)
}

/// What this thread has had.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("it is never negative")
}

fn members(size: u32) -> Box<dyn FnMut()> {
    let line: Vec<String> = (0..size).map(|at| format!("key{at}=value")).collect();
    read(line.join(","))
}

fn bytes(size: u32) -> Box<dyn FnMut()> {
    read(
        "k=".chars()
            .chain("%41".chars().cycle())
            .take(size as usize)
            .collect(),
    )
}

fn read(line: String) -> Box<dyn FnMut()> {
    let limits = Limits::new()
        .with_members(usize::MAX)
        .with_bytes(usize::MAX)
        .with_raw_bytes(usize::MAX);
    Box::new(move || drop(black_box(Baggage::parse([black_box(&line)], &limits))))
}

fn limited_bytes(size: u32) -> Box<dyn FnMut()> {
    let member = "k8s.pod.name=shop,";
    let line: String = member.chars().cycle().take(size as usize).collect();
    let limits = Limits::new();
    Box::new(move || {
        let _ = black_box(PeerAttributesRef::parse([black_box(&line)], &limits));
    })
}

type Keys = Pool<u32, ()>;

/// 256 of them at most take turns, so that it is the pool that is measured more than the processor's caches.
fn pool_request(size: u32) -> Box<dyn FnMut()> {
    let now = Instant::now();
    let mut pool = filled(size, now);
    let (step, mut at) = (size.div_ceil(256), 0);
    Box::new(move || {
        at = (at + step) % size;
        let checkout = pool.request(black_box(&at), now).expect("room");
        assert!(pool.poll_action().is_none());
        pool.handle_stream_ended(checkout.ticket(), now)
            .expect("a stream");
    })
}

fn pool_life(size: u32) -> Box<dyn FnMut()> {
    let now = Instant::now();
    Box::new(move || {
        let mut pool = filled(size, now);
        while let Some(at) = pool.poll_timeout() {
            pool.handle_timeout(at);
            while pool.poll_action().is_some() {}
        }
        assert_eq!(pool.counts().open, 0);
    })
}

/// A pool with one idle connection for each key.
fn filled(size: u32, now: Instant) -> Keys {
    let mut pool = Keys::new(PoolConfig::new().max_connections(usize::MAX));
    for key in 0..size {
        let ticket = pool.request(&key, now).expect("room").ticket();
        while let Some(action) = pool.poll_action() {
            if let Action::Dial { connection, .. } = action {
                pool.handle_connected(connection, key.into(), now)
                    .expect("a dial");
                pool.handle_settings(connection, Some(100), now)
                    .expect("a connection");
            }
        }
        pool.handle_stream_ended(ticket, now).expect("a stream");
    }
    pool
}

fn endpoints(size: u32) -> Box<dyn FnMut()> {
    let name = || NamespacedHostname::new("shop", "echo.shop.svc".parse().expect("a name"));
    let network = |name: &str| Network::parse(name).expect("a network");
    let identity = |account: &str| -> Identity {
        let id = format!("spiffe://cluster.local/ns/shop/sa/{account}");
        id.parse().expect("an identity")
    };
    let workload = |at: u32, of: &str| {
        let mut workload = Workload::new(format!("{of}/{at}"), identity("echo"));
        workload.network = network(of);
        workload.protocol = Protocol::Hbone;
        workload.addresses = vec![std::net::Ipv4Addr::from(0x0a00_0000 + at).into()];
        workload
    };
    let source = workload(0, "west");
    let gateway = workload(1_000_000, "east");
    let at = NetworkAddress::new(network("east"), gateway.addresses[0]);
    let mut all = vec![source.clone(), gateway];
    all.extend((1..=size).map(|number| {
        let mut endpoint = workload(number, "east");
        endpoint.network_gateway = Some(GatewayAddress::at(at.clone()));
        endpoint.services.insert(name(), Ports::default());
        endpoint
    }));
    let mut service = Service::new(name(), Ports::from([(80, 8080)]));
    service.addresses = vec![NetworkAddress::new(network("west"), [10, 96, 0, 1].into())];
    service.identities = ExpectedIdentities::from(identity("echo"));
    let mesh = StaticMesh::new(all, [service]).expect("a mesh");
    let to: Authority = "10.96.0.1:80".parse().expect("an authority");
    Box::new(move || {
        let plan = plan(&mesh, Source::node_proxy(&source), &to, Entropy::new(7));
        assert!(black_box(plan).is_ok());
    })
}

fn series_known(size: u32) -> Box<dyn FnMut()> {
    let mut guard = guarded(&names(size));
    let known: Arc<str> = (size / 2).to_string().into();
    Box::new(move || {
        let labels = Arc::clone(black_box(&known));
        drop(black_box(guard.admit_from("peer", labels, Clone::clone)));
    })
}

fn series_new(size: u32) -> Box<dyn FnMut()> {
    let names = names(size);
    Box::new(move || drop(black_box(guarded(&names))))
}

fn names(size: u32) -> Vec<Arc<str>> {
    (0..size).map(|at| at.to_string().into()).collect()
}

fn guarded(names: &[Arc<str>]) -> SeriesGuard<Arc<str>> {
    let mut guard = SeriesGuard::with_cap(names.len()).with_share(10);
    for name in names {
        guard.admit_from(name, Arc::clone(name), Clone::clone);
    }
    guard
}
