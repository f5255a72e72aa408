//! What the pool does when its limits are set to nothing or to for ever.

#[path = "world/epoch.rs"]
mod epoch;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use hbone::pool::{Action, ConnectionId, Failure, Pool, PoolConfig, Spread, TicketId};

/// When each test begins.
static START: LazyLock<Instant> = LazyLock::new(epoch::epoch);

type Actions = Vec<Action<u32, &'static str>>;

fn pool(config: PoolConfig) -> Pool<u32, &'static str> {
    Pool::new(config)
}

fn actions(pool: &mut Pool<u32, &'static str>) -> Actions {
    std::iter::from_fn(|| pool.poll_action()).collect()
}

fn dials(actions: &Actions) -> Vec<ConnectionId> {
    let dial = |action: &Action<u32, &'static str>| match action {
        Action::Dial { connection, .. } => Some(*connection),
        _ => None,
    };
    actions.iter().filter_map(dial).collect()
}

fn failed(actions: &Actions) -> Vec<TicketId> {
    let fail = |action: &Action<u32, &'static str>| match action {
        Action::Fail { ticket, .. } => Some(*ticket),
        _ => None,
    };
    actions.iter().filter_map(fail).collect()
}

fn after(millis: u64) -> Instant {
    *START + Duration::from_millis(millis)
}

#[test]
fn whoever_may_wait_for_ever_is_not_failed_by_another_timer() {
    let mut pool = pool(PoolConfig::new().max_wait(Duration::MAX));
    let _ticket = pool.request(&1, *START).unwrap();
    assert_eq!(dials(&actions(&mut pool)).len(), 1);
    pool.handle_timeout(after(3_600_000));
    assert_eq!(failed(&actions(&mut pool)), []);
    assert_eq!(pool.counts().waiting, 1);
}

#[test]
fn without_a_back_off_those_who_wait_still_fail_with_their_dial() {
    for config in [
        PoolConfig::new().backoff(Duration::ZERO, Duration::ZERO),
        PoolConfig::new().jitter_percent(100),
        PoolConfig::new().backoff(Duration::MAX, Duration::MAX),
    ] {
        let mut pool = pool(config);
        let ticket = pool.request(&1, *START).unwrap().ticket();
        let first = actions(&mut pool);
        pool.handle_dial_failed(dials(&first)[0], "refused", 1000, after(1))
            .unwrap();
        let then = actions(&mut pool);
        assert_eq!(failed(&then), [ticket], "{config:?}");
        assert_eq!(dials(&then), [], "{config:?}");
    }
}

#[test]
fn a_back_off_for_ever_ends_no_sooner_than_that() {
    let mut pool = pool(PoolConfig::new().backoff(Duration::MAX, Duration::MAX));
    let _ticket = pool.request(&1, *START).unwrap();
    let first = actions(&mut pool);
    pool.handle_dial_failed(dials(&first)[0], "refused", 0, after(1))
        .unwrap();
    actions(&mut pool);
    pool.handle_timeout(after(3_600_000));
    assert!(matches!(
        pool.request(&1, after(3_600_000)),
        Err(Failure::Dial {
            error: "refused",
            ..
        })
    ));
}

#[test]
fn the_last_of_several_dials_fails_those_who_wait_however_late_it_does() {
    let mut pool = pool(PoolConfig::new().max_streams_per_connection(1));
    let first = pool.request(&1, *START).unwrap().ticket();
    let up = dials(&actions(&mut pool))[0];
    pool.handle_connected(up, 0, after(1)).unwrap();
    pool.handle_settings(up, None, after(1)).unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|_| pool.request(&1, after(2)).unwrap().ticket())
        .collect();
    let two = dials(&actions(&mut pool));
    assert_eq!(two.len(), 2);
    pool.handle_closed(up, after(3)).unwrap();
    pool.handle_stream_ended(first, after(3)).unwrap();

    pool.handle_dial_failed(two[0], "refused", 0, after(10))
        .unwrap();
    assert_eq!(failed(&actions(&mut pool)), [], "another dial is under way");
    // the rest after the first failure is long over by now
    pool.handle_timeout(after(2_000));
    pool.handle_dial_failed(two[1], "timed out", 0, after(5_000))
        .unwrap();
    let then = actions(&mut pool);
    assert_eq!((failed(&then), dials(&then)), (waiting, vec![]));
}

#[test]
fn connections_that_may_not_age_are_not_dialled_in_a_loop_for_a_peer_that_allows_no_stream() {
    for config in [
        PoolConfig::new().max_age(Some(Duration::ZERO)),
        PoolConfig::new().idle_timeout(Duration::ZERO),
    ] {
        let mut pool = pool(config);
        let ticket = pool.request(&1, *START).unwrap().ticket();
        let mut dialled = 0;
        // No time passes, and every dial succeeds.
        loop {
            let now = actions(&mut pool);
            if failed(&now) == [ticket] {
                break;
            }
            for dial in dials(&now) {
                dialled += 1;
                pool.handle_connected(dial, 0, *START).unwrap();
                pool.handle_settings(dial, Some(0), *START).unwrap();
            }
            assert!(dialled < 10, "{config:?}");
            pool.handle_timeout(*START);
        }
        assert_eq!(dialled, 2, "{config:?}");
    }
}

#[test]
fn successors_that_end_as_soon_as_they_are_up_are_not_dialled_in_a_loop() {
    for (config, most) in [
        (PoolConfig::new().max_age(Some(Duration::ZERO)), 2),
        (PoolConfig::new().jitter_percent(100), 2),
        // A part of the spread's own 60 s that is shorter than its lead.
        (PoolConfig::new().max_age(Some(Duration::from_secs(5))), 1),
    ] {
        let mut pool = pool(config);
        let _ticket = pool
            .request_spread(&1, Spread::by_weight(1), *START)
            .unwrap();
        let mut dialled = 0;
        // Every dial succeeds, and the clock is looked at whenever it is due within a second.
        let mut now = *START;
        while now < after(900) {
            for dial in dials(&actions(&mut pool)) {
                dialled += 1;
                pool.handle_connected(dial, 1000, now).unwrap();
                pool.handle_settings(dial, None, now).unwrap();
            }
            assert!(dialled <= most, "{config:?}");
            now += Duration::from_millis(1);
            pool.handle_timeout(now);
        }
    }
}
