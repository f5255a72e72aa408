//! Everything at once, in every order that the seeds give: whatever peers do and callers give up, each walk ends exactly once
//! and in time, no machine is misused, and nothing is left.
//!
//! The world itself checks at every instant what must always hold: no more streams than the peer allows, none on a connection that
//! is gone or going, and a pool that counts exactly what there is.

use std::time::Duration;

use hbone::policy::{AllowEntry, DestinationPolicy};
use hbone::pool::PoolConfig;
use hbone::{Alert, LinkFailure, Loss, Reason, Reject};
use proptest::prelude::*;

use super::world::server::Answer;
use super::world::{Client, Frame, Peer, Server, ms};

const PLACES: [&str; 3] = ["10.0.0.1:15008", "10.0.0.2:15008", "10.0.0.3:15008"];
const SERVICES: [&str; 2] = ["a.svc:80", "b.svc:80"];

fn failure() -> impl Strategy<Value = LinkFailure> {
    prop_oneof![
        Just(LinkFailure::Closed),
        Just(LinkFailure::Alert(Alert::from_wire(116))),
        Just(LinkFailure::Alert(Alert::from_wire(80))),
        Just(LinkFailure::Http2("bad frame".to_owned())),
        Just(LinkFailure::Io(std::io::ErrorKind::ConnectionRefused)),
    ]
}

/// Mostly well, sometimes with a failure, sometimes never.
fn stage<T: Clone + std::fmt::Debug + 'static>(
    well: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<Result<T, LinkFailure>>> {
    prop_oneof![
        8 => well.prop_map(|value| Some(Ok(value))),
        1 => failure().prop_map(|failure| Some(Err(failure))),
        1 => Just(None),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        8 => Just(Frame::Head(200)),
        2 => prop_oneof![Just(100), Just(101), Just(204), Just(302), Just(403), Just(503)]
            .prop_map(Frame::Head),
        2 => Just(Frame::Data),
        2 => Just(Frame::End),
        1 => Just(Frame::Trailers),
        2 => (0..16_u32).prop_map(|code| Frame::Reset(Reason::from_wire(code))),
        1 => Just(Frame::Malformed),
        1 => (any::<bool>(), 0..3_u32)
            .prop_map(|(covered, code)| Frame::GoAway(Reason::from_wire(code), covered)),
        1 => proptest::option::of(0..4_u32).prop_map(Frame::Settings),
        1 => failure().prop_map(Frame::Lost),
    ]
}

fn peer() -> impl Strategy<Value = Peer> {
    let answers = proptest::collection::vec(proptest::collection::vec(frame(), 0..4), 0..20);
    let stages = (
        stage(Just(())),
        stage(Just(())),
        stage(proptest::option::of(0..8_u32)),
    );
    (stages, answers, 0..40_u64).prop_map(|((tcp, tls, settings), answers, delay)| {
        let peer = Peer {
            tcp,
            tls,
            settings,
            delay: ms(delay),
            ..Peer::good()
        };
        answers.into_iter().fold(peer, Peer::answer)
    })
}

/// When, where to, and when to give up.
fn plan() -> impl Strategy<Value = (u64, usize, Option<usize>, Option<u64>)> {
    (
        0..1_000_u64,
        0..PLACES.len(),
        proptest::option::of(0..SERVICES.len()),
        proptest::option::of(0..2_000_u64),
    )
}

/// Roomy as usual, or so tight that keys take turns.
fn pool_config() -> impl Strategy<Value = PoolConfig> {
    let tight = (1..6_usize, 1..4_usize, 1..5_u32, 0..3_000_u64, 0..2_000_u64);
    let tight = tight.prop_map(|(all, key, streams, wait, idle)| {
        PoolConfig::new()
            .max_connections(all)
            .max_connections_per_key(key)
            .max_streams_per_connection(streams)
            .max_wait(ms(wait))
            .idle_timeout(ms(idle))
            .max_age(Some(ms(idle * 3)))
    });
    prop_oneof![Just(PoolConfig::new().max_wait(ms(3_000))), tight]
}

