//! A whole two-network mesh in one process: real TCP, real mutual TLS, real HTTP/2, the proxies of this package on loopback addresses.
//!
//! ```text
//!  network-a, cluster-a (127.10/16)                 network-b, cluster-b (127.20/16)
//!
//!  checkout ── node proxy ─┬──────────────────────┐
//!                          ├─> waypoint (reviews) ┼═> east-west gateway ─┬─> node proxies ── stock (3)
//!  outside ─> ingress gateway ────────────────────┘                      └─> node proxies ── reviews (2)
//!                          ├─> node proxy ── cart
//!                          └─> waypoint (catalog) ──> node proxies ── catalog (2)
//! ```

mod application;
mod census;
mod files;
mod fleet;
mod flow;
mod hops;
mod log_line;
mod mesh;
mod progress;
mod report;
mod scrape;
mod signals;
mod topology;
mod traffic;
mod ui;

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use hbone_examples::hop_log::TARGET;
use hbone_examples::proxy::{parse_address, start_runtime};
use hbone_examples::standard_output::print;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{Targets, dynamic_filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::hops::Hops;
use crate::log_line::LogLine;
use crate::mesh::Mesh;
use crate::progress::tell;
use crate::report::Report;
use crate::scrape::{Sample, scrape};
use crate::signals::Signals;
use crate::topology::picture;
use crate::traffic::Outcome;

/// Runs a two-network mesh and sends traffic through it: connections and requests, within a network and across, by node proxies,
/// waypoints, an east-west gateway and an ingress gateway.
///
/// Exits with 0 only if every byte came back right and, with baggage on, no metric label reads `unknown` that somebody could know.
#[derive(Debug, Parser)]
#[command(name = "demo", version, after_help = EXIT_CODES)]
struct Options {
    /// Print the report as one JSON document
    #[arg(long)]
    json: bool,
    /// How many connections or requests each client sends to each service
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    requests: u32,
    /// Switch the exchange of baggage off, to see what the metrics lose
    #[arg(long)]
    no_baggage: bool,
    /// Keep the traffic flowing until Ctrl-C, for those who look at the metrics; see examples/monitoring
    #[arg(long, conflicts_with_all = ["json", "requests"])]
    keep: bool,
    /// The same, and serve a live page of it all, with switches, at this address, such as 127.0.0.1:20001
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["json", "requests"], value_parser = parse_address)]
    ui: Option<SocketAddr>,
}

impl Options {
    /// Whether it goes on until it is told to end.
    const fn goes_on(&self) -> bool {
        self.keep || self.ui.is_some()
    }

    /// What is logged of the proxies, unless `RUST_LOG` has it otherwise. Switches on the page make them complain.
    const fn level(&self) -> LevelFilter {
        match self.ui {
            Some(_) => LevelFilter::OFF,
            None => LevelFilter::WARN,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all is well; of --keep and --ui: it ended when it was told to
  1    the report says what is not
  2    it could not run: a flag or a variable is wrong, an address is taken, the system does not give what is needed
  130  it was told to end in the middle

Logging:
  RUST_LOG  what the proxies log on standard error, as in info or hop=debug [default: warn; with --ui: off]";

/// How long the proxies may take to count what their clients have ended: longer than anything but a proxy that forgets one.
const SETTLING: Duration = Duration::from_secs(30);

/// What a shell says of a program that was interrupted.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = start_runtime().map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            // Before there are files: whoever is killed by a signal leaves its keys behind.
            run(&options, &mut Signals::listen()?).await
        })
    });
    outcome.unwrap_or_else(|error: anyhow::Error| {
        // Where nobody can be told, the exit code must do.
        let _ = writeln!(io::stderr(), "demo: {error:#}");
        ExitCode::from(2)
    })
}

/// Does what is asked for until it is done or told to end. The files are gone when the mesh is.
async fn run(options: &Options, signals: &mut Signals) -> Result<ExitCode> {
    let hops = Hops::default();
    start_logging(&hops, options.level());
    let mesh = tokio::select! {
        mesh = Mesh::start(!options.no_baggage) => mesh?,
        code = interrupted(signals) => return Ok(code),
    };
    if options.goes_on() {
        if let Some(address) = options.ui {
            show(address, &mesh, &hops).await?;
        }
        traffic::keep_on(&mesh);
        mesh.obey();
        tell(format_args!("the mesh runs; Ctrl-C ends it"));
        signals.told_to_end().await;
        return Ok(tokio::select! {
            () = end(&mesh) => ExitCode::SUCCESS,
            code = interrupted(signals) => code,
        });
    }
    tokio::select! {
        is_good = measure(options, &mesh, &hops) => Ok(match is_good? {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }),
        code = interrupted(signals) => Ok(code),
    }
}

/// Sends the traffic, and reports what came of it: whether all was well.
async fn measure(options: &Options, mesh: &Arc<Mesh>, hops: &Hops) -> Result<bool> {
    let (mut outcomes, elapsed) = traffic::send(mesh, options.requests).await?;
    let metrics = settled(&mut outcomes).await?;
    end(mesh).await;
    let report = Report::new(mesh, outcomes, elapsed, metrics, hops.first());
    let text = if options.json {
        format!("{}\n", serde_json::to_string_pretty(&report)?)
    } else {
        report.to_string()
    };
    print(&text)?;
    Ok(report.is_good())
}

/// Serves the page.
async fn show(address: SocketAddr, mesh: &Mesh, hops: &Hops) -> Result<()> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| {
        format!("cannot listen on {address} for the page; give --ui another address")
    })?;
    let mut reached = listener.local_addr()?;
    // One that listens on all addresses is reached at this machine's own.
    if reached.ip().is_unspecified() {
        reached.set_ip(match reached {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    tell(format_args!("the page is at http://{reached}/"));
    let switches = Arc::clone(&mesh.switches);
    tokio::spawn(ui::serve(
        listener,
        Arc::new(picture()),
        switches,
        hops.seen(),
    ));
    Ok(())
}

/// The metrics, once the proxies have counted everything.
async fn settled(outcomes: &mut [Outcome]) -> Result<Vec<Sample>> {
    let begin = Instant::now();
    loop {
        let metrics = scrape().await?;
        if census::is_settled(&metrics, outcomes) {
            return Ok(metrics);
        }
        if begin.elapsed() >= SETTLING {
            let failure = "a proxy has not counted the end of what its client has ended";
            if let Some(outcome) = outcomes.first_mut() {
                outcome.failures.push(failure.to_owned());
            }
            return Ok(metrics);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn end(mesh: &Mesh) {
    ENDING.store(true, Ordering::Relaxed);
    mesh.stop().await;
}

/// Whoever is told to end in the middle ends at once, and its proxies with it.
async fn interrupted(signals: &mut Signals) -> ExitCode {
    signals.told_to_end().await;
    ENDING.store(true, Ordering::Relaxed);
    ExitCode::from(INTERRUPTED)
}

/// Whether the proxies are being stopped.
static ENDING: AtomicBool = AtomicBool::new(false);

/// What proxies tell goes to standard error: what `RUST_LOG` says, else what is of this level.
fn start_logging(hops: &Hops, level: LevelFilter) {
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
        .from_env_lossy();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(|| LogLine(io::stderr()))
        .with_filter(filter);
    let hops = hops
        .clone()
        .with_filter(Targets::new().with_target(TARGET, LevelFilter::DEBUG));
    // Proxies that end together tell of one another's end, which is nobody's concern.
    let lines = lines.with_filter(dynamic_filter_fn(|_, _| !ENDING.load(Ordering::Relaxed)));
    tracing_subscriber::registry().with(hops).with(lines).init();
}
