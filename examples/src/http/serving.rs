use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Client, Forwarder, Protocol};

/// Whether requests are still wanted.
#[derive(Debug, Clone)]
pub struct Drain(watch::Sender<bool>);

/// For each request, and for all of a connection: what a client may send ahead of a server that is slow to read.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Requests at once on one connection, as Istio's proxies allow.
const MOST_REQUESTS: u32 = 100;
/// What is read of a head beyond what is allowed, so that it can be answered.
const MARGIN: usize = 4;
/// For the last words to somebody who is slow.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Drain {
    /// They are.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// No more of them: connections end as soon as the requests that they carry have been answered.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    async fn begun(&self) {
        let mut receiver = self.0.subscribe();
        if receiver.wait_for(|begun| *begun).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves all requests on one connection, to its end.
pub async fn serve<IO>(
    io: IO,
    protocol: Protocol,
    forwarder: Arc<Forwarder>,
    client: Client,
    drain: &Drain,
) where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let address = client.address;
    let client = Arc::new(client);
    let most = usize::try_from(forwarder.limits().max_head).unwrap_or(usize::MAX);
    let most = most.saturating_mul(MARGIN).max(16 << 10);
    let most_headers = usize::try_from(forwarder.limits().max_headers).unwrap_or(usize::MAX);
    let head_timeout = forwarder.limits().head_timeout;
    let service = service_fn(move |request| {
        let (forwarder, client) = (Arc::clone(&forwarder), Arc::clone(&client));
        async move { Ok::<_, Infallible>(forwarder.forward(client, request).await) }
    });
    let ended = match protocol {
        Protocol::Http2 => {
            let mut connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_concurrent_streams(MOST_REQUESTS)
                .max_header_list_size(u32::try_from(most).unwrap_or(u32::MAX))
                .serve_connection(TokioIo::new(io), service);
            let mut drained = false;
            loop {
                tokio::select! {
                    ended = &mut connection => break ended,
                    () = drain.begun(), if !drained => {
                        drained = true;
                        Pin::new(&mut connection).graceful_shutdown();
                    }
                }
            }
        }
        _ => {
            let mut connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(head_timeout)
                .max_buf_size(most)
                .max_headers(most_headers.saturating_mul(MARGIN))
                .half_close(true)
                .serve_connection(TokioIo::new(io), service)
                .with_upgrades();
            let mut drained = false;
            let ended = loop {
                tokio::select! {
                    ended = &mut connection => break ended,
                    () = drain.begun(), if !drained => {
                        drained = true;
                        Pin::new(&mut connection).graceful_shutdown();
                    }
                }
            };
            if ended.as_ref().is_err_and(hyper::Error::is_timeout)
                && let Some(parts) = connection.into_parts()
                && !parts.read_buf.is_empty()
            {
                too_slow(parts.io.into_inner()).await;
            }
            ended
        }
    };
    if let Err(error) = ended {
        let error: &dyn std::error::Error = &error;
        tracing::debug!(src.addr = %address, error, "a connection of HTTP ended");
    }
}

/// Answers a head that does not come to its end.
async fn too_slow<IO: AsyncWrite + Unpin>(mut io: IO) {
    const ANSWER: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
        content-length: 58\r\n\r\nthe head of the request did not come; see --head-timeout.\n";
    let answering = async {
        io.write_all(ANSWER).await?;
        io.shutdown().await
    };
    // It may be gone by now.
    let _ = timeout(LAST_WORDS, answering).await;
}
