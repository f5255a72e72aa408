//! Every future of ours is dropped at every point where it waits: nothing panics, hangs, leaks a task or bends a byte.

use bytes::Bytes;
use hbone::Accept;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_hbone::{Acceptor, Tunnel, copy_bidirectional};

use crate::support::cut::{Cut, at_every_poll};
use crate::support::ends::incoming;
use crate::support::io::{BoxIo, pipe};
use crate::support::soon;
use crate::support::torn_io::TornIo;
use crate::torture_session::{Session, exchange, give_back, judge, payload};

/// How many bytes a call of the IO moves: what a pipe takes, or so few that there are many more points to wait at.
const MOST: [Option<usize>; 2] = [None, Some(700)];

fn ends(most: Option<usize>) -> (BoxIo, BoxIo) {
    let (near, far) = pipe();
    let slow = |io: BoxIo| match most {
        None => io,
        Some(most) => Box::new(TornIo::slow(io, most)) as BoxIo,
    };
    (slow(Box::new(near)), slow(Box::new(far)))
}

#[tokio::test(start_paused = true)]
async fn a_connect_dropped_at_any_point_leaves_nothing_at_either_end() {
    // [98]
    for (hops, most) in [(1, MOST[0]), (1, MOST[1]), (2, MOST[0]), (2, MOST[1])] {
        at_every_poll(async |cut| {
            let session = Session::new(hops);
            let (near, far) = ends(most);
            session.serve(far);
            let route = session.route();
            let connecting = session.connector.connect_over(near, &route);
            let is_whole = match soon(cut.short(connecting)).await {
                Some(connected) => exchange(connected.expect("a tunnel")).await.is_ok(),
                None => false,
            };
            session.ends().await;
            is_whole
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_accept_dropped_at_any_point_is_an_error_at_the_client_and_leaves_nothing() {
    for most in MOST {
        at_every_poll(async |cut| {
            let session = Session::new(1);
            let (near, far) = ends(most);
            let accepting = async {
                let accepted = cut.short(session.acceptor.accept(far)).await;
                accepted.map(|connection| drop(connection.expect("a client")))
            };
            let (outcome, accepted) = tokio::join!(session.run(near), soon(accepting));
            assert_eq!(outcome, Err(()), "nobody has accepted the tunnel");
            session.ends().await;
            accepted.is_some()
        })
        .await;
    }
}

/// Serves one connection, with each wait for the next CONNECT cut short.
async fn serve(io: BoxIo, acceptor: &Acceptor, cut: Cut) {
    let Ok(mut connection) = acceptor.accept(io).await else {
        return;
    };
    loop {
        match cut.short(connection.next()).await {
            None => {}
            Some(None) => return,
            Some(Some(incoming)) => {
                if let Ok(tunnel) = incoming.accept(&Accept::default()) {
                    tokio::spawn(give_back(tunnel));
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_next_connect_dropped_again_and_again_loses_nothing() {
    for (most, polls) in MOST
        .into_iter()
        .flat_map(|most| (1..6).map(move |polls| (most, polls)))
    {
        let session = Session::new(1);
        let (near, far) = ends(most);
        let serving = serve(far, &session.acceptor, Cut::woken(polls));
        let (outcome, ()) = tokio::join!(session.run(near), soon(serving));
        outcome.expect("all bytes");
        session.ends().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_dropped_at_any_point_is_an_error_at_the_client_and_leaves_nothing() {
    for most in MOST {
        at_every_poll(async |cut| {
            let session = Session::new(1);
            let (near, far) = ends(most);
            // In a task of its own, so that only what concerns it is a poll of it.
            let acceptor = session.acceptor.clone();
            let serving = tokio::spawn(async move {
                let serving = serve(far, &acceptor, Cut::woken(usize::MAX));
                cut.short(serving).await.is_some()
            });
            let outcome = session.run(near).await;
            let is_whole = soon(serving).await.expect("no panic");
            assert!(outcome.is_ok() || !is_whole, "it came to its end");
            session.ends().await;
            is_whole
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn reads_writes_and_shutdowns_dropped_again_and_again_lose_nothing() {
    for hops in [1, 2] {
        for polls in 1..6 {
            let session = Session::new(hops);
            let (near, far) = ends(MOST[1]);
            session.serve(far);
            let connecting = session.connector.connect_over(near, &session.route()).await;
            let outcome =
                exchange_in_pieces(connecting.expect("a tunnel"), Cut::woken(polls)).await;
            outcome.expect("all bytes");
            session.ends().await;
        }
    }
}

/// An exchange that gives up every call that takes long, and makes it again.
async fn exchange_in_pieces(tunnel: Tunnel, cut: Cut) -> Result<(), ()> {
    let (mut reads, mut writes) = tokio::io::split(tunnel);
    let sent = payload();
    let writing = async {
        let mut rest = &sent[..];
        while !rest.is_empty() {
            if let Some(wrote) = cut.short(writes.write(rest)).await {
                rest = &rest[wrote?..];
            }
        }
        loop {
            if let Some(end) = cut.short(writes.shutdown()).await {
                return end;
            }
        }
    };
    let mut got = Vec::new();
    let reading = async {
        let mut part = [0; 1000];
        loop {
            match cut.short(reads.read(&mut part)).await {
                None => {}
                Some(Ok(0)) => return Ok(()),
                Some(Ok(read)) => got.extend_from_slice(&part[..read]),
                Some(Err(error)) => return Err(error),
            }
        }
    };
    let (wrote, read) = soon(async { tokio::join!(writing, reading) }).await;
    judge(&sent, &got, wrote.and(read))
}

#[tokio::test(start_paused = true)]
async fn reads_of_chunks_dropped_again_and_again_lose_nothing() {
    for hops in [1, 2] {
        for polls in 1..6 {
            let (session, tunnel) = open(hops).await;
            let (mut reader, mut writer) = tunnel.into_split();
            let (sent, cut) = (payload(), Cut::woken(polls));
            let writing = async {
                writer.write_all(&sent).await?;
                writer.shutdown().await
            };
            let mut got = Vec::new();
            let reading = async {
                loop {
                    match cut.short(reader.read_chunk()).await {
                        None => {}
                        Some(Ok(Some(chunk))) => got.extend_from_slice(&chunk),
                        Some(end) => return end.map(drop),
                    }
                }
            };
            let (wrote, read) = soon(async { tokio::join!(writing, reading) }).await;
            wrote.expect("room");
            read.expect("an end");
            assert!(got == sent, "bent bytes");
            drop((reader, writer));
            session.ends().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_dropped_at_any_point_leaves_nothing_at_either_end() {
    // [98]
    for hops in [1, 2] {
        at_every_poll(async |cut| {
            let (session, tunnel) = open(hops).await;
            let is_whole = soon(cut.short(exchange(tunnel))).await.is_some();
            session.ends().await;
            is_whole
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_of_chunks_dropped_at_any_point_leaves_nothing_at_either_end() {
    // [98]
    for hops in [1, 2] {
        at_every_poll(async |cut| {
            let (session, tunnel) = open(hops).await;
            let is_whole = soon(cut.short(exchange_chunks(tunnel))).await.is_some();
            session.ends().await;
            is_whole
        })
        .await;
    }
}

async fn open(hops: usize) -> (Session, Tunnel) {
    let session = Session::new(hops);
    let (near, far) = ends(MOST[1]);
    session.serve(far);
    let route = session.route();
    let connecting = session.connector.connect_over(near, &route);
    let tunnel = soon(connecting).await.expect("a tunnel");
    (session, tunnel)
}

async fn exchange_chunks(mut tunnel: Tunnel) {
    let sent = Bytes::from(payload());
    let mut got = Vec::new();
    for at in (0..sent.len()).step_by(5_000) {
        let chunk = sent.slice(at..at + 5_000);
        tunnel.write_chunk(chunk).await.expect("room");
        while got.len() < at + 5_000 {
            let back = tunnel.read_chunk().await.expect("an echo");
            got.extend_from_slice(&back.expect("all of it"));
        }
    }
    tunnel.shutdown().await.expect("an end");
    assert_eq!(tunnel.read_chunk().await.expect("an end"), None);
    assert!(got == sent, "bent bytes");
}

#[tokio::test(start_paused = true)]
async fn a_copy_dropped_at_any_point_is_an_error_at_the_client_and_leaves_nothing() {
    for most in MOST {
        at_every_poll(async |cut| {
            let session = Session::new(1);
            let (near, far) = ends(most);
            let (mut upstream, application) = pipe();
            tokio::spawn(give_back(application));
            let mut incoming = incoming(far, session.acceptor.clone());
            let copying = tokio::spawn(async move {
                let connect = incoming.recv().await.expect("a CONNECT");
                let mut tunnel = connect.accept(&Accept::default()).expect("a client");
                let copying = copy_bidirectional(&mut tunnel, &mut upstream);
                let copied = cut.short(copying).await;
                copied
                    .map(|copied| copied.end.expect("a good end"))
                    .is_some()
            });
            let outcome = session.run(near).await;
            let is_whole = soon(copying).await.expect("no panic");
            assert!(outcome.is_ok() || !is_whole, "it came to its end");
            session.ends().await;
            is_whole
        })
        .await;
    }
}
