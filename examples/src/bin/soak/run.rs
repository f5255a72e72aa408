//! One run, from the first listener to the last descriptor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use hbone_examples::pki::Issued;
use hbone_examples::random::Random;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::Arguments;
use crate::application::Application;
use crate::caller::Caller;
use crate::faults::Faults;
use crate::mesh::{Mesh, Way};
use crate::report::{Check, Report};
use crate::resources::{Memory, Resources};
use crate::sabotage::Leak;
use crate::tally::Tally;

/// For what is finished to be gone: a tunnel that waits for its peer's end takes up to 5 s.
const REST: Duration = Duration::from_secs(10);

/// For tunnels and faults under way when time is up.
const LAST_ORDERS: Duration = Duration::from_secs(120);

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let before = Resources::now()?;
    let mut leak = Leak::default();
    let application = Arc::new(Application::new(arguments.seed, arguments.sabotage));
    let mesh = Arc::new(Mesh::start(application).await?);
    let tally = Arc::new(Tally::default());
    let faults = Arc::new(Faults::default());
    let (stop, stopped) = watch::channel(false);
    let first = mesh.victim.rotate(&mesh.authority)?;
    let callers = start_callers(arguments, &mesh, &tally, &stopped);
    let conductors = start_faults(&mesh, first, &faults, &stopped);

    let mut watched = Watched::default();
    let sabotage = async {
        match arguments.sabotage {
            Some(sabotage) => sabotage.run(&mesh, &mut leak).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = watched.watch(arguments, &mesh, &tally, &faults) => outcome?,
        () = sabotage => {}
    }
    stop.send_replace(true);
    let finished = timeout(LAST_ORDERS, async {
        all(conductors).await?;
        all(callers).await
    });
    let finished = finished.await;
    let mut checks = vec![match finished {
        Ok(Ok(())) => Check::new("finished", true, "every caller and every fault"),
        Ok(Err(error)) => Check::new("finished", false, format!("{error:#}")),
        Err(_) => Check::new("finished", false, "something hangs"),
    }];
    checks.push(at_rest(&mesh, before.descriptors).await?);
    let mended = timeout(REST, mesh.stop()).await;
    checks.push(Check::new(
        "drained",
        mended.is_ok(),
        format!("pools {:?}", mesh.client.pool.stats().streams),
    ));
    let open = mesh.application.open();
    drop(mesh);
    checks.extend(back_to(before).await?);
    checks.push(Check::new("application sockets", open == 0, open));
    drop(leak);
    Ok(report(arguments, &watched, &tally, &faults, checks))
}

fn start_callers(
    arguments: &Arguments,
    mesh: &Arc<Mesh>,
    tally: &Arc<Tally>,
    stopped: &watch::Receiver<bool>,
) -> JoinSet<Result<()>> {
    let numbers = Arc::new(AtomicU64::new(0));
    let mut random = Random::new(arguments.seed);
    let mut callers = JoinSet::new();
    for index in 0..arguments.tunnels {
        // Of twenty connections with a hundred tunnels each, one is the victim's and one leads through the gateway.
        let way = match index * 20 / arguments.tunnels {
            0 => Way::Victim,
            1 => Way::Double,
            group => Way::To((group % 4) as usize),
        };
        let caller = Caller {
            mesh: Arc::clone(mesh),
            tally: Arc::clone(tally),
            numbers: Arc::clone(&numbers),
            way,
            random: Random::new(random.bits()),
            stop: stopped.clone(),
        };
        callers.spawn(caller.run());
    }
    callers
}

fn start_faults(
    mesh: &Arc<Mesh>,
    victims: Issued,
    faults: &Arc<Faults>,
    stopped: &watch::Receiver<bool>,
) -> JoinSet<Result<()>> {
    let mut conductors = JoinSet::new();
    let (one, other) = (
        (Arc::clone(mesh), Arc::clone(faults), stopped.clone()),
        (Arc::clone(mesh), Arc::clone(faults), stopped.clone()),
    );
    conductors.spawn(async move { one.1.restart_servers(&one.0, one.2).await });
    conductors.spawn(async move {
        other
            .1
            .change_certificates(&other.0, victims, other.2)
            .await
    });
    conductors
}

