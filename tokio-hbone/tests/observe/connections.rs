use std::time::Duration;

use hbone::{EstablishError, Loss, PeerIdentityFault, Reason, Role, TunnelError};
use tokio::time::sleep;
use tokio_hbone::{ConnectionConfig, ConnectionEnd, Event};

use crate::recorder::{Recorder, Watched};
use crate::support::ends::{
    CONNECT, accept_next, acceptor, connector, hop, incoming, route, script_to_server_with,
    tunnel_to_script_with,
};
use crate::support::frame::Frame;
use crate::support::io::pipe;
use crate::support::pki::{CLIENT, MALLORY, SERVER};

fn connection_end(event: &Event) -> Option<ConnectionEnd> {
    match event {
        Event::ConnectionClosed { end, .. } => Some(*end),
        _ => None,
    }
}

fn handshake_error(event: &Event) -> Option<EstablishError> {
    match event {
        Event::HandshakeFailed { error, .. } => Some(error.clone()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn each_end_is_told_who_the_other_is() {
    let watched = Watched::ends();
    let tunnel = watched.tunnel().await;
    let peer = |recorder: &Recorder| {
        recorder.only(|event| match event {
            Event::HandshakeDone {
                connection, peer, ..
            } => Some((connection.role, peer.to_string())),
            _ => None,
        })
    };
    assert_eq!(peer(&watched.client), (Role::Client, SERVER.to_owned()));
    assert_eq!(peer(&watched.server), (Role::Server, CLIENT.to_owned()));
    drop(tunnel);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_fails_is_told_with_the_reason() {
    let watched = Watched::ends();
    let (near, _incoming) = watched.door();
    let route = hbone::Route::new(route().address(), hop("10.0.0.1:80", MALLORY));
    let connecting = watched.connector.connect_over(near, &route);
    connecting.await.expect_err("somebody else is there");
    let error = watched.client.only(handshake_error);
    assert!(
        matches!(
            &error,
            EstablishError::PeerIdentity(PeerIdentityFault::Mismatch(_))
        ),
        "{error}"
    );
    sleep(Duration::from_secs(60)).await;
    watched.server.only(handshake_error);
    assert_eq!(
        watched.client.names(),
        ["HandshakeBegan", "HandshakeFailed"]
    );
    let stats = watched.connector.stats();
    assert_eq!(
        (stats.handshakes, stats.handshakes_failed, stats.handshaking),
        (0, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_nobody_waits_for_any_more_is_abandoned() {
    let watched = Watched::ends();
    let (near, _far) = pipe();
    let connecting = async {
        let route = route();
        let connecting = watched.connector.connect_over(near, &route);
        tokio::time::timeout(Duration::from_millis(1), connecting).await
    };
    assert!(connecting.await.is_err());
    assert_eq!(
        watched.client.names(),
        ["HandshakeBegan", "HandshakeAbandoned"]
    );
    assert_eq!(watched.connector.stats().handshakes_abandoned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_any_more_is_told_as_such() {
    let recorder = Recorder::default();
    let connector = connector().with_observer(recorder.clone());
    let stats = connector.clone();
    let (tunnel, _silent, _) = tunnel_to_script_with(connector, &[]).await;
    sleep(Duration::from_secs(600)).await;
    drop(tunnel);
    recorder.only(|event| matches!(event, Event::KeepaliveTimedOut { .. }).then_some(()));
    let end = recorder.only(connection_end);
    assert_eq!(end, ConnectionEnd::Lost(Loss::Unanswered));
    let stats = stats.stats();
    assert_eq!((stats.keepalive_timeouts, stats.connections_lost), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_goaway_with_an_error_is_told_and_ends_the_tunnel() {
    let recorder = Recorder::default();
    let connector = connector().with_observer(recorder.clone());
    let (mut tunnel, mut raw, _) = tunnel_to_script_with(connector, &[]).await;
    raw.send([Frame::go_away(0, Reason::ENHANCE_YOUR_CALM.to_wire())])
        .await;
    let ended = tunnel.read_chunk().await.expect_err("a loss");
    drop(tunnel);
    raw.end().await.expect("a client");
    sleep(Duration::from_secs(60)).await;
    let reason = recorder.only(|event| match event {
        Event::GoAwayReceived { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(reason, Reason::ENHANCE_YOUR_CALM);
    assert!(matches!(ended, TunnelError::Lost(_)), "{ended}");
    let lost = ConnectionEnd::Lost(Loss::GoAway(Reason::ENHANCE_YOUR_CALM));
    assert_eq!(recorder.only(connection_end), lost);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_a_goaway_sent_and_an_orderly_end() {
    let watched = Watched::ends();
    let (near, far) = pipe();
    let route = route();
    let mut given = incoming(far, watched.acceptor.clone());
    let accepting = accept_next(&mut given);
    let (opened, accepted) = tokio::join!(watched.connector.connect_over(near, &route), accepting);
    let opened = opened.expect("a tunnel");
    // Nobody takes any more, which makes the connection drain at the next CONNECT; the client opens none, so it goes.
    drop((opened, accepted, given));
    sleep(Duration::from_secs(700)).await;
    let sent: Vec<_> = watched
        .server
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::GoAwaySent { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect();
    assert!(
        sent.iter().all(|reason| *reason == Reason::NO_ERROR),
        "{sent:?}"
    );
    assert_eq!(watched.server.only(connection_end), ConnectionEnd::Closed);
    assert_eq!(watched.acceptor.stats().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_floods_is_sent_away_and_told_as_such() {
    let recorder = Recorder::default();
    let mut config = ConnectionConfig::default();
    config.reset_burst = 0;
    config.resets_per_second = 0;
    let acceptor = acceptor()
        .with_connection(config)
        .with_observer(recorder.clone());
    let (mut raw, mut given) = script_to_server_with(acceptor, &[]).await;
    raw.send([
        Frame::headers(1, &CONNECT),
        Frame::reset(1, Reason::CANCEL.to_wire()),
    ])
    .await;
    let _ = tokio::time::timeout(Duration::from_secs(60), given.recv()).await;
    sleep(Duration::from_secs(60)).await;
    let end = recorder.only(connection_end);
    assert_eq!(end, ConnectionEnd::SentAway(Reason::ENHANCE_YOUR_CALM));
}
