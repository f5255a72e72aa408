//! Several frames that have come by the time the socket is written to: one write for all of them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_hbone::{Breakable, copy_bidirectional};

use crate::support::ends::tunnel_to_script;
use crate::support::frame::{DATA, Frame};
use crate::support::soon;

/// Of the frames, but for the last.
const FRAME: usize = 16_384;
const FRAMES: usize = 20;
/// What the socket takes of a write, which ends in the middle of frames.
const TAKEN: usize = 50_000;

#[tokio::test(start_paused = true)]
async fn what_has_come_is_written_with_few_calls_and_goes_on_where_the_socket_stopped() {
    let (calls, came) = copied_to(true).await;
    assert_eq!(came, sent());
    let most = calls.iter().copied().max();
    assert_eq!(most, Some(8), "{calls:?}");
    assert!(calls.len() < FRAMES, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_takes_one_piece_a_write_gets_the_same_bytes() {
    let (calls, came) = copied_to(false).await;
    assert_eq!(came, sent());
    assert!(calls.iter().all(|&pieces| pieces == 1), "{calls:?}");
}

/// Copies what the peer has sent before the copying began; the pieces of each write, and the bytes.
async fn copied_to(vectored: bool) -> (Vec<usize>, Vec<u8>) {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let (last, whole) = {
        let mut chunks: Vec<Vec<u8>> = sent().chunks(FRAME).map(<[u8]>::to_vec).collect();
        (chunks.pop().expect("a last"), chunks)
    };
    raw.send(whole.into_iter().map(|chunk| Frame::data(stream, chunk)))
        .await;
    raw.send([Frame::last_data(stream, last)]).await;
    raw.until_quiet().await;

    let written = Arc::new(Mutex::new(Written::default()));
    let mut socket = Sink {
        written: Arc::clone(&written),
        vectored,
    };
    let copied = soon(copy_bidirectional(&mut tunnel, &mut socket)).await;
    assert_eq!((copied.received, copied.end), (sent().len() as u64, Ok(())));
    // Our half ends with an empty frame.
    assert_eq!(soon(raw.expect(DATA)).await.payload.len(), 0);
    let written = written.lock().expect("no panic");
    (written.calls.clone(), written.bytes.clone())
}

/// Frames, and half a one.
fn sent() -> Vec<u8> {
    (0..FRAMES * FRAME + FRAME / 2)
        .map(|place| (place / 7 + place / 1_000) as u8)
        .collect()
}

#[derive(Default)]
struct Written {
    /// How many pieces each write was of.
    calls: Vec<usize>,
    bytes: Vec<u8>,
}

/// Reads as an end of file.
struct Sink {
    written: Arc<Mutex<Written>>,
    vectored: bool,
}

impl Breakable for Sink {
    fn break_off(&mut self) {}
}

impl AsyncRead for Sink {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut written = self.written.lock().expect("no panic");
        written.calls.push(bufs.len());
        let before = written.bytes.len();
        let whole = bufs.iter().flat_map(|buf| buf.iter().copied());
        written.bytes.extend(whole.take(TAKEN));
        Poll::Ready(Ok(written.bytes.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
