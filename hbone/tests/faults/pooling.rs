//! Sections 4 and 5 of docs/faults.md: what many walks share.

use std::collections::BTreeSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use hbone::pool::{Action, Failure, Pool, PoolConfig};
use hbone::{DialCause, Reason};

use super::world::epoch::epoch;
use super::world::{Client, Ending, Frame, Peer, ms};

const SERVER: &str = "10.0.0.2:15008";
const APP: &str = "10.0.0.2:80";

fn connect_all(client: &mut Client, walks: usize) {
    for _ in 0..walks {
        client.connect(SERVER, &[APP]);
    }
}

/// On how many connections the walks that are open are.
fn connections(client: &Client) -> usize {
    let open = |walk: &usize| client.ending(*walk) == &Ending::Open;
    let links = (0..client.walks.len())
        .filter(open)
        .map(|walk| client.link_of(walk));
    links.collect::<BTreeSet<_>>().len()
}

#[test]
fn a_storm_on_a_cold_key_makes_as_many_connections_as_its_streams_need() {
    // [99]
    for seed in 0..3 {
        let mut client = Client::new(seed).peer(SERVER, Peer::good());
        connect_all(&mut client, 1_000);
        client.run(ms(3_000));
        assert_eq!(client.opened(), 1_000);
        assert!((9..=11).contains(&client.dials), "{} dials", client.dials);
    }
}

#[test]
fn a_storm_on_a_dead_key_fails_together_and_fast() {
    // [100]
    let dead = Peer {
        tcp: None,
        ..Peer::good()
    };
    let mut client = Client::new(5).peer(SERVER, dead);
    connect_all(&mut client, 1_000);
    client.run(ms(5_000));
    for walk in 0..1_000 {
        assert!(matches!(client.ending(walk), Ending::Dial(error)
            if matches!(error.cause, DialCause::Establish(_))));
        assert!(client.time_of(walk) <= ms(1_200));
    }
    assert!(
        client.dials <= 11,
        "{} dials for one dead peer",
        client.dials
    );
}

#[test]
fn whoever_waits_is_served_when_the_one_that_began_goes_away() {
    // [101]
    for seed in 0..10 {
        let slow = Peer {
            delay: ms(50),
            ..Peer::good()
        };
        let mut client = Client::new(seed).peer(SERVER, slow);
        connect_all(&mut client, 5);
        for leader in 0..3_u8 {
            client.after(ms(20) * u32::from(leader), move |client| {
                client.give_up(leader.into());
            });
        }
        client.run(ms(2_000));
        assert_eq!(client.opened(), 2);
        assert_eq!(client.streams(), 2);
    }
}

#[test]
fn a_peer_that_allows_no_stream_is_waited_for_but_not_for_ever() {
    // [93]
    let mut client = Client::new(2).peer(SERVER, Peer::good().with_streams(0));
    connect_all(&mut client, 10);
    client.run(ms(10_000));
    for walk in 0..10 {
        assert_eq!(client.ending(walk), &Ending::Pool(Failure::NoCapacity));
        assert_eq!(client.time_of(walk), ms(3_000));
    }
}

#[test]
fn a_peer_that_allows_one_stream_gets_more_connections_up_to_the_cap() {
    // [94]
    let mut client = Client::new(2).peer(SERVER, Peer::good().with_streams(1));
    connect_all(&mut client, 50);
    client.run(ms(3_000));
    assert_eq!(client.opened(), 50);
    assert_eq!(connections(&client), 50);

    let config = PoolConfig::new()
        .max_connections_per_key(4)
        .max_wait(ms(3_000));
    let mut capped = Client::with_pool(2, config).peer(SERVER, Peer::good().with_streams(1));
    connect_all(&mut capped, 50);
    capped.run(ms(5_000));
    assert_eq!(capped.opened(), 4);
    assert_eq!(capped.dials, 4);
    let waited = |walk: &usize| capped.ending(*walk) == &Ending::Pool(Failure::NoCapacity);
    assert_eq!((0..50).filter(waited).count(), 46);
}

#[test]
fn a_lowered_limit_lets_live_streams_be_and_sends_new_ones_elsewhere() {
    // [95]
    let mut client = Client::new(9).peer(SERVER, Peer::good());
    connect_all(&mut client, 20);
    client.run(ms(50));
    client.peer_does(0, Frame::Settings(Some(1)));
    client.run(ms(10));
    connect_all(&mut client, 20);
    client.run(ms(100));
    assert_eq!(client.opened(), 40, "the first twenty are untouched");
    assert_eq!(connections(&client), 2);
    for walk in 20..40 {
        assert_ne!(client.link_of(walk), client.link_of(0));
    }
}

#[test]
fn an_idle_connection_is_never_given_out_dead() {
    // [103]: its time is up at the very instant at which somebody asks
    for seed in 0..300 {
        let config = PoolConfig::new().idle_timeout(ms(1_000)).jitter_percent(0);
        let mut client = Client::with_pool(seed, config).peer(SERVER, Peer::good());
        client.keepalive = None;
        connect_all(&mut client, 1);
        client.run(ms(10));
        client.give_up(0);
        client.run(Duration::ZERO);
        for wait in [999, 1_000, 1_001] {
            client.after(ms(wait), |client| {
                client.connect(SERVER, &[APP]);
            });
        }
        client.run(ms(1_100));
        assert_eq!(client.opened(), 4);
    }
}

