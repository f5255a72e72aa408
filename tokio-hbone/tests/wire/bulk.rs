//! Many bytes, and many tunnels.

use std::time::Duration;

use hbone::{Accept, Route};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpListener;
use tokio_hbone::Tunnel;

use crate::support::ends::{
    CONNECT, accept_next, acceptor, connector, hop, incoming, read_all, script_to_server,
    tunnel_pair,
};
use crate::support::frame::{Frame, HEADERS, WINDOW_UPDATE};
use crate::support::noise::Noise;
use crate::support::pki::SERVER;
use crate::support::soon;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_mebibytes_go_both_ways_over_tcp_unchanged() {
    // [109]
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let accepting = async {
        let (socket, _) = listener.accept().await.expect("a client");
        let mut incoming = incoming(socket, acceptor());
        (accept_next(&mut incoming).await, incoming)
    };
    let route = Route::new(address, hop("10.0.0.1:80", SERVER));
    let connector = connector();
    let (client, (server, _incoming)) = tokio::join!(connector.connect(&route), accepting);
    exchange(client.expect("a tunnel"), server, 64 << 20).await;
}

#[tokio::test(start_paused = true)]
async fn bytes_go_both_ways_through_a_pipe_unchanged() {
    // [109]
    let (client, server) = tunnel_pair().await;
    exchange(client, server, 8 << 20).await;
}

#[tokio::test(start_paused = true)]
async fn chunks_that_are_handed_through_arrive_unchanged() {
    // [109], without copies on either side.
    let (mut client, mut server) = tunnel_pair().await;
    let size = 8 << 20;
    let writing = tokio::spawn(async move {
        let (mut noise, mut sizes) = (Noise::new(5), Noise::new(6));
        let mut left = size;
        while left > 0 {
            let mut chunk = vec![0; sizes.below(100_000).min(left)];
            left -= chunk.len();
            noise.fill(&mut chunk);
            client.write_chunk(chunk.into()).await.expect("a peer");
        }
        client.shutdown().await.expect("a peer");
        client
    });
    let mut noise = Noise::new(5);
    let mut got = 0;
    while let Some(chunk) = soon(server.read_chunk()).await.expect("a peer") {
        assert!(!chunk.is_empty());
        let mut expected = vec![0; chunk.len()];
        noise.fill(&mut expected);
        assert!(chunk == expected, "behind byte {got}");
        got += chunk.len();
    }
    assert_eq!(got, size);
    drop(soon(writing).await);
}

#[tokio::test(start_paused = true)]
async fn one_tunnel_that_nobody_reads_stops_none_of_a_hundred() {
    // [115] [117]
    let (mut raw, mut incoming) = script_to_server().await;
    // The server's windows count from our acknowledgement of its SETTINGS.
    raw.until_quiet().await;
    let mut tunnels = Vec::new();
    for at in 0..100 {
        raw.send([Frame::headers(1 + 2 * at, &CONNECT)]).await;
        tunnels.push(accept_next(&mut incoming).await);
    }
    // All that the window of one tunnel allows.
    let chunk = vec![1; 1 << 14];
    raw.send((0..256).map(|_| Frame::data(1, chunk.clone())))
        .await;
    let mut stalled = tunnels.remove(0);
    for (at, tunnel) in tunnels.iter_mut().enumerate() {
        let stream = 3 + 2 * at as u32;
        raw.send((0..16).map(|_| Frame::data(stream, chunk.clone())))
            .await;
        let mut got = vec![0; 16 << 14];
        soon(tunnel.read_exact(&mut got)).await.expect("no wait");
    }
    raw.send([Frame::last_data(1, "")]).await;
    let late = read_all(&mut stalled).await.expect("an end");
    assert_eq!(late.len(), 256 << 14);
}