fn client(seed: u64, pool: Option<PoolConfig>, peers: Vec<Peer>) -> Client {
    let mut client = match pool {
        Some(config) => Client::with_pool(seed, config),
        None => Client::without_pool(seed),
    };
    let inside = SERVICES.map(|service| format!("[{service}]"));
    let places = PLACES.map(str::to_owned).into_iter().chain(inside);
    client.peers.extend(places.zip(peers));
    client
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_walk_ends_once_in_time_and_leaves_nothing(
        seed: u64,
        pool in proptest::option::weighted(0.8, pool_config()),
        peers in proptest::collection::vec(peer(), 5),
        plans in proptest::collection::vec(plan(), 1..24),
        vanish in proptest::option::of((0..PLACES.len(), 0..2_000_u64)),
    ) {
        let mut client = client(seed, pool, peers);
        let walks = plans.len();
        for (at, place, service, give_up) in plans {
            client.after(ms(at), move |client| {
                let service = service.map(|index| SERVICES[index]);
                let walk = match service {
                    Some(service) => client.connect(PLACES[place], &[service, service]),
                    None => client.connect(PLACES[place], &["10.0.0.9:80"]),
                };
                if let Some(wait) = give_up {
                    client.after(ms(wait), move |client| client.give_up(walk));
                }
            });
        }
        if let Some((place, at)) = vanish {
            client.after(ms(at), move |client| {
                client.peers.get_mut(PLACES[place]).unwrap().vanished = true;
            });
        }
        client.run(Duration::from_secs(70));
        prop_assert_eq!(client.walks.len(), walks);
        for walk in 0..walks {
            client.ending(walk);
            prop_assert!(client.time_of(walk) <= Duration::from_secs(60));
            client.give_up(walk);
        }
        client.run(Duration::from_secs(400));
        prop_assert_eq!(client.streams(), 0);
        if let Some(pool) = &client.pool {
            prop_assert_eq!(pool.counts().streams, 0);
            prop_assert_eq!(pool.counts().waiting, 0);
        }
    }

    #[test]
    fn every_connect_gets_one_answer_and_a_drain_ends_in_time(
        seed: u64,
        requests in proptest::collection::vec((0..3_000_u64, 0..6_usize, proptest::option::of(0..3_000_u64)), 0..30),
        signals in proptest::collection::vec(0..8_000_u64, 0..3),
        lost in proptest::option::of(0..8_000_u64),
        client_reads: bool,
    ) {
        let policy = DestinationPolicy::allow_list([
            AllowEntry::to_addresses(["10.0.0.0/8".parse().unwrap()]),
            AllowEntry::to_names_below(["svc".parse().unwrap()]),
        ]);
        let authorities = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "good.svc:80", "evil.svc:80", "silent.svc:80"];
        let mut server = Server::new(seed, policy)
            .host("10.0.0.1:80")
            .host_that("10.0.0.2:80", ms(5), Err(std::io::ErrorKind::ConnectionRefused))
            .name("good.svc:80", &["127.0.0.1:80", "10.0.0.2:80", "10.0.0.1:80"])
            .name("evil.svc:80", &["127.0.0.1:80", "169.254.169.254:80"]);
        server.client_reads = client_reads;
        let first_signal = signals.iter().min().copied();
        for (at, authority, reset) in requests {
            server.after(ms(at), move |server| {
                let stream = server.connect(authorities[authority]);
                if let Some(wait) = reset {
                    server.after(ms(wait), move |server| server.reset(stream, Reason::CANCEL));
                }
            });
        }
        for at in signals {
            server.after(ms(at), Server::signal);
        }
        if let Some(at) = lost {
            server.after(ms(at), |server| server.lose(Loss::Closed));
        }
        server.run(Duration::from_secs(20));

        prop_assert_eq!(server.under_way(), 0, "no dial and no query is left");
        for dialled in &server.dials {
            prop_assert!(dialled.ip().to_string().starts_with("10."), "{} was denied", dialled);
        }
        for served in &server.streams {
            let accepted = served.answer == Some(Answer::Accepted);
            prop_assert_eq!(served.tunnel.is_some(), accepted);
            prop_assert!(accepted || served.said.is_empty());
            if let Some(Answer::Rejected(reject)) = &served.answer {
                prop_assert!(*reject != Reject::Draining || first_signal.is_some());
            }
        }
        if let Some(first) = first_signal {
            prop_assert!(server.closed);
            let (at, _) = server.drained.last().unwrap();
            prop_assert!(*at <= ms(first) + Duration::from_secs(5));
            prop_assert_eq!(server.drain.streams(), 0);
        }
    }
}
