//! Double HBONE: a connection to the destination inside a tunnel to its gateway, which sees bytes and no more.

use std::time::Duration;

use hbone::{DialCause, EstablishError, Loss, Reason, Route, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_hbone::{Acceptor, Copied, Tunnel, copy_bidirectional};

use crate::bulk::exchange;
use crate::support::ends::{
    OK, accept_next, acceptor, connector, hop, incoming, read_all, server_tls, tunnel_error,
};
use crate::support::frame::{DATA, Frame};
use crate::support::io::{Io, pipe};
use crate::support::pki::{GATEWAY, SERVER, mesh_bundle, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn bytes_go_both_ways_through_a_gateway_unchanged() {
    // [109] [118]
    let double = Double::open().await;
    assert_eq!(double.client.peer().to_string(), SERVER);
    let peers = double
        .client
        .answers()
        .iter()
        .map(|hop| hop.peer.to_string());
    assert_eq!(peers.collect::<Vec<_>>(), [GATEWAY, SERVER]);
    exchange(double.client, double.server, 8 << 20).await;
}

#[tokio::test(start_paused = true)]
async fn each_half_of_the_inner_tunnel_ends_by_itself() {
    let Double {
        mut client,
        mut server,
        ..
    } = Double::open().await;
    client.write_all(b"the question").await.expect("a peer");
    client.shutdown().await.expect("a peer");
    assert_eq!(
        read_all(&mut server).await.expect("an end"),
        b"the question"
    );
    server.write_all(b"the answer").await.expect("a peer");
    server.shutdown().await.expect("a peer");
    assert_eq!(read_all(&mut client).await.expect("an end"), b"the answer");
}

#[tokio::test(start_paused = true)]
async fn a_good_end_of_the_inner_tunnel_is_a_good_end_of_the_outer_one() {
    let Double {
        mut client,
        mut server,
        gateway,
    } = Double::open().await;
    client.shutdown().await.expect("a peer");
    server.shutdown().await.expect("a peer");
    read_all(&mut server).await.expect("an end of file");
    read_all(&mut client).await.expect("an end of file");
    drop((client, server));
    let copied = soon(gateway).await.expect("no panic");
    assert_eq!(copied.end, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_of_the_inner_tunnel_holds_its_writer_back_and_loses_nothing() {
    // [118]
    let Double {
        mut client,
        mut server,
        ..
    } = Double::open().await;
    let chunk = [1; 1 << 16];
    let mut written = 0;
    while let Ok(some) = tokio::time::timeout(Duration::from_secs(1), client.write(&chunk)).await {
        written += some.expect("a peer");
        // The window of the inner tunnel and that of the outer one, and what lies in pipes.
        assert!(written <= 10 << 20, "nothing holds the writer back");
    }
    let mut got = vec![0; written];
    soon(server.read_exact(&mut got)).await.expect("all of it");
    // The way back was free all the time.
    server.write_all(b"done").await.expect("a peer");
    let mut done = [0; 4];
    soon(client.read_exact(&mut done)).await.expect("an answer");
    assert_eq!(&done, b"done");
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_the_outer_tunnel_is_an_error_in_the_inner_one() {
    // [119]
    let (near, far) = pipe();
    let script = tokio::spawn(async move {
        let tls = ScriptTls::new(workload(GATEWAY));
        let mut outer = Raw::server(far, &tls, &[]).await;
        let stream = outer.connect().await;
        outer.send([Frame::headers(stream, &OK)]).await;
        let server_side = relay(&mut outer, stream, acceptor()).await;
        outer
            .send([Frame::reset(stream, Reason::CONNECT_ERROR.to_wire())])
            .await;
        (outer, server_side)
    });
    let mut client = connector()
        .connect_over(near, &route())
        .await
        .expect("a tunnel");
    let (_outer, _server) = soon(script).await.expect("no panic");
    let error = read_all(&mut client).await.expect_err("no end of file");
    assert!(
        matches!(tunnel_error(&error), TunnelError::Lost(_)),
        "{error:?}"
    );
    client.write_all(b"x").await.expect_err("lost");
}

#[tokio::test(start_paused = true)]
async fn a_goaway_of_the_inner_connection_lets_its_tunnel_end() {
    // [119]
    let (mut client, mut inner, stream) = to_inner_script().await;
    inner
        .send([
            Frame::go_away(stream, Reason::NO_ERROR.to_wire()),
            Frame::last_data(stream, "in peace"),
        ])
        .await;
    assert_eq!(read_all(&mut client).await.expect("an end"), b"in peace");
    client.write_all(b"me too").await.expect("a peer");
    client.shutdown().await.expect("a peer");
    assert_eq!(inner.bytes_of(stream).await, b"me too");
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_the_inner_tunnel_is_its_own() {
    // [111]
    let (mut client, mut inner, stream) = to_inner_script().await;
    let reason = Reason::CONNECT_ERROR;
    inner.send([Frame::reset(stream, reason.to_wire())]).await;
    let error = read_all(&mut client).await.expect_err("no end of file");
    assert_eq!(tunnel_error(&error), TunnelError::Reset(reason));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_vanishes_behind_the_gateway_is_an_error_in_the_inner_tunnel() {
    // [119]
    let (mut client, inner, _) = to_inner_script().await;
    let _io = inner.vanish().await;
    let error = read_all(&mut client).await.expect_err("no end of file");
    assert_eq!(tunnel_error(&error), TunnelError::Lost(Loss::Closed));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_inner_tunnel_resets_it_and_ends_the_outer_one() {
    // [98]
    let (client, mut inner, stream) = to_inner_script().await;
    drop(client);
    let reason = inner.reset_of(stream).await;
    assert_eq!(reason, Reason::INTERNAL_ERROR.to_wire());
    inner.drain().await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_ends_its_half_early_is_a_closed_connection_at_the_inner_hop() {
    let (near, far) = pipe();
    let script = tokio::spawn(async move {
        let mut outer = Raw::server(far, &ScriptTls::new(workload(GATEWAY)), &[]).await;
        let stream = outer.connect().await;
        outer
            .send([Frame::last_headers(stream, &[(":status", "200")])])
            .await;
        outer.drain().await;
    });
    let outcome = connector().connect_over(near, &route()).await;
    let error = outcome.expect_err("no inner hop");
    assert_eq!((error.level, error.hops), (1, 2));
    assert!(
        matches!(error.cause, DialCause::Establish(EstablishError::Closed(_))),
        "{error:?}"
    );
    soon(script).await.expect("the outer connection was closed");
}

/// A client's inner tunnel and the destination's end of it, with our own gateway between.
struct Double {
    client: Tunnel,
    server: Tunnel,
    gateway: JoinHandle<Copied>,
}

impl Double {
    async fn open() -> Self {
        let (near, far) = pipe();
        let (to_server, from_gateway) = pipe();
        let gateway = gateway(far, to_server);
        let mut incoming = incoming(from_gateway, acceptor());
        let (connector, route) = (connector(), route());
        let (client, server) = tokio::join!(
            connector.connect_over(near, &route),
            accept_next(&mut incoming)
        );
        Self {
            client: client.expect("a tunnel"),
            server,
            gateway,
        }
    }
}

/// The client's inner tunnel to a scripted destination, and its stream there.
async fn to_inner_script() -> (Tunnel, Raw, u32) {
    let (near, far) = pipe();
    let (to_server, from_gateway) = pipe();
    gateway(far, to_server);
    let script = async {
        let mut inner = crate::support::ends::scripted_server(from_gateway).await;
        let stream = inner.connect().await;
        inner.send([Frame::headers(stream, &OK)]).await;
        (inner, stream)
    };
    let (connector, route) = (connector(), route());
    let (client, (inner, stream)) = tokio::join!(connector.connect_over(near, &route), script);
    (client.expect("a tunnel"), inner, stream)
}

/// A gateway that ties the one tunnel it accepts to `upstream`.
fn gateway(io: impl Io, mut upstream: tokio::io::DuplexStream) -> JoinHandle<Copied> {
    let acceptor = Acceptor::new(server_tls(&workload(GATEWAY), mesh_bundle()));
    tokio::spawn(async move {
        let mut incoming = incoming(io, acceptor);
        let mut tunnel = accept_next(&mut incoming).await;
        copy_bidirectional(&mut tunnel, &mut upstream).await
    })
}

/// Carries bytes between stream `stream` of a scripted gateway and a server of ours until that has accepted a CONNECT.
async fn relay(outer: &mut Raw, stream: u32, acceptor: Acceptor) -> Tunnel {
    let (mut to_server, from_gateway) = pipe();
    let mut incoming = incoming(from_gateway, acceptor);
    let (give, mut take) = oneshot::channel();
    tokio::spawn(async move { give.send(accept_next(&mut incoming).await) });
    let mut bytes = vec![0; 16_000];
    loop {
        tokio::select! {
            frame = outer.frame() => {
                let frame = frame.expect("a client");
                assert_eq!(frame.kind, DATA);
                to_server.write_all(&frame.payload).await.expect("a server");
            }
            some = to_server.read(&mut bytes) => {
                let some = some.expect("a server");
                outer.send([Frame::data(stream, bytes[..some].to_vec())]).await;
            }
            // The answer to the CONNECT is in one of the records that have been carried by then.
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if let Ok(tunnel) = take.try_recv() {
                    return tunnel;
                }
            }
        }
    }
}

fn route() -> Route {
    let address = "127.0.0.1:15008".parse().expect("an address");
    Route::new(address, hop("server.default:80", GATEWAY)).through(hop("server.default:80", SERVER))
}
