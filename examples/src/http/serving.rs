use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use super::busy::Busy;
use super::fault::in_full;
use super::forwarder::Beside;
use super::heads::{Counting, Heads};
use super::interim::Interim;
use super::own_words::{Floor, OwnWords};
use super::progress::Progress;
use super::{Body, Client, Drain, Forwarder, Protocol, Refusal, unread};

/// For each request, and for all of a connection: what a client may send ahead of a server that is slow to read.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Requests at once on one connection, as Istio's proxies allow.
const MOST_REQUESTS: u32 = 100;
/// What is read of a head beyond what is allowed, so that it can be answered.
const MARGIN: usize = 4;
/// For the last words to somebody who is slow, and for whoever gets them to leave.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves all requests on one connection, and what one of them may have made of it, to its end.
pub async fn serve<IO>(
    io: IO,
    protocol: Protocol,
    forwarder: Arc<Forwarder>,
    client: Client,
    drain: &Drain,
) where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let serving = Serving {
        client: Arc::new(client),
        forwarder,
        drain,
    };
    let ended = match protocol {
        Protocol::Http2 => serving.http2(io).await,
        _ => serving.http1(io).await,
    };
    if let Err(error) = ended {
        let error = in_full(&error);
        tracing::debug!(src.addr = %serving.client.address, error, "a connection of HTTP ended");
    }
}

/// Refuses a connection on which nothing came that can be answered: says so to the client, the metrics and the log.
pub(crate) async fn turn_away<IO>(io: IO, forwarder: &Forwarder, client: Client, refusal: &Refusal)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    forwarder.refuse_unread(&Arc::new(client), refusal);
    say(io, refusal.http1().as_bytes()).await;
}

struct Serving<'s> {
    client: Arc<Client>,
    forwarder: Arc<Forwarder>,
    drain: &'s Drain,
}