async fn all(mut tasks: JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// What was seen while it ran.
#[derive(Default)]
struct Watched {
    memory: Memory,
    resident: u64,
    open: Vec<usize>,
    connections: Vec<usize>,
}

impl Watched {
    /// Looks on until the time is up.
    async fn watch(
        &mut self,
        arguments: &Arguments,
        mesh: &Mesh,
        tally: &Tally,
        faults: &Faults,
    ) -> Result<()> {
        let began = Instant::now();
        let mut ticks = interval(TICK);
        for tick in 0.. {
            ticks.tick().await;
            let now = began.elapsed();
            if now >= Duration::from_secs(arguments.seconds) {
                break;
            }
            let resources = Resources::now()?;
            self.memory.note(now, resources.resident);
            self.resident = resources.resident;
            if now >= warm_up(arguments.seconds) {
                self.open.push(tally.open());
                self.connections.push(mesh.sockets());
            }
            if tick % TICKS_A_LINE == 0 && tick > 0 {
                progress(now, &resources, mesh, tally, faults);
            }
        }
        Ok(())
    }
}

const TICK: Duration = Duration::from_millis(250);
const TICKS_A_LINE: u32 = 4;

/// The part of a run in which memory is not judged.
fn warm_up(seconds: u64) -> Duration {
    (Duration::from_secs(seconds) / 3).min(Duration::from_secs(20))
}

fn progress(now: Duration, held: &Resources, mesh: &Mesh, tally: &Tally, faults: &Faults) {
    let counts = tally.counts();
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    eprintln!(
        "{:3.0} s: {} tunnels open, {} done, {} lost, {} unexpected, {} corrupt; {} connections, {} restarts, {} certificate \
         changes; {} descriptors, {} tasks, {} MiB",
        now.as_secs_f64(),
        tally.open(),
        counts.good(),
        counts.lost_to_faults,
        counts.unexpected,
        counts.corrupt,
        mesh.sockets(),
        load(&faults.drains) + load(&faults.crashes),
        load(&faults.rotations) + load(&faults.revocations),
        held.descriptors,
        held.tasks,
        held.resident / 1024,
    );
}

/// No tunnel is left, and everything else still stands.
async fn at_rest(mesh: &Mesh, before: usize) -> Result<Check> {
    let began = Instant::now();
    loop {
        let tunnels: usize = mesh.nodes.iter().map(|node| node.counts().tunnels).sum();
        let descriptors = Resources::now()?.descriptors;
        let expected = before + mesh.descriptors_at_rest();
        let open = mesh.application.open();
        let silent = mesh.application.silent();
        let inner = tunnels <= INNER;
        let found = format!(
            "{descriptors} of {expected}, with {open} at the application and {tunnels} at servers ({silent} came in silence)"
        );
        if open == 0 && inner && descriptors == expected {
            return Ok(Check::new("at rest", true, found));
        }
        if began.elapsed() > REST {
            return Ok(Check::new("at rest", false, found));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Pooled connections inside of pooled ones look like tunnels at a gateway: so many there may be.
const INNER: usize = 64;

async fn back_to(before: Resources) -> Result<[Check; 2]> {
    let began = Instant::now();
    loop {
        let now = Resources::now()?;
        let (descriptors, tasks) = (
            now.descriptors <= before.descriptors,
            now.tasks <= before.tasks,
        );
        if descriptors && tasks || began.elapsed() > REST {
            return Ok([
                Check::new(
                    "descriptors",
                    descriptors,
                    format!(
                        "{} at the end, {} before",
                        now.descriptors, before.descriptors
                    ),
                ),
                Check::new(
                    "tasks",
                    tasks,
                    format!("{} at the end, {} before", now.tasks, before.tasks),
                ),
            ]);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn report(
    arguments: &Arguments,
    watched: &Watched,
    tally: &Tally,
    faults: &Faults,
    mut checks: Vec<Check>,
) -> Report {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let tunnels = tally.counts();
    let open_tunnels = middle(&watched.open);
    let wanted = arguments.tunnels as usize * 3 / 4;
    let restarts = load(&faults.drains) + load(&faults.crashes);
    let warm_up = warm_up(arguments.seconds);
    // In microseconds. A run of seconds is a test among others, which may have the processors for a while.
    let revocation = if arguments.seconds < 60 {
        10_000_000
    } else {
        1_000_000
    };
    let slope = watched.memory.slope(warm_up);
    checks.extend([
        Check::new("corrupt bytes", tunnels.corrupt == 0, tunnels.corrupt),
        Check::new(
            "unexpected ends",
            tunnels.unexpected == 0,
            tunnels.unexpected,
        ),
        Check::new(
            "load",
            open_tunnels >= wanted && tunnels.good() > 0,
            format!("{open_tunnels} tunnels at once, wanted {wanted}"),
        ),
        Check::new(
            "faults",
            restarts > 0 && load(&faults.rotations) > 0,
            format!("{restarts} restarts, {} rotations", load(&faults.rotations)),
        ),
        Check::new(
            "revoked peers",
            load(&faults.slowest_revocation) < revocation,
            format!(
                "the last tunnel of one was gone after {} us, allowed {revocation}",
                load(&faults.slowest_revocation)
            ),
        ),
        Check::memory(slope, Duration::from_secs(arguments.seconds) - warm_up),
    ]);
    Report {
        seed: arguments.seed,
        seconds: arguments.seconds,
        tunnels,
        open_tunnels,
        connections: middle(&watched.connections),
        drains: load(&faults.drains),
        crashes: load(&faults.crashes),
        rotations: load(&faults.rotations),
        revocations: load(&faults.revocations),
        slowest_revocation_ms: load(&faults.slowest_revocation) as f64 / 1000.0,
        memory_kib_per_minute: slope,
        resident_kib: watched.resident,
        checks,
    }
}

fn middle(samples: &[usize]) -> usize {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}
