//! Section 7 of docs/faults.md: a server that is asked to stop.

use hbone::policy::DestinationPolicy;
use hbone::{DrainAction, DrainEnd, Half, Loss, Reason, Reject, SocketAction, StreamAction};

use super::world::server::Answer;
use super::world::{Server, ms};

/// A server with so many tunnels open.
fn serving(tunnels: usize) -> Server {
    let mut server =
        Server::new(13, DestinationPolicy::allow_any_destination()).host("10.0.0.7:80");
    for _ in 0..tunnels {
        server.connect("10.0.0.7:80");
    }
    server.run(ms(10));
    assert!(
        server
            .streams
            .iter()
            .all(|served| served.answer == Some(Answer::Accepted))
    );
    server
}

fn actions(server: &Server) -> Vec<DrainAction> {
    server.drained.iter().map(|(_, action)| *action).collect()
}

#[test]
fn a_graceful_drain_waits_for_the_tunnels_that_are_open() {
    // [133]
    let mut server = serving(50);
    server.signal();
    server.run(ms(100));
    assert_eq!(
        actions(&server),
        [DrainAction::Announce, DrainAction::Finish]
    );
    for stream in 0..50 {
        assert!(server.tunnel(stream).handle_data(), "bytes flow on");
        server.after(ms(20 * stream as u64), move |server| {
            server.tunnel(stream).handle_end_stream();
            server.tunnel(stream).handle_socket_end();
        });
    }
    server.run(ms(979));
    assert!(!server.closed);
    server.run(ms(1));
    assert_eq!(actions(&server)[2..], [DrainAction::Close]);
    assert_eq!(server.drain.end(), Some(DrainEnd::Clean));
    let whole = |served: &super::world::server::Served| {
        served.said == [StreamAction::EndStream] && served.socket == [SocketAction::ShutdownWrite]
    };
    assert!(server.streams.iter().all(whole), "nothing was cut");
}

#[test]
fn the_deadline_cuts_what_is_left_and_says_how_much() {
    // [134], [136]: the client reads nothing, so it acknowledges nothing
    for client_reads in [true, false] {
        let mut server = serving(3);
        server.client_reads = client_reads;
        server.config.attempt_timeout = ms(60_000);
        server.config.total_timeout = ms(60_000);
        let dialling = server.connect("10.0.0.66:80");
        server.signal();
        server.run(ms(4_999));
        assert!(!server.closed);
        server.run(ms(1));
        assert!(server.closed);
        assert_eq!(server.drain.end(), Some(DrainEnd::TimedOut { streams: 4 }));
        for stream in 0..3 {
            assert_eq!(
                server.streams[stream].said,
                [StreamAction::Reset(Reason::CONNECT_ERROR)]
            );
            assert_eq!(server.streams[stream].socket, [SocketAction::Reset]);
        }
        assert_eq!(server.answer(dialling), &Answer::Rejected(Reject::Draining));
        assert_eq!(server.under_way(), 0);
    }
}

#[test]
fn a_connect_during_the_drain_is_refused_and_asks_nobody() {
    // [135]
    let mut server = serving(1);
    server.signal();
    let dials = server.dials.len();
    for wait in [0, 1, 500] {
        server.run(ms(wait));
        let stream = server.connect("10.0.0.7:80");
        assert_eq!(
            server.answer(stream),
            &Answer::Refused(Reason::REFUSED_STREAM)
        );
    }
    server.run(ms(100));
    assert_eq!(server.dials.len(), dials);
    assert_eq!(server.tunnel(0).inbound(), Half::Open);
}

#[test]
fn a_connect_that_was_being_served_when_the_drain_began_is_served() {
    // [133]
    let mut server = serving(0);
    let stream = server.connect("10.0.0.7:80");
    server.signal();
    server.run(ms(100));
    assert_eq!(server.answer(stream), &Answer::Accepted);
}

#[test]
fn a_second_signal_leaves_nothing_running() {
    // [137]
    let mut server = serving(5);
    server.connect("10.0.0.66:80");
    server.signal();
    server.run(ms(100));
    server.signal();
    server.run(ms(0));
    assert!(server.closed);
    assert_eq!(server.under_way(), 0);
    assert_eq!(server.drain.streams(), 0);
    assert_eq!(
        server.drain.end(),
        Some(DrainEnd::Interrupted { streams: 6 })
    );
}

#[test]
fn a_client_that_leaves_ends_the_drain() {
    let mut server = serving(5);
    server.signal();
    server.run(ms(100));
    server.lose(Loss::Closed);
    server.run(ms(0));
    assert!(server.closed);
    assert_eq!(server.drain.end(), Some(DrainEnd::Clean));
}
