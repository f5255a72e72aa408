use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// The most connections at once; for a further one the oldest is closed, so that those who ask nothing keep nobody from asking.
const MOST: usize = 64;
/// For the head of a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// For a whole connection, so that an idle one does not keep its place.
const LIFETIME: Duration = Duration::from_secs(60);
/// The largest head.
const MOST_HEAD: usize = 8 << 10;

/// What is answered.
pub(super) struct Page {
    status: StatusCode,
    kind: &'static str,
    body: Bytes,
}

impl Page {
    pub(super) fn new(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            kind,
            body: body.into(),
        }
    }
}

/// Serves one page at one path.
pub(super) async fn serve(
    listener: TcpListener,
    path: &'static str,
    page: impl Fn() -> Page + Send + Sync + 'static,
) {
    let page = Arc::new(page);
    let mut open: VecDeque<AbortHandle> = VecDeque::with_capacity(MOST);
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, path, "cannot accept; trying again");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MOST
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let page = Arc::clone(&page);
        let serving = tokio::spawn(async move {
            let answer = service_fn(move |request| {
                ready(Ok::<_, Infallible>(answer(&request, path, &*page)))
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(MOST_HEAD)
                .serve_connection(TokioIo::new(socket), answer);
            // Whoever asks badly has been answered, as far as that was possible.
            let _ = timeout(LIFETIME, connection).await;
        });
        open.push_back(serving.abort_handle());
    }
}

fn answer(
    request: &Request<Incoming>,
    path: &str,
    page: &dyn Fn() -> Page,
) -> Response<Full<Bytes>> {
    let known = request.uri().path() == path;
    let allowed = matches!(*request.method(), Method::GET | Method::HEAD);
    let page = match (known, allowed) {
        (true, true) => page(),
        (true, false) => Page::new(StatusCode::METHOD_NOT_ALLOWED, super::PLAIN, "GET only\n"),
        (false, _) => Page::new(
            StatusCode::NOT_FOUND,
            super::PLAIN,
            format!("there is only {path} here\n"),
        ),
    };
    let mut response = Response::new(Full::new(page.body));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.kind));
    if page.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
