//! The two ports on which a proxy is watched: `/metrics`, and readiness at `/healthz/ready`.
//!
//! HTTP/1, one request after another, small: a head has to come within 5 s and be of 8 KiB at most, at most 64
//! connections are served at a time. What is not asked for rightly is answered 400, 404 or 405.

mod readiness;
mod server;

use std::sync::Arc;

use hyper::StatusCode;
use tokio::net::TcpListener;

use crate::metrics::Metrics;
pub use readiness::Readiness;
use server::{Page, serve};

/// The type of what [`Metrics::text`] gives.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Serves `/metrics` until it is dropped by the runtime.
pub async fn serve_metrics(listener: TcpListener, metrics: Arc<Metrics>) {
    let answer = move || match metrics.text() {
        Ok(text) => Page::new(StatusCode::OK, OPEN_METRICS, text),
        Err(_) => Page::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            PLAIN,
            "the metrics cannot be written\n",
        ),
    };
    serve(listener, "/metrics", answer).await;
}

/// Serves `/healthz/ready`: 200 as long as the proxy is ready, 503 before and after.
pub async fn serve_readiness(listener: TcpListener, readiness: Readiness) {
    let answer = move || match readiness.is_ready() {
        true => Page::new(StatusCode::OK, PLAIN, "ready\n"),
        false => Page::new(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "not ready\n"),
    };
    serve(listener, "/healthz/ready", answer).await;
}
