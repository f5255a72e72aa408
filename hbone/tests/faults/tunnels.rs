//! Sections 4 and 6 of docs/faults.md: an open tunnel, seen from the client.

use hbone::{Half, LinkFailure, Loss, Reason, StreamAction, TunnelError};

use super::world::{Client, Ending, Frame, Peer, ms};

const SERVER: &str = "10.0.0.2:15008";
const APP: &str = "10.0.0.2:80";

/// An open tunnel; all that follows happens to it.
fn open(tunnels: usize) -> Client {
    let mut client = Client::new(3).peer(SERVER, Peer::good());
    for _ in 0..tunnels {
        client.connect(SERVER, &[APP]);
    }
    client.run(ms(50));
    assert_eq!(client.opened(), tunnels);
    client
}

fn halves(client: &Client, walk: usize) -> (Half, Half) {
    let tunnel = client.walks[walk].tunnel.as_ref().unwrap();
    (tunnel.inbound(), tunnel.outbound())
}

#[test]
fn a_half_closed_tunnel_lives_until_its_other_half_ends() {
    // [97], [110]
    let mut client = open(1);
    client.peer_does(0, Frame::End);
    client.run(ms(60_000));
    assert_eq!(halves(&client, 0), (Half::Ended, Half::Open));
    assert_eq!(client.streams(), 1);
    client.finish(0);
    client.run(ms(1));
    assert_eq!(client.walks[0].said, [StreamAction::EndStream]);
    assert_eq!(client.streams(), 0);
    assert_eq!(client.links(), 1, "the connection is kept");
}

#[test]
fn a_dead_peer_times_its_tunnels_out() {
    // [129]
    let mut client = open(3);
    client.peers.get_mut(SERVER).unwrap().vanished = true;
    client.run(ms(549));
    assert_eq!(halves(&client, 0).0, Half::Open);
    client.run(ms(200));
    for walk in 0..3 {
        let error = TunnelError::Lost(Loss::Unanswered);
        assert_eq!(
            halves(&client, walk),
            (Half::Failed(error), Half::Failed(error))
        );
    }
    assert_eq!((client.streams(), client.links()), (0, 0));
}

#[test]
fn a_lost_connection_fails_every_tunnel_and_spares_the_other_connections() {
    // [25]
    let mut client = open(100);
    client
        .peers
        .insert("10.0.0.3:15008".to_owned(), Peer::good());
    let other = client.connect("10.0.0.3:15008", &[APP]);
    client.run(ms(50));
    let reset = LinkFailure::Io(std::io::ErrorKind::ConnectionReset);
    client.peer_does(0, Frame::Lost(reset));
    client.run(ms(10));
    for walk in 0..100 {
        assert!(halves(&client, walk).0.error().is_some());
    }
    assert_eq!(halves(&client, other), (Half::Open, Half::Open));
    assert_eq!(client.streams(), 1);
}

#[test]
fn trailers_cost_one_tunnel_and_no_more() {
    // [70]
    let mut client = open(2);
    client.peer_does(0, Frame::Trailers);
    client.run(ms(10));
    assert_eq!(halves(&client, 0).0, Half::Failed(TunnelError::Trailers));
    assert_eq!(
        client.walks[0].said,
        [StreamAction::Reset(Reason::PROTOCOL_ERROR)]
    );
    assert_eq!(halves(&client, 1), (Half::Open, Half::Open));
    assert_eq!(client.links(), 1);
}

#[test]
fn clients_that_give_up_their_downloads_leave_nothing_behind() {
    // [98], [123]
    let mut client = open(100);
    for walk in 0..100 {
        client.peer_does(walk, Frame::Data);
        client.give_up(walk);
    }
    client.run(ms(100));
    for walk in &client.walks {
        assert_eq!(walk.said, [StreamAction::Reset(Reason::INTERNAL_ERROR)]);
    }
    assert_eq!(client.streams(), 0);
    let next = client.connect(SERVER, &[APP]);
    client.run(ms(5));
    assert_eq!(client.ending(next), &Ending::Open);
    assert_eq!(client.dials, 1);
}

#[test]
fn a_goaway_lets_open_tunnels_run_on_and_sends_new_ones_elsewhere() {
    // [133] seen from the client
    let mut client = open(2);
    client.peer_does(1, Frame::GoAway(Reason::NO_ERROR, true));
    client.run(ms(10));
    assert_eq!(halves(&client, 0), (Half::Open, Half::Open));
    let next = client.connect(SERVER, &[APP]);
    client.run(ms(50));
    assert_eq!(client.ending(next), &Ending::Open);
    assert_ne!(client.link_of(next), client.link_of(0));
    for walk in [0, 1] {
        client.finish(walk);
        client.peer_does(walk, Frame::End);
    }
    client.run(ms(50));
    assert_eq!(
        client.links(),
        1,
        "the old connection closed with its last tunnel"
    );
}
