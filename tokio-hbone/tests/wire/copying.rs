//! A tunnel tied to a socket: every end of either side as the other side must meet it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hbone::{Cut, Reason, TunnelError};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, timeout};
use tokio_hbone::{
    Breakable, Copied, CopyConfig, Tunnel, copy_bidirectional, copy_bidirectional_with,
};

use crate::support::ends::{tunnel_pair, tunnel_to_script};
use crate::support::frame::{DATA, Frame, RST_STREAM, WINDOW_UPDATE};
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn the_client_ends_first_and_the_answer_still_arrives_whole_110() {
    let (client, server) = tunnel_pair().await;
    let (mut near, client_side) = tied(client);
    let (mut far, server_side) = tied(server);

    near.write_all(b"question").await.expect("room");
    near.shutdown().await.expect("an end");
    let mut asked = Vec::new();
    soon(far.read_to_end(&mut asked))
        .await
        .expect("an end of file");
    assert_eq!(asked, b"question");

    let answer = pattern(10 << 20);
    let (sent, mut came) = (answer.clone(), Vec::new());
    let answering = async {
        far.write_all(&sent).await.expect("room");
        far.shutdown().await.expect("an end");
    };
    let (_, read) = soon(async { tokio::join!(answering, near.read_to_end(&mut came)) }).await;
    read.expect("an end of file");
    assert!(came == answer, "{} of {} bytes", came.len(), answer.len());

    let copied = soon(client_side).await.expect("no panic");
    assert_eq!(
        (copied.sent, copied.received, copied.end),
        (8, 10 << 20, Ok(()))
    );
    let copied = soon(server_side).await.expect("no panic");
    assert_eq!(
        (copied.sent, copied.received, copied.end),
        (10 << 20, 8, Ok(()))
    );
}

