//! What was said on the hops: a line of the target `hop` at level `debug` for each CONNECT that was granted, at each of its ends.
//!
//! `RUST_LOG=info,hop=debug` shows it. All headers are there as they came, which the access log has no room for.

use std::fmt::Write as _;
use std::sync::Arc;

use hbone::{Accept, Connect, Position};
use http::{HeaderMap, HeaderValue};
use tokio_hbone::{HopAnswer, Incoming};

/// The target of the lines.
pub const TARGET: &str = "hop";

/// Tells of the hops of one proxy.
#[derive(Debug, Clone)]
pub struct HopLog {
    /// The `uid` of the workload that it works for, or is.
    proxy: Arc<str>,
}

impl HopLog {
    /// The hops of the proxy of this workload.
    #[must_use]
    pub const fn new(proxy: Arc<str>) -> Self {
        Self { proxy }
    }

    /// We asked for this, and were answered that.
    pub fn asked(&self, position: Position, connect: &Connect, answer: &HopAnswer) {
        if !is_on() {
            return;
        }
        let position = match position {
            Position::Outer => "outer",
            Position::Inner => "inner",
            _ => "single",
        };
        tracing::debug!(
            target: TARGET,
            proxy = &*self.proxy,
            side = "asked",
            position,
            peer = %answer.peer,
            authority = %connect.authority,
            request = lines(connect.to_request().headers()),
            response = lines(&answer.headers),
            "CONNECT granted"
        );
    }

    /// We were asked for this, and are about to grant it with that. Who is asked does not learn the position.
    pub fn answered(&self, incoming: &Incoming, accept: &Accept) {
        if !is_on() {
            return;
        }
        let baggage = accept.baggage.iter().map(|value| ("baggage", value));
        tracing::debug!(
            target: TARGET,
            proxy = &*self.proxy,
            side = "answered",
            peer = %incoming.peer(),
            authority = %incoming.connect().authority,
            request = lines(&incoming.head().headers),
            response = text(baggage),
            "CONNECT granted"
        );
    }
}

fn is_on() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
}

fn lines(headers: &HeaderMap) -> String {
    text(headers.iter().map(|(name, value)| (name.as_str(), value)))
}

/// One header a line.
fn text<'a>(headers: impl Iterator<Item = (&'a str, &'a HeaderValue)>) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        // A `String` takes everything.
        let _ = writeln!(
            text,
            "{name}: {}",
            String::from_utf8_lossy(value.as_bytes())
        );
    }
    text
}
