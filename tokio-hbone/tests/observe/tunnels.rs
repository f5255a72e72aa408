use std::time::Duration;

use hbone::{Accept, Cut, Reason, Reject, RequestError, TunnelError};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use tokio_hbone::{Event, TunnelSummary};

use crate::recorder::{Recorder, Watched};
use crate::support::ends::{
    CONNECT, acceptor, connector, read_all, script_to_server_with, tunnel_to_script_with,
};
use crate::support::frame::{Frame, HEADERS};
use crate::support::pki::{CLIENT, SERVER};

fn closed(event: &Event) -> Option<TunnelSummary> {
    match event {
        Event::TunnelClosed { summary, .. } => Some(summary.clone()),
        _ => None,
    }
}

fn reset_received(event: &Event) -> Option<Reason> {
    match event {
        Event::ResetReceived { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn reset_sent(event: &Event) -> Option<Reason> {
    match event {
        Event::ResetSent { reason, .. } => Some(*reason),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_told_from_its_handshake_to_its_end_at_both_ends() {
    let watched = Watched::ends();
    let (mut client, mut server) = watched.tunnel().await;
    let told = |recorder: &Recorder| {
        recorder.only(|event| match event {
            Event::TunnelOpened { tunnel, .. } => Some(*tunnel),
            _ => None,
        })
    };
    assert_eq!(client.info(), told(&watched.client));
    assert_eq!(server.info(), told(&watched.server));
    assert_ne!(client.info(), server.info());
    let open = watched.connector.stats();
    assert_eq!(
        (open.connections, open.tunnels, open.handshaking),
        (1, 1, 0)
    );

    client.write_all(b"question").await.expect("room");
    client.shutdown().await.expect("an end");
    assert_eq!(read_all(&mut server).await.expect("an end"), b"question");
    sleep(Duration::from_secs(3)).await;
    server.write_all(b"the answer").await.expect("room");
    server.shutdown().await.expect("an end");
    assert_eq!(read_all(&mut client).await.expect("an end"), b"the answer");
    drop((client, server));
    sleep(Duration::from_secs(60)).await;

    let course = [
        "HandshakeBegan",
        "HandshakeDone",
        "TunnelOpened",
        "TunnelClosed",
        "ConnectionClosed",
    ];
    assert_eq!(watched.client.names(), course);
    assert_eq!(watched.server.names()[..4], course[..4]);
    let there = watched.client.only(closed);
    assert_eq!((there.sent, there.received, there.end), (8, 10, Ok(())));
    assert_eq!(there.peer.to_string(), SERVER);
    assert!(there.lived >= Duration::from_secs(3));
    let here = watched.server.only(closed);
    assert_eq!((here.sent, here.received, here.end), (10, 8, Ok(())));
    assert_eq!(here.peer.to_string(), CLIENT);
    assert_eq!(here.authority, "10.0.0.1:80".parse().expect("an authority"));

    let stats = watched.connector.stats();
    assert_eq!((stats.bytes_sent, stats.bytes_received), (8, 10));
    assert_eq!((stats.connections, stats.tunnels), (0, 0));
    assert_eq!((stats.handshakes, stats.tunnels_opened), (1, 1));
    assert_eq!((stats.tunnels_broken, stats.connections_cut), (0, 0));
    assert_eq!(stats.resets_sent.total() + stats.resets_received.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_its_reason_here_and_its_status_there() {
    let watched = Watched::ends();
    watched.refused(Reject::NoEndpoint).await;
    let reject = watched.server.only(|event| match event {
        Event::TunnelRefused {
            authority, reject, ..
        } => Some((authority.clone(), reject.clone())),
        _ => None,
    });
    let authority = "10.0.0.1:80".parse().expect("an authority");
    assert_eq!(reject, (Some(authority), Reject::NoEndpoint));
    let error = watched.client.only(|event| match event {
        Event::TunnelFailed { error, .. } => Some(error.clone()),
        _ => None,
    });
    assert!(
        matches!(&error, RequestError::Refused(refused) if refused.status() == 503),
        "{error}"
    );
    let (client, server) = (watched.connector.stats(), watched.acceptor.stats());
    assert_eq!((client.tunnels_failed, client.tunnels_opened), (1, 0));
    assert_eq!((server.tunnels_failed, server.connecting), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_is_let_go_is_a_reset_sent_here_and_received_there() {
    let watched = Watched::ends();
    let (mut client, server) = watched.tunnel().await;
    drop(server);
    let error = read_all(&mut client).await.expect_err("a reset");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    drop(client);
    let reason = watched.server.only(reset_sent);
    assert_eq!(watched.client.only(reset_received), reason);
    let cut = Err(TunnelError::Cut(Cut::Abandoned));
    assert_eq!(watched.server.only(closed).end, cut);
    let reset = Err(TunnelError::Reset(reason));
    assert_eq!(watched.client.only(closed).end, reset);
    let stats = watched.connector.stats();
    assert_eq!(
        (
            stats.resets_received.of(reason),
            stats.resets_received.total()
        ),
        (1, 1)
    );
    assert_eq!((stats.resets_sent.total(), stats.tunnels_broken), (0, 1));
    assert_eq!(watched.acceptor.stats().resets_sent.of(reason), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_only_the_writer_meets_is_told_once_and_with_its_reason() {
    let recorder = Recorder::default();
    let connector = connector().with_observer(recorder.clone());
    let (mut tunnel, mut raw, stream) = tunnel_to_script_with(connector, &[]).await;
    raw.send([Frame::reset(stream, Reason::ENHANCE_YOUR_CALM.to_wire())])
        .await;
    sleep(Duration::from_secs(1)).await;
    tunnel.write_all(b"a").await.expect_err("a reset");
    tunnel.write_all(b"b").await.expect_err("a reset");
    read_all(&mut tunnel).await.expect_err("a reset");
    drop(tunnel);
    assert_eq!(recorder.only(reset_received), Reason::ENHANCE_YOUR_CALM);
    let end = Err(TunnelError::Reset(Reason::ENHANCE_YOUR_CALM));
    assert_eq!(recorder.only(closed).end, end);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_for_the_window_is_told_with_the_time() {
    const INITIAL_WINDOW_SIZE: u16 = 4;
    let recorder = Recorder::default();
    let connector = connector().with_observer(recorder.clone());
    let stats = connector.clone();
    let settings = [(INITIAL_WINDOW_SIZE, 5)];
    let (mut tunnel, mut raw, stream) = tunnel_to_script_with(connector, &settings).await;
    let writing = tunnel.write_all(b"seven..");
    let reading = async {
        sleep(Duration::from_secs(3)).await;
        raw.send([Frame::window_update(stream, 100)]).await;
    };
    let (written, ()) = tokio::join!(writing, reading);
    written.expect("room");
    let waited = recorder.only(|event| match event {
        Event::WindowStalled { waited, .. } => Some(*waited),
        _ => None,
    });
    assert!(
        waited >= Duration::from_secs(3) && waited < Duration::from_secs(4),
        "{waited:?}"
    );
    drop(tunnel);
    let summary = recorder.only(closed);
    assert_eq!(
        (summary.sent, summary.stalls, summary.stalled),
        (7, 1, waited)
    );
    assert_eq!((stats.stats().stalls, stats.stats().stalled), (1, waited));
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_taken_back_is_given_up_with_the_reset_that_said_so() {
    let recorder = Recorder::default();
    let acceptor = acceptor().with_observer(recorder.clone());
    let (mut raw, mut incoming) = script_to_server_with(acceptor.clone(), &[]).await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let waiting = incoming.recv().await.expect("a CONNECT");
    assert_eq!(acceptor.stats().connecting, 1);
    raw.send([Frame::reset(1, Reason::CANCEL.to_wire())]).await;
    waiting.given_up().await;
    drop(waiting);
    assert_eq!(recorder.only(reset_received), Reason::CANCEL);
    recorder.only(|event| matches!(event, Event::TunnelGivenUp { .. }).then_some(()));
    let stats = acceptor.stats();
    assert_eq!((stats.connecting, stats.tunnels_failed), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_makes_no_sense_is_refused_without_a_destination() {
    let recorder = Recorder::default();
    let acceptor = acceptor().with_observer(recorder.clone());
    let (mut raw, _incoming) = script_to_server_with(acceptor, &[]).await;
    let head = [(":method", "CONNECT"), (":authority", "10.0.0.1")];
    raw.send([Frame::headers(1, &head)]).await;
    raw.expect(HEADERS).await;
    let authority = recorder.only(|event| match event {
        Event::TunnelRefused { authority, .. } => Some(authority.clone()),
        _ => None,
    });
    assert_eq!(authority, None);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_its_caller_drops_has_failed() {
    let watched = Watched::ends();
    let (near, mut incoming) = watched.door();
    let route = crate::support::ends::route();
    tokio::select! {
        opened = watched.connector.connect_over(near, &route) => drop(opened.expect_err("no answer")),
        asked = incoming.recv() => drop((asked.expect("a CONNECT"), sleep(Duration::ZERO).await)),
    }
    let error = watched.client.only(|event| match event {
        Event::TunnelFailed { error, .. } => Some(error.clone()),
        _ => None,
    });
    assert_eq!(error, RequestError::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_is_cut_from_elsewhere_is_one_reset() {
    let watched = Watched::ends();
    let (near, mut incoming) = watched.door();
    let route = crate::support::ends::route();
    let accepting = async {
        let incoming = incoming.recv().await.expect("a CONNECT");
        let handle = incoming.handle();
        (
            incoming.accept(&Accept::default()).expect("a client"),
            handle,
        )
    };
    let (opened, (mut accepted, handle)) =
        tokio::join!(watched.connector.connect_over(near, &route), accepting);
    let mut opened = opened.expect("a tunnel");
    handle.cut(Cut::Revoked);
    let cut = accepted.read_chunk().await.expect_err("a cut");
    assert_eq!(cut, TunnelError::Cut(Cut::Revoked));
    opened.read_chunk().await.expect_err("a reset");
    let reason = watched.server.only(reset_sent);
    assert_eq!(watched.client.only(reset_received), reason);
    assert_eq!(watched.server.only(closed).end, Err(cut));
}
