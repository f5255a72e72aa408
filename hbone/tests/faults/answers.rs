//! Section 4 of docs/faults.md: what a peer answers a CONNECT with, and what it costs.

use hbone::{
    AcceptedStatus, DialCause, DialError, Half, LinkFailure, Reason, RequestError, StreamAction,
};
use http::StatusCode;

use super::world::{Client, Ending, Frame, Peer, ms};

const SERVER: &str = "10.0.0.2:15008";
const APP: &str = "10.0.0.2:80";

fn client(peer: Peer) -> Client {
    Client::new(7).peer(SERVER, peer)
}

/// Lets one walk run to its end, and gives the error of its CONNECT.
fn refusal(client: &mut Client) -> RequestError {
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(5_000));
    match client.ending(walk) {
        Ending::Dial(DialError {
            cause: DialCause::Request(error),
            ..
        }) => error.clone(),
        other => panic!("expected a failed CONNECT, not {other:?}"),
    }
}

/// Asserts that the connection of an earlier CONNECT is kept and works.
fn still_works(client: &mut Client) {
    let dials = client.dials;
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(100));
    assert_eq!(client.ending(walk), &Ending::Open);
    assert_eq!(client.dials, dials, "the connection was kept in the pool");
}

#[test]
fn interim_answers_are_skipped_up_to_a_cap() {
    // [82]
    let mut frames = vec![Frame::Head(103); 16];
    frames.push(Frame::Head(200));
    let mut client = client(Peer::good().answer(frames));
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(100));
    assert_eq!(client.ending(walk), &Ending::Open);

    let mut one_more = vec![Frame::Head(103); 17];
    one_more.push(Frame::Head(200));
    let mut one_more = self::client(Peer::good().answer(one_more));
    assert_eq!(refusal(&mut one_more), RequestError::Informational(16));

    let mut flooded = self::client(Peer::good().answer(vec![Frame::Head(100); 50_000]));
    assert_eq!(refusal(&mut flooded), RequestError::Informational(16));
    assert_eq!(
        flooded.walks[0].said,
        [StreamAction::Reset(Reason::ENHANCE_YOUR_CALM)]
    );
    still_works(&mut flooded);
}

#[test]
fn switching_protocols_is_a_protocol_error() {
    // [82]
    let mut client = client(Peer::good().answer([Frame::Head(101)]));
    assert_eq!(
        refusal(&mut client),
        RequestError::Unexpected(StatusCode::SWITCHING_PROTOCOLS)
    );
    assert_eq!(
        client.walks[0].said,
        [StreamAction::Reset(Reason::PROTOCOL_ERROR)]
    );
    still_works(&mut client);
}

#[test]
fn whether_any_2xx_opens_a_tunnel_is_a_setting() {
    // [83]
    for status in [201, 204, 206, 299] {
        let peer = Peer::good().answer_times(2, &[Frame::Head(status)]);
        let mut client = client(peer);
        assert!(matches!(refusal(&mut client), RequestError::Refused(_)));
        client.request_limits.accepted = AcceptedStatus::Any2xx;
        let walk = client.connect(SERVER, &[APP]);
        client.run(ms(100));
        assert_eq!(client.ending(walk), &Ending::Open, "{status}");
    }
}

#[test]
fn a_refusal_costs_its_stream_and_not_the_connection() {
    // [85]; a redirect is a refusal like any other
    for status in [301, 307, 400, 401, 403, 404, 407, 429, 500, 503] {
        let mut client = client(Peer::good().answer([Frame::Head(status), Frame::Data]));
        match refusal(&mut client) {
            RequestError::Refused(refused) => assert_eq!(refused.status(), status),
            other => panic!("expected a refusal, not {other}"),
        }
        assert_eq!(client.streams(), 0);
        still_works(&mut client);
    }
}