#[tokio::test(start_paused = true)]
async fn as_many_stalled_tunnels_as_fill_the_connection_go_on_when_they_are_read() {
    // [116]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.until_quiet().await;
    let mut stalled = Vec::new();
    let chunk = vec![1; 1 << 14];
    for at in 0..4 {
        let stream = 1 + 2 * at;
        raw.send([Frame::headers(stream, &CONNECT)]).await;
        stalled.push(accept_next(&mut incoming).await);
        raw.send((0..256).map(|_| Frame::data(stream, chunk.clone())))
            .await;
    }
    // The window of the connection, 16 MiB, is used up: whoever sends now has to wait for it.
    let windows = raw.until_quiet().await;
    let given_back = windows.iter().any(|frame| frame.kind == WINDOW_UPDATE);
    assert!(!given_back, "{windows:?}");
    for (at, tunnel) in stalled.iter_mut().enumerate() {
        let mut got = vec![0; 256 << 14];
        soon(tunnel.read_exact(&mut got)).await.expect("a part");
        let stream = 1 + 2 * at as u32;
        let windows = raw.until_quiet().await;
        let whose: Vec<_> = windows
            .iter()
            .filter(|frame| frame.kind == WINDOW_UPDATE)
            .map(|frame| frame.stream)
            .collect();
        assert!(whose.contains(&stream), "{whose:?}");
    }
    raw.send([Frame::last_data(7, "on it goes")]).await;
    let last = read_all(stalled.last_mut().expect("four")).await;
    assert_eq!(last.expect("an end"), b"on it goes");
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tunnels_with_every_kind_of_end_leave_a_connection_that_works() {
    // [106]
    let (mut raw, mut incoming) = script_to_server().await;
    let rounds = 10_000;
    for round in 0..rounds {
        let stream = 1 + 2 * round;
        raw.send([Frame::headers(stream, &CONNECT)]).await;
        let incoming = soon(incoming.recv()).await.expect("a place");
        match round % 5 {
            0 => drop(incoming),
            1 => incoming.reject(&hbone::Reject::NoEndpoint),
            2 => drop(incoming.accept(&Accept::default()).expect("a client")),
            3 => {
                let mut tunnel = incoming.accept(&Accept::default()).expect("a client");
                raw.send([Frame::last_data(stream, "x")]).await;
                assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"x");
                tunnel.shutdown().await.expect("a client");
            }
            _ => {
                let mut tunnel = incoming.accept(&Accept::default()).expect("a client");
                raw.send([Frame::reset(stream, 8)]).await;
                read_all(&mut tunnel).await.expect_err("reset");
            }
        }
        if round % 100 == 0 {
            // The answers must be read by somebody.
            raw.until_quiet().await;
        }
    }
    let stream = 1 + 2 * rounds;
    raw.until_quiet().await;
    raw.send([
        Frame::headers(stream, &CONNECT),
        Frame::last_data(stream, "the last"),
    ])
    .await;
    let mut tunnel = accept_next(&mut incoming).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"the last");
    assert_eq!(raw.expect(HEADERS).await.stream, stream);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_holds_its_writer_back() {
    let (mut client, mut server) = tunnel_pair().await;
    let mut written = 0_usize;
    let chunk = [1; 1 << 16];
    // What is in flight is bounded by the window of the tunnel, whatever the writer has.
    while let Ok(some) = tokio::time::timeout(Duration::from_secs(1), client.write(&chunk)).await {
        written += some.expect("a peer");
        assert!(written <= 8 << 20, "nothing holds the writer back");
    }
    assert!(written >= 4 << 20, "{written}");
    let mut got = vec![0; written];
    soon(server.read_exact(&mut got)).await.expect("all of it");
    soon(client.write_all(&chunk)).await.expect("room again");
}

/// Sends `size` bytes of noise each way at once, in chunks of random size, and looks at every one that arrives.
pub(crate) async fn exchange(client: Tunnel, server: Tunnel, size: usize) {
    let (client_reads, client_writes) = split(client);
    let (server_reads, server_writes) = split(server);
    let all = [
        tokio::spawn(send(client_writes, 1, size)),
        tokio::spawn(send(server_writes, 2, size)),
        tokio::spawn(check(client_reads, 2, size)),
        tokio::spawn(check(server_reads, 1, size)),
    ];
    for each in all {
        soon(each).await.expect("no panic");
    }
}

async fn send(mut to: impl AsyncWrite + Unpin + Send, seed: u64, size: usize) {
    let (mut noise, mut sizes) = (Noise::new(seed), Noise::new(seed + 100));
    let mut left = size;
    while left > 0 {
        let some = match sizes.below(4) {
            0 => 1 + sizes.below(16),
            1 => 1 + sizes.below(2_000),
            _ => 1 + sizes.below(200_000),
        };
        let mut chunk = vec![0; some.min(left)];
        left -= chunk.len();
        noise.fill(&mut chunk);
        to.write_all(&chunk).await.expect("a peer");
    }
    to.shutdown().await.expect("a peer");
}

async fn check(mut from: impl AsyncRead + Unpin + Send, seed: u64, size: usize) {
    let (mut noise, mut sizes) = (Noise::new(seed), Noise::new(seed + 200));
    let mut got = 0;
    let (mut chunk, mut expected) = (vec![0; 70_000], vec![0; 70_000]);
    loop {
        let most = 1 + sizes.below(70_000);
        let some = soon(from.read(&mut chunk[..most])).await.expect("a peer");
        if some == 0 {
            break;
        }
        noise.fill(&mut expected[..some]);
        assert!(chunk[..some] == expected[..some], "behind byte {got}");
        got += some;
    }
    assert_eq!(got, size);
}
