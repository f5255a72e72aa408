//! Every call of the IO fails once, and every call moves a byte: nothing panics, hangs, leaks a task or bends a byte.

use std::io;

use hbone::{DialCause, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Handle;
use tokio_hbone::{Acceptor, copy_bidirectional};

use crate::support::ends::{acceptor, connector, hop, incoming, server_tls, tunnel_error};
use crate::support::io::{BoxIo, pipe};
use crate::support::noise::Noise;
use crate::support::pki::{GATEWAY, SERVER, mesh_bundle, workload};
use crate::support::soon;
use crate::support::torn_io::TornIo;

#[tokio::test(start_paused = true)]
async fn an_io_that_moves_one_byte_at_a_time_carries_the_same_bytes() {
    for hops in [1, 2] {
        let outcome = echo(
            hops,
            |io| Box::new(TornIo::slow(io, 1)),
            |io| Box::new(TornIo::slow(io, 1)),
        )
        .await;
        outcome.expect("slow is not wrong");
    }
}

#[tokio::test(start_paused = true)]
async fn an_io_of_ours_that_fails_at_any_call_is_an_error_and_no_more() {
    // At the client's end.
    fails_at_every_call(|call| {
        (
            Box::new(move |io| Box::new(TornIo::failing_at(io, call))),
            Box::new(|io| io),
        )
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_io_of_the_peer_that_fails_at_any_call_is_an_error_and_no_more() {
    // At the server's end.
    fails_at_every_call(|call| {
        (
            Box::new(|io| io),
            Box::new(move |io| Box::new(TornIo::failing_at(io, call))),
        )
    })
    .await;
}

type Tear = Box<dyn FnOnce(BoxIo) -> BoxIo>;

async fn fails_at_every_call(tear: impl Fn(usize) -> (Tear, Tear)) {
    for hops in [1, 2] {
        let mut in_a_row = 0;
        for call in 0.. {
            let (near, far) = tear(call);
            match echo(hops, near, far).await {
                // The call comes after the last byte, or is not made at all.
                Ok(()) => in_a_row += 1,
                Err(_) => in_a_row = 0,
            }
            if in_a_row > 8 {
                break;
            }
            assert!(call < 1000, "it always fails");
        }
    }
}

/// Sends bytes through a tunnel of this many hops to a server that sends them back, and looks at what comes; afterwards
/// every task must have ended.
async fn echo(
    hops: usize,
    near_end: impl FnOnce(BoxIo) -> BoxIo,
    far_end: impl FnOnce(BoxIo) -> BoxIo,
) -> Result<(), ()> {
    let (near, far) = pipe();
    let (near, far) = (near_end(Box::new(near)), far_end(Box::new(far)));
    let before = Handle::current().metrics().num_alive_tasks();
    if hops == 1 {
        tokio::spawn(echo_server(far));
    } else {
        let (to_server, from_gateway) = pipe();
        tokio::spawn(gateway(far, to_server));
        tokio::spawn(echo_server(Box::new(from_gateway)));
    }
    let outcome = client(near, hops).await;
    soon(async {
        while Handle::current().metrics().num_alive_tasks() > before {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    outcome
}

async fn client(io: BoxIo, hops: usize) -> Result<(), ()> {
    let address = "127.0.0.1:15008".parse().expect("an address");
    let route = match hops {
        1 => Route::new(address, hop("10.0.0.1:80", SERVER)),
        _ => Route::new(address, hop("10.0.0.1:80", GATEWAY)).through(hop("10.0.0.1:80", SERVER)),
    };
    let tunnel = match soon(connector().connect_over(io, &route)).await {
        Ok(tunnel) => tunnel,
        Err(error) => {
            assert!(
                matches!(error.cause, DialCause::Establish(_) | DialCause::Request(_)),
                "{error:?}"
            );
            return Err(());
        }
    };
    let (mut reads, mut writes) = tokio::io::split(tunnel);
    let mut sent = vec![0; SIZE];
    Noise::new(1).fill(&mut sent);
    let writing = async {
        writes.write_all(&sent).await?;
        writes.shutdown().await
    };
    let mut got = Vec::new();
    let reading = async {
        let outcome = soon(reads.read_to_end(&mut got)).await;
        outcome.map(drop)
    };
    let (wrote, read) = tokio::join!(writing, reading);
    assert!(sent.starts_with(&got), "bent bytes");
    let outcome = wrote.and(read).map_err(|error: io::Error| {
        // Whatever it is, it is one of ours, and no end of file.
        tunnel_error(&error);
    });
    if outcome.is_ok() {
        assert_eq!(got.len(), sent.len(), "a part was taken for the whole");
    }
    outcome
}

async fn echo_server(io: BoxIo) {
    let mut incoming = incoming(io, acceptor());
    let Some(connect) = incoming.recv().await else {
        return;
    };
    let Ok(tunnel) = connect.accept(&hbone::Accept::default()) else {
        return;
    };
    let (mut reads, mut writes) = tokio::io::split(tunnel);
    if tokio::io::copy(&mut reads, &mut writes).await.is_ok() {
        let _ = writes.shutdown().await;
    }
}

async fn gateway(io: BoxIo, mut upstream: DuplexStream) {
    let acceptor = Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle()));
    let mut incoming = incoming(io, acceptor);
    let Some(connect) = incoming.recv().await else {
        return;
    };
    if let Ok(mut tunnel) = connect.accept(&hbone::Accept::default()) {
        let _ = copy_bidirectional(&mut tunnel, &mut upstream).await;
    }
}

const SIZE: usize = 20_000;
