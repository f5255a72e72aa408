//! A tunnel inside a tunnel: faults of either level.

use hbone::{
    DialCause, DialError, EstablishError, Half, LinkFailure, Loss, Reason, RequestError, Stage,
    TunnelError,
};

use super::world::{Client, Ending, Frame, Peer, ms};

const GATEWAY: &str = "10.9.0.1:15008";
const SERVICE: &str = "echo.default.svc:80";
const INSIDE: &str = "[echo.default.svc:80]";

fn remote(seed: u64, gateway: Peer, server: Peer) -> Client {
    Client::new(seed)
        .peer(GATEWAY, gateway)
        .peer(INSIDE, server)
}

/// Lets one walk run to its end, and gives the level and the cause of its failure.
fn failure(mut client: Client) -> (usize, DialCause) {
    let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(5_000));
    assert_eq!(client.streams(), 0);
    match client.ending(walk) {
        Ending::Dial(DialError {
            level,
            hops: 2,
            cause,
            ..
        }) => (*level, cause.clone()),
        other => panic!("expected a failure, not {other:?}"),
    }
}

#[test]
fn both_levels_open_in_order() {
    let mut client = remote(1, Peer::good(), Peer::good());
    let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    assert_eq!(client.ending(walk), &Ending::Open);
    assert_eq!(client.links(), 2, "one connection a level");
    assert_eq!(client.streams(), 2);
    client.give_up(walk);
    client.run(ms(10));
    assert_eq!(client.streams(), 0);
    assert_eq!(client.links(), 1, "the outer one is kept");
}

#[test]
fn the_error_says_at_which_hop_it_went_wrong() {
    let (level, cause) = failure(remote(
        1,
        Peer::good().answer([Frame::Head(503)]),
        Peer::good(),
    ));
    assert_eq!(level, 0);
    assert!(
        matches!(cause, DialCause::Request(RequestError::Refused(_))),
        "{cause}"
    );

    let (level, cause) = failure(remote(
        1,
        Peer::good(),
        Peer::good().answer([Frame::Head(403)]),
    ));
    assert_eq!(level, 1);
    assert!(
        matches!(cause, DialCause::Request(RequestError::Refused(_))),
        "{cause}"
    );

    let silent = Peer {
        tls: None,
        ..Peer::good()
    };
    let (level, cause) = failure(remote(1, Peer::good(), silent));
    assert_eq!(level, 1);
    let timed_out = matches!(
        cause,
        DialCause::Establish(EstablishError::TimedOut {
            stage: Stage::Tls,
            ..
        })
    );
    assert!(timed_out, "{cause}");
}

/// HBONE-D-003.
#[test]
fn a_gateway_cannot_pass_itself_off_as_the_destination() {
    let impostor = Peer {
        identity: "spiffe://cluster.local/ns/istio-gateways/sa/eastwest",
        ..Peer::good()
    };
    let (level, cause) = failure(remote(1, Peer::good(), impostor));
    assert_eq!(level, 1);
    assert!(
        matches!(cause, DialCause::Establish(EstablishError::PeerIdentity(_))),
        "{cause}"
    );
}

#[test]
fn a_refused_stream_is_repeated_once_whatever_its_level() {
    // [88], [89]
    for safe in [
        Frame::Reset(Reason::REFUSED_STREAM),
        Frame::GoAway(Reason::NO_ERROR, false),
    ] {
        let refusing = Peer::good().answer([safe.clone()]);
        for (gateway, server) in [(refusing.clone(), Peer::good()), (Peer::good(), refusing)] {
            let mut client = remote(2, gateway, server);
            let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
            client.run(ms(1_000));
            assert_eq!(client.ending(walk), &Ending::Open, "{safe:?}");
            assert_eq!(client.streams(), 2, "nothing of the first try is left");
        }
        // One repeat is for the whole walk.
        let refusing = Peer::good().answer([safe]);
        let (_, cause) = failure(remote(2, refusing.clone(), refusing));
        assert!(matches!(cause, DialCause::Request(_)), "{cause}");
    }
}

#[test]
fn an_inner_connection_that_is_lost_at_its_first_connect_is_not_made_again() {
    // Its outer one was there before, and a loss of that one would be: it may have died unnoticed.
    let lost = Frame::Lost(LinkFailure::Closed);
    let mut client = remote(7, Peer::good(), Peer::good());
    client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    client.peers.get_mut(INSIDE).unwrap().answers = [vec![(ms(1), lost.clone())]].into();
    let inner = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    assert!(matches!(
        client.ending(inner),
        Ending::Dial(DialError { level: 1, .. })
    ));

    client.peers.get_mut(GATEWAY).unwrap().answers = [vec![(ms(1), lost)]].into();
    let outer = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    assert_eq!(client.ending(outer), &Ending::Open);
    assert_eq!(client.dials, 2);
}

/// HBONE-D-007.
#[test]
fn an_outer_reset_fails_the_inner_tunnel_and_an_inner_one_leaves_the_outer_connection() {
    // [119]
    let dying = Peer::good().answer([Frame::Head(200)]);
    let mut client = remote(3, dying, Peer::good());
    let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    let other = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    client.outer_does(walk, Frame::Reset(Reason::CONNECT_ERROR));
    client.run(ms(100));
    let lost = Half::Failed(TunnelError::Lost(Loss::Closed));
    assert_eq!(client.walks[walk].tunnel.as_ref().unwrap().inbound(), lost);
    assert_eq!(
        client.walks[other].tunnel.as_ref().unwrap().inbound(),
        Half::Open
    );

    client.peer_does(other, Frame::Reset(Reason::CONNECT_ERROR));
    client.run(ms(100));
    let reset = Half::Failed(TunnelError::Reset(Reason::CONNECT_ERROR));
    assert_eq!(
        client.walks[other].tunnel.as_ref().unwrap().inbound(),
        reset
    );
    assert_eq!((client.links(), client.streams()), (1, 0));
}

/// HBONE-D-007.
#[test]
fn an_inner_goaway_drains_only_the_inner_connection() {
    // [119]
    let mut client = remote(4, Peer::good(), Peer::good());
    let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    client.peer_does(walk, Frame::GoAway(Reason::NO_ERROR, true));
    client.run(ms(100));
    assert_eq!(
        client.walks[walk].tunnel.as_ref().unwrap().inbound(),
        Half::Open
    );
    let next = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    assert_eq!(client.ending(next), &Ending::Open);
    assert_eq!(client.dials, 1, "the outer connection is used on");
}

#[test]
fn an_end_of_the_outer_tunnel_is_no_end_of_file_inside() {
    let mut client = remote(5, Peer::good(), Peer::good());
    let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    client.outer_does(walk, Frame::End);
    client.run(ms(100));
    let inbound = client.walks[walk].tunnel.as_ref().unwrap().inbound();
    assert_eq!(inbound, Half::Failed(TunnelError::Lost(Loss::Closed)));
}

#[test]
fn a_dead_gateway_fails_what_runs_through_it_in_time() {
    // [129]
    let mut client = remote(6, Peer::good(), Peer::good());
    let walk = client.connect(GATEWAY, &[SERVICE, SERVICE]);
    client.run(ms(100));
    for peer in client.peers.values_mut() {
        peer.vanished = true;
    }
    client.run(ms(900));
    let inbound = client.walks[walk].tunnel.as_ref().unwrap().inbound();
    assert_eq!(inbound, Half::Failed(TunnelError::Lost(Loss::Unanswered)));
    assert_eq!((client.links(), client.streams()), (0, 0));
}