#[test]
fn a_pooled_connection_to_a_vanished_peer_is_gone_in_time_and_its_connect_is_repeated() {
    // [104]
    let mut client = Client::new(4).peer(SERVER, Peer::good());
    connect_all(&mut client, 1);
    client.run(ms(100));
    // Its address is given to another: the old connections are silent for ever, new ones work.
    client.peers.get_mut(SERVER).unwrap().vanished = true;
    let walk = client.connect(SERVER, &[APP]);
    client.after(ms(500), |client| {
        client.peers.get_mut(SERVER).unwrap().vanished = false;
        client.silence_links_of(SERVER);
    });
    client.run(ms(900));
    assert_eq!(client.ending(walk), &Ending::Open);
    assert!(client.time_of(walk) <= ms(700));
    assert_eq!(client.links(), 1, "the old connection is gone");
}

#[test]
fn keys_with_another_place_never_share_a_connection() {
    // [105]
    let mut client = Client::new(1)
        .peer(SERVER, Peer::good())
        .peer("10.0.0.3:15008", Peer::good());
    let first = client.connect(SERVER, &[APP]);
    let second = client.connect("10.0.0.3:15008", &[APP]);
    client.run(ms(100));
    assert_ne!(client.link_of(first), client.link_of(second));
}

#[test]
fn keys_whose_hashes_collide_never_share_a_connection() {
    // [105]
    #[derive(Default)]
    struct Same;
    impl Hasher for Same {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, _: &[u8]) {}
    }
    let now = epoch();
    let mut pool = Pool::<_, (), BuildHasherDefault<Same>>::new(PoolConfig::new());
    let keys = ["as alice", "as bob"].map(|identity| (SERVER, identity));
    let tickets = keys.map(|key| pool.request(&key, now).unwrap().ticket());
    let mut dialled = Vec::new();
    while let Some(Action::Dial { connection, key }) = pool.poll_action() {
        dialled.push((connection, key));
    }
    assert_eq!(dialled.len(), 2);
    for (number, (connection, key)) in dialled.into_iter().enumerate() {
        pool.handle_connected(connection, 0, now).unwrap();
        pool.handle_settings(connection, Some(100), now).unwrap();
        let own = keys.iter().position(|own| *own == key).unwrap();
        let assigned = Action::Assign {
            ticket: tickets[own],
            connection,
        };
        assert_eq!(pool.poll_action(), Some(assigned), "connection {number}");
    }
    assert_eq!(pool.poll_action(), None);
}

#[test]
fn a_connection_past_its_age_takes_nothing_new_and_cuts_nothing() {
    // [20]: a certificate that expires under it goes with it, at the latest
    let config = PoolConfig::new().max_age(Some(ms(1_000))).jitter_percent(0);
    let mut client = Client::with_pool(3, config).peer(SERVER, Peer::good());
    connect_all(&mut client, 1);
    client.run(ms(990));
    connect_all(&mut client, 1);
    client.run(ms(100));
    connect_all(&mut client, 1);
    client.run(ms(100));
    assert_eq!(client.opened(), 3);
    assert_eq!(client.link_of(1), client.link_of(0));
    assert_ne!(client.link_of(2), client.link_of(0));
    assert_eq!(client.streams(), 3, "what runs on the old one runs on");
}

#[test]
fn stream_ids_that_run_out_cost_a_connection_and_nobody_an_error() {
    // [51]
    let mut client = Client::new(3).peer(SERVER, Peer::good());
    client.last_stream_id = 7;
    for _ in 0..10 {
        connect_all(&mut client, 1);
        client.run(ms(10));
        client.give_up(client.walks.len() - 1);
    }
    assert_eq!(client.opened(), 10);
    assert_eq!(client.dials, 3, "four streams a connection");
    client.run(ms(10));
    assert_eq!(client.links(), 1);
}

#[test]
fn after_very_many_mixed_ends_nothing_is_counted_and_the_connection_is_usable() {
    // [106]
    let mut peer = Peer::good();
    let ends = [
        vec![Frame::Head(200), Frame::Reset(Reason::INTERNAL_ERROR)],
        vec![Frame::Head(503)],
        vec![Frame::Reset(Reason::REFUSED_STREAM)],
        vec![Frame::Head(200), Frame::End],
        vec![Frame::Malformed],
        vec![Frame::Head(200), Frame::Trailers],
        vec![],
    ];
    for number in 0..1_000 {
        let index: usize = number % ends.len();
        peer = peer.answer(ends[index].clone());
    }
    let mut client = Client::new(8).peer(SERVER, peer);
    for batch in 0..20 {
        connect_all(&mut client, 50);
        client.run(ms(if batch % 2 == 0 { 3 } else { 1_500 }));
        for walk in batch * 50..batch * 50 + 50 {
            client.give_up(walk);
        }
    }
    client.run(ms(5_000));
    let counts = client.pool.as_ref().unwrap().counts();
    assert_eq!((counts.streams, counts.waiting), (0, 0));
    client.peers.get_mut(SERVER).unwrap().answers.clear();
    let dials = client.dials;
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(50));
    assert_eq!(client.ending(walk), &Ending::Open);
    assert_eq!(client.dials, dials);
}

#[test]
fn very_many_keys_once_each_are_forgotten_when_idle() {
    // [107]
    let mut client = Client::new(6);
    client.keepalive = None;
    for host in 0..200_u8 {
        let place = format!("10.1.0.{host}:15008");
        client.peers.insert(place.clone(), Peer::good());
        let walk = client.connect(&place, &[APP]);
        client.run(ms(5));
        client.give_up(walk);
    }
    client.run(Duration::from_secs(301));
    let counts = client.pool.as_ref().unwrap().counts();
    assert_eq!((counts.keys, counts.open), (0, 0));
    assert_eq!(client.links(), 0);
}
