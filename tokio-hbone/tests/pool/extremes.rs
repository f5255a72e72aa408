//! Limits of nothing and of everything, one beside any other.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use hbone::pool::{Failure, PoolConfig, Spread};
use hbone::{DialCause, DialError, DialLimits, Route};
use tokio::task::JoinSet;
use tokio_hbone::Pool;

use crate::double::{Behind, double_route};
use crate::network::{Network, echo, moment, route, works};
use crate::support::{soon, tasks, tasks_end};

const NEVER: Duration = Duration::MAX;
const AT_ONCE: Duration = Duration::ZERO;

/// One extreme of a limit.
type Extreme = (&'static str, fn(PoolConfig) -> PoolConfig);

/// The limits and their extremes.
fn extremes() -> Vec<Extreme> {
    vec![
        ("no stream", |config| config.max_streams_per_connection(0)),
        ("a stream", |config| config.max_streams_per_connection(1)),
        ("all streams", |config| {
            config.max_streams_per_connection(u32::MAX)
        }),
        ("no connection", |config| config.max_connections(0)),
        ("a connection", |config| config.max_connections(1)),
        ("all connections", |config| {
            config.max_connections(usize::MAX)
        }),
        ("none a key", |config| config.max_connections_per_key(0)),
        ("one a key", |config| config.max_connections_per_key(1)),
        ("all a key", |config| {
            config.max_connections_per_key(usize::MAX)
        }),
        ("nobody waits", |config| config.max_waiting(0)),
        ("one waits", |config| config.max_waiting(1)),
        ("all wait", |config| config.max_waiting(usize::MAX)),
        ("no wait", |config| config.max_wait(AT_ONCE)),
        ("any wait", |config| config.max_wait(NEVER)),
        ("no idling", |config| config.idle_timeout(AT_ONCE)),
        ("any idling", |config| config.idle_timeout(NEVER)),
        ("no age", |config| config.max_age(Some(AT_ONCE))),
        ("any age", |config| config.max_age(Some(NEVER))),
        ("no settings", |config| config.settings_timeout(AT_ONCE)),
        ("any settings", |config| config.settings_timeout(NEVER)),
        ("no rest", |config| config.backoff(AT_ONCE, AT_ONCE)),
        ("any rest", |config| config.backoff(NEVER, NEVER)),
        ("rests inside out", |config| config.backoff(NEVER, AT_ONCE)),
        ("no jitter", |config| config.jitter_percent(0)),
        ("all jitter", |config| config.jitter_percent(u8::MAX)),
    ]
}

#[tokio::test(start_paused = true)]
async fn any_two_extremes_beside_each_other_serve_or_refuse_and_leave_nothing() {
    let extremes = extremes();
    for (at, (one, first)) in extremes.iter().enumerate() {
        for (other, second) in extremes.iter().skip(at) {
            let config = second(first(PoolConfig::new()));
            let network = Network::with(echo);
            let pool = Pool::builder(network.connector()).config(config).build();
            let what = format!("{one}, {other}");
            let worked = use_up(&what, pool, &network, &route()).await;
            if [one, other].iter().all(|limit| leaves_room(limit)) {
                assert_eq!(worked, 8, "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_spread_serves_or_refuses_and_leaves_nothing() {
    for connections in [1, 16] {
        for requests in [NonZeroU32::MIN, NonZeroU32::MAX] {
            for age in [AT_ONCE, NEVER] {
                for (limit, set) in extremes() {
                    let spread = Spread::by_weight(0)
                        .max_connections(NonZeroU16::new(connections).expect("some"))
                        .requests(requests)
                        .age(age);
                    let behind = Behind::new();
                    let pool = Pool::builder(behind.network.connector())
                        .config(set(PoolConfig::new()))
                        .spread(spread)
                        .build();
                    let what = format!("{limit}, {spread:?}");
                    use_up(&what, pool, &behind.network, &double_route()).await;
                }
            }
        }
    }
}

/// Whether the limit is none for a few tunnels.
fn leaves_room(limit: &str) -> bool {
    limit.starts_with("all ") || limit.starts_with("any ")
}

/// Some tunnels at once, twice, and the end of all; how many of the eight could be used.
async fn use_up(what: &str, pool: Pool, network: &Network, route: &Route) -> usize {
    let before = tasks();
    let mut worked = 0;
    for _ in 0..2 {
        let mut connects = JoinSet::new();
        for _ in 0..4 {
            let (pool, route, what) = (pool.clone(), route.clone(), what.to_owned());
            connects.spawn(async move {
                match soon(pool.connect(&route)).await {
                    Ok(mut tunnel) => {
                        assert!(soon(works(&mut tunnel)).await, "{what}");
                        1
                    }
                    Err(error) => {
                        assert!(is_for_want_of_room(&error), "{what}: {error:?}");
                        0
                    }
                }
            });
        }
        while let Some(connected) = connects.join_next().await {
            worked += connected.expect("no panic");
        }
        moment().await;
    }
    let stats = pool.stats();
    assert_eq!(stats.waiting, 0, "{what}: {stats:?}");
    assert!(stats.dials <= MOST_DIALS, "{what}: {stats:?}");
    soon(pool.drain()).await;
    moment().await;
    let stats = pool.stats();
    assert_eq!((stats.streams, stats.tasks), (0, 0), "{what}: {stats:?}");
    assert_eq!(network.open(), 0, "{what}");
    drop(pool);
    tasks_end(before).await;
    worked
}

/// One for each of eight tunnels, and the widest spread and its successors; on each of two hops.
const MOST_DIALS: u64 = 2 * (8 + 2 * 16);

fn is_for_want_of_room(error: &DialError) -> bool {
    match &error.cause {
        DialCause::NoStream(Failure::NoCapacity | Failure::QueueFull) => true,
        // Connections that live for no time at all are lost before they have carried anything.
        DialCause::NoStream(Failure::ConnectionLost { .. }) => true,
        // Whoever may wait for ever is told by the deadline of the whole.
        DialCause::TimedOut(total) => *total == DialLimits::default().total,
        _ => false,
    }
}