impl Serving<'_> {
    async fn http2<IO>(&self, io: IO) -> hyper::Result<()>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (forwarder, client) = (Arc::clone(&self.forwarder), Arc::clone(&self.client));
        let heads = Heads::default();
        let io = Counting::new(io, heads.clone());
        let (asked, busy) = (heads.clone(), Busy::new());
        let carrying = busy.clone();
        let service = service_fn(move |request| {
            asked.handle_request();
            let carried = carrying.carry();
            let answer = answer(Arc::clone(&forwarder), Arc::clone(&client), request, None);
            async move {
                let response = answer.await?;
                Ok::<_, Infallible>(response.map(|body| carried.until_end(body)))
            }
        });
        let mut connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(MOST_REQUESTS)
            .max_header_list_size(u32::try_from(self.most()).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(io), service);
        let patience = self.forwarder.limits().head_timeout;
        let (mut is_leaving, mut is_unused) = (false, false);
        let ended = loop {
            let serving = poll_fn(|cx| {
                let polled = Pin::new(&mut connection).poll(cx);
                // Who comes when nobody is let in any more is not at fault.
                if polled.is_pending() && !is_leaving {
                    self.handle_refused(heads.refused());
                }
                polled
            });
            tokio::select! {
                ended = serving => break ended,
                () = self.drain.begun(), if !is_leaving => {}
                () = busy.is_idle_for(patience), if !is_leaving => is_unused = true,
                // Who does not hear of it has heard nothing else, either.
                () = busy.is_idle_after(LAST_WORDS), if is_unused => break Ok(()),
            }
            is_leaving = true;
            Pin::new(&mut connection).graceful_shutdown();
        };
        if let Err(error) = &ended {
            self.handle_broken(error);
        }
        ended
    }

    /// So many requests were refused by h2, which has told their client in its own way.
    fn handle_refused(&self, count: u64) {
        for _ in 0..count {
            let reason = format!(
                "HTTP/2 does not allow the request: its head breaks the rules or is larger than {} bytes, or {MOST_REQUESTS} others are open",
                self.most()
            );
            self.forwarder.fail_unread(&self.client, reason);
        }
    }

    /// A client that breaks the rules of HTTP/2 has heard of it from h2.
    fn handle_broken(&self, error: &hyper::Error) {
        let cause = error.source();
        let broken = cause.and_then(|cause| cause.downcast_ref::<h2::Error>());
        if let Some(broken) = broken.filter(|broken| broken.is_library()) {
            let reason = format!("the client broke the rules of HTTP/2: {broken}");
            self.forwarder.fail_unread(&self.client, reason);
        }
    }

    async fn http1<IO>(&self, io: IO) -> hyper::Result<()>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (upgrades, mut upgraded) = unbounded_channel();
        let (forwarder, client) = (Arc::clone(&self.forwarder), Arc::clone(&self.client));
        let drain = self.drain.clone();
        let (floor, interim) = (Floor::default(), Interim::default());
        let limits = self.forwarder.limits();
        let io = OwnWords::new(io, floor.clone(), interim.clone(), limits.body_timeout);
        let service = service_fn(move |request: Request<Incoming>| {
            let progress = Arc::<Progress>::default();
            if request.body().is_end_stream() {
                progress.handle_whole();
            }
            floor.take(Arc::clone(&progress));
            let (drain, floor, interim) = (drain.clone(), floor.clone(), interim.clone());
            let beside = Beside {
                upgrades: upgrades.clone(),
                before: interim.open(),
                progress,
            };
            let (forwarder, client) = (Arc::clone(&forwarder), Arc::clone(&client));
            let answer = answer(forwarder, client, request, Some(beside));
            async move {
                let mut response = answer.await?;
                interim.close();
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    floor.leave();
                } else if drain.has_begun() {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                Ok::<_, Infallible>(response.map(|body| floor.speech(body)))
            }
        });
        let most_headers = usize::try_from(limits.max_headers).unwrap_or(usize::MAX);
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_buf_size(self.most())
            .max_headers(most_headers.saturating_mul(MARGIN))
            .half_close(true)
            .serve_connection(TokioIo::new(io), service)
            .with_upgrades();
        let mut is_leaving = false;
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                () = self.drain.is_time_for_the_idle(), if !is_leaving => {
                    is_leaving = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        if let Ok(upgrade) = upgraded.try_recv() {
            upgrade.splice().await;
            return ended;
        }
        let Some(parts) = connection.into_parts() else {
            return ended;
        };
        let io = parts.io.into_inner();
        let is_withheld = io.is_withheld();
        let io = io.into_inner();
        let Err(error) = &ended else {
            leave(io).await;
            return ended;
        };
        match unread::of_http1(error, &parts.read_buf, limits) {
            Some(refusal) => {
                self.forwarder.refuse_unread(&self.client, &refusal);
                match is_withheld || !error.is_parse() {
                    true => say(io, refusal.http1().as_bytes()).await,
                    // It was said by hyper, behind an answer that was not written yet.
                    false => leave(io).await,
                }
            }
            // Whoever is idle for too long has asked for nothing.
            None if error.is_timeout() => say(io, b"").await,
            None => {}
        }
        ended
    }

    /// What is read of a head.
    fn most(&self) -> usize {
        let most = usize::try_from(self.forwarder.limits().max_head).unwrap_or(usize::MAX);
        most.saturating_mul(MARGIN).max(16 << 10)
    }
}

async fn answer(
    forwarder: Arc<Forwarder>,
    client: Arc<Client>,
    request: Request<Incoming>,
    beside: Option<Beside>,
) -> Result<Response<Body>, Infallible> {
    Ok(forwarder.forward(client, request, beside).await)
}

/// Gives a client whose connection has ended time to close its own half. What it was told last is thrown away if the connection is closed
/// while something comes that nobody reads, such as the rest of a body that was refused.
async fn leave<IO: AsyncRead + Unpin>(mut io: IO) {
    // It may be gone by now.
    let _ = timeout(LAST_WORDS, copy(&mut io, &mut sink())).await;
}

/// Says this to a client of which no more is wanted.
async fn say<IO: AsyncRead + AsyncWrite + Unpin>(mut io: IO, words: &[u8]) {
    let saying = async {
        io.write_all(words).await?;
        io.shutdown().await
    };
    // It may be gone by now.
    if let Ok(Ok(())) = timeout(LAST_WORDS, saying).await {
        leave(io).await;
    }
}