#[tokio::test(start_paused = true)]
async fn the_server_ends_first_and_the_client_goes_on() {
    let (client, server) = tunnel_pair().await;
    let (mut near, client_side) = tied(client);
    let (mut far, server_side) = tied(server);

    far.shutdown().await.expect("an end");
    assert_eq!(
        soon(near.read(&mut [0; 8])).await.expect("an end of file"),
        0
    );
    for _ in 0..100 {
        near.write_all(b"still here").await.expect("room");
    }
    near.shutdown().await.expect("an end");
    let mut came = Vec::new();
    soon(far.read_to_end(&mut came))
        .await
        .expect("an end of file");
    assert_eq!(came, b"still here".repeat(100));
    assert_eq!(soon(client_side).await.expect("no panic").end, Ok(()));
    assert_eq!(soon(server_side).await.expect("no panic").end, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_the_peer_breaks_the_socket_off_whatever_its_reason() {
    for reason in [0, 2, 7, 8, 10, 4711] {
        let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
        let (mut socket, mut behind) = Plug::new();
        raw.send([Frame::data(stream, "part"), Frame::reset(stream, reason)])
            .await;
        let copied = soon(copy_bidirectional(&mut tunnel, &mut socket)).await;
        let reset = TunnelError::Reset(Reason::from_wire(reason));
        assert_eq!((copied.received, copied.end), (4, Err(reset)), "{reason}");
        assert!(
            socket.broken_off,
            "{reason}: the end must not look like an end of file"
        );
        drop(socket);
        let mut came = Vec::new();
        behind
            .read_to_end(&mut came)
            .await
            .expect("what came before the reset");
        assert_eq!(came, b"part", "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_socket_becomes_connect_error_111() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let (mut socket, _behind) = Plug::new();
    socket.fails = Some(io::ErrorKind::ConnectionReset);
    let copied = soon(copy_bidirectional(&mut tunnel, &mut socket)).await;
    assert_eq!(
        copied.end,
        Err(TunnelError::Socket(io::ErrorKind::ConnectionReset))
    );
    assert_eq!(soon(raw.reset_of(stream)).await, 10);
}

#[tokio::test(start_paused = true)]
async fn trailers_break_both_sides_off_70() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let (mut socket, _behind) = Plug::new();
    raw.send([
        Frame::data(stream, "part"),
        Frame::last_headers(stream, &[("x", "y")]),
    ])
    .await;
    let copied = soon(copy_bidirectional(&mut tunnel, &mut socket)).await;
    assert_eq!(copied.end, Err(TunnelError::Trailers));
    assert!(socket.broken_off);
    assert_eq!(soon(raw.reset_of(stream)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_has_finished_and_takes_no_more_is_no_truncation_124() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let (mut socket, mut behind) = Plug::new();
    raw.send([
        Frame::last_data(stream, "all of it"),
        Frame::reset(stream, 0),
    ])
    .await;
    behind.write_all(b"too late").await.expect("room");
    let copied = soon(copy_bidirectional(&mut tunnel, &mut socket)).await;
    assert_eq!(copied.received, 9);
    assert!(!socket.broken_off, "what it sent was whole");
    drop(socket);
    let mut came = Vec::new();
    behind.read_to_end(&mut came).await.expect("an end of file");
    assert_eq!(came, b"all of it");
}

#[tokio::test(start_paused = true)]
async fn the_window_opens_only_as_the_socket_takes_the_bytes_52() {
    const HALF: usize = 3 << 20;
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let (mut socket, mut behind) = Plug::new();
    let copying = tokio::spawn(async move { copy_bidirectional(&mut tunnel, &mut socket).await });

    let flood = (0..HALF / 16_384).map(|_| Frame::data(stream, vec![7; 16_384]));
    raw.send(flood).await;
    // A PING is answered after all of it was read, so nothing more about windows can be on its way.
    raw.send([Frame::ping()]).await;
    let mut opened = 0;
    loop {
        let frame = soon(raw.any_frame()).await.expect("an open connection");
        match frame.kind {
            WINDOW_UPDATE if frame.stream == stream => opened += frame.increment(),
            crate::support::frame::PING => break,
            _ => {}
        }
    }
    assert!(
        opened <= 256 << 10,
        "{opened} bytes given back with {PIPE} taken by the socket"
    );

    let mut came = vec![0; HALF];
    soon(behind.read_exact(&mut came)).await.expect("the bytes");
    raw.send([Frame::last_data(stream, "")]).await;
    drop(behind);
    let copied = soon(copying).await.expect("no panic");
    assert_eq!(copied.received, HALF as u64);
}

#[tokio::test(start_paused = true)]
async fn empty_reads_and_flushes_put_no_empty_data_on_the_wire_125() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let (mut socket, mut behind) = Plug::new();
    let copying = tokio::spawn(async move { copy_bidirectional(&mut tunnel, &mut socket).await });
    for _ in 0..20 {
        behind.write_all(b"").await.expect("nothing");
        behind.flush().await.expect("nothing");
    }
    behind.write_all(b"x").await.expect("room");
    let frame = soon(raw.expect(DATA)).await;
    assert_eq!((frame.stream, &frame.payload[..]), (stream, &b"x"[..]));
    behind.shutdown().await.expect("an end");
    raw.send([Frame::last_data(stream, "")]).await;
    assert_eq!(soon(copying).await.expect("no panic").end, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_behind_a_tunnel_passes_a_reset_on() {
    let (mut first, mut raw, stream) = tunnel_to_script().await;
    let (mut second, mut raw_behind, behind) = tunnel_to_script().await;
    raw.send([Frame::data(stream, "part"), Frame::reset(stream, 8)])
        .await;
    let copied = soon(copy_bidirectional(&mut first, &mut second)).await;
    assert_eq!(copied.end, Err(TunnelError::Reset(Reason::CANCEL)));
    drop(second);
    loop {
        let frame = soon(raw_behind.frame()).await.expect("a reset");
        if frame.kind == RST_STREAM {
            assert_eq!(frame.stream, behind);
            break;
        }
        assert_eq!(frame.payload, "part");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_stays_half_closed_is_cut_after_its_time_113() {
    let mut config = CopyConfig::default();
    config.half_closed_timeout = Some(Duration::from_secs(2));
    let too_long = Err(TunnelError::Cut(Cut::HalfClosedTooLong));
    // The peer ends its half first, and then the socket does.
    for peer_first in [true, false] {
        let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
        let (mut socket, mut behind) = Plug::new();
        let copying = tokio::spawn(async move {
            let copied = copy_bidirectional_with(&mut tunnel, &mut socket, &config).await;
            (copied, socket.broken_off)
        });
        // With both halves open, no time runs.
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert!(!copying.is_finished());
        let began = Instant::now();
        if peer_first {
            raw.send([Frame::last_data(stream, "")]).await;
        } else {
            behind.shutdown().await.expect("an end");
        }
        // Each byte in the other direction sets the clock back.
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if peer_first {
                behind.write_all(b"x").await.expect("room");
                raw.expect(DATA).await;
            } else {
                raw.send([Frame::data(stream, "x")]).await;
                behind.read_u8().await.expect("a byte");
            }
        }
        let (copied, broken_off) = soon(copying).await.expect("no panic");
        assert_eq!(copied.end, too_long);
        assert_eq!(began.elapsed().as_secs(), 7);
        assert_eq!(broken_off, !peer_first, "what was whole stays whole");
        assert_eq!(soon(raw.reset_of(stream)).await, 10);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_tunnel_stays_half_closed_for_ever_113() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let (mut socket, mut behind) = Plug::new();
    let copying = tokio::spawn(async move { copy_bidirectional(&mut tunnel, &mut socket).await });
    raw.send([Frame::last_data(stream, "")]).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    behind.write_all(b"x").await.expect("room");
    raw.expect(DATA).await;
    drop(behind);
    assert_eq!(soon(copying).await.expect("no panic").end, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn no_more_is_read_ahead_than_the_window_and_a_buffer_52() {
    for buffer in [0, 4 << 10, 256 << 10] {
        let mut config = CopyConfig::default();
        config.buffer = buffer;
        let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
        let (mut socket, mut behind) = duplex(1 << 20);
        let copying = tokio::spawn(async move {
            copy_bidirectional_with(&mut tunnel, &mut socket, &config).await
        });
        let sent = pattern(1 << 20);
        behind.write_all(&sent).await.expect("room");
        raw.until_quiet().await;
        // What does not fit any more has been left where it was.
        let mut taken = 0;
        while let Ok(more) = timeout(Duration::from_secs(1), behind.write(&sent)).await {
            taken += more.expect("room");
        }
        let window = 65_535;
        assert!(
            taken >= window && taken <= window + buffer.max(2 << 10),
            "{taken}"
        );
        drop(raw);
        drop(behind);
        drop((soon(copying).await, stream));
    }
}

/// A tunnel tied to one end of a pipe by a task; the other end of the pipe.
fn tied(mut tunnel: Tunnel) -> (DuplexStream, tokio::task::JoinHandle<Copied>) {
    let (mut socket, behind) = duplex(PIPE);
    let copying = tokio::spawn(async move { copy_bidirectional(&mut tunnel, &mut socket).await });
    (behind, copying)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// What fits into a pipe.
const PIPE: usize = 8 << 10;

/// A socket that remembers whether it was broken off, and fails when told to.
struct Plug {
    io: DuplexStream,
    broken_off: bool,
    fails: Option<io::ErrorKind>,
}

impl Plug {
    fn new() -> (Self, DuplexStream) {
        let (io, behind) = duplex(PIPE);
        (
            Self {
                io,
                broken_off: false,
                fails: None,
            },
            behind,
        )
    }
}

impl Breakable for Plug {
    fn break_off(&mut self) {
        self.broken_off = true;
    }
}

impl AsyncRead for Plug {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.fails {
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => Pin::new(&mut self.io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Plug {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