#[test]
fn an_answer_that_ends_the_stream_opens_a_tunnel_at_its_end_of_file() {
    // [86]
    let mut client = client(Peer::good().answer([Frame::Head(200), Frame::End]));
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(100));
    assert_eq!(client.ending(walk), &Ending::Open);
    let tunnel = client.walks[walk].tunnel.as_ref().unwrap();
    assert_eq!(tunnel.inbound(), Half::Ended);
    assert_eq!(tunnel.outbound(), Half::Open);
    client.finish(walk);
    client.run(ms(100));
    assert_eq!(client.streams(), 0);
}

#[test]
fn an_answer_that_never_comes_is_given_up_at_its_deadline() {
    // [87]
    let peer = Peer::good().answer_times(1_000, &[]);
    let mut client = client(peer);
    for _ in 0..20 {
        for _ in 0..50 {
            client.connect(SERVER, &[APP]);
        }
        client.run(ms(1_100));
        assert_eq!(client.streams(), 0, "no place is lost");
    }
    for walk in &client.walks {
        assert_eq!(walk.said, [StreamAction::Reset(Reason::CANCEL)]);
    }
    assert_eq!(client.opened(), 0);
    still_works(&mut client);
}

#[test]
fn a_refused_stream_is_repeated_once_and_on_another_connection() {
    // [88]
    let refuse = Frame::Reset(Reason::REFUSED_STREAM);
    let mut client = client(Peer::good().answer([refuse.clone()]));
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(500));
    assert_eq!(client.ending(walk), &Ending::Open);
    assert_eq!(client.dials, 2, "the first connection has just refused");

    let mut twice = self::client(Peer::good().answer_times(2, &[refuse]));
    assert_eq!(
        refusal(&mut twice),
        RequestError::Reset(Reason::REFUSED_STREAM)
    );
    assert_eq!(twice.streams(), 0);
}

#[test]
fn any_other_reset_is_the_callers() {
    // [88]
    for code in (0..=14).chain([4_711]).filter(|code| *code != 7) {
        let reason = Reason::from_wire(code);
        let mut client = client(Peer::good().answer([Frame::Reset(reason)]));
        assert_eq!(refusal(&mut client), RequestError::Reset(reason));
        assert_eq!(client.dials, 1, "it was not repeated");
        still_works(&mut client);
    }
}

#[test]
fn what_a_goaway_leaves_out_is_repeated_and_what_it_covers_is_not() {
    // [89]
    let left_out = Frame::GoAway(Reason::NO_ERROR, false);
    let mut client = client(Peer::good().answer([left_out]));
    let walk = client.connect(SERVER, &[APP]);
    client.run(ms(500));
    assert_eq!(client.ending(walk), &Ending::Open);
    assert_eq!(client.dials, 2);

    let covered = [
        Frame::GoAway(Reason::NO_ERROR, true),
        Frame::Lost(LinkFailure::Closed),
    ];
    let mut covered = self::client(Peer::good().answer(covered));
    assert_eq!(
        refusal(&mut covered),
        RequestError::Lost(LinkFailure::Closed)
    );
    assert_eq!(covered.dials, 1, "the peer may have acted on it");
}

/// HBONE-R-006.
#[test]
fn two_goaways_and_one_with_an_error_hang_nobody() {
    // [91]
    let goaway = |covered| Frame::GoAway(Reason::ENHANCE_YOUR_CALM, covered);
    let scripts = [
        vec![goaway(true), goaway(false)],
        vec![goaway(false), goaway(true)],
        vec![goaway(true), goaway(true), Frame::Head(200), goaway(false)],
    ];
    for script in scripts {
        let mut client = client(Peer::good().answer(script));
        let walk = client.connect(SERVER, &[APP]);
        client.run(ms(2_500));
        client.ending(walk);
        client.give_up(walk);
        client.run(ms(100));
        assert_eq!(client.streams(), 0);
    }
}

#[test]
fn an_answer_beyond_our_limits_costs_its_stream_only() {
    // [92]
    let mut client = client(Peer::good().answer([Frame::Malformed]));
    assert!(matches!(refusal(&mut client), RequestError::Malformed(_)));
    still_works(&mut client);
}
