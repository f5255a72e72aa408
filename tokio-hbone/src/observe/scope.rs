//! Where events are shown to `tracing`: in the span of their connection or tunnel.

use std::fmt::Display;
use std::future::Future;

use hbone::{Authority, Identity};
use tracing::field::Empty;
use tracing::instrument::Instrumented;
use tracing::{Instrument, Level, Span, debug, debug_span};

use super::escaped::Escaped;
use super::{ConnectionInfo, Event};

/// The span of a connection or of a tunnel.
#[derive(Clone, Debug)]
pub(crate) struct Scope(Span);

impl Scope {
    /// Of nothing in particular.
    pub(crate) const fn none() -> Self {
        Self(Span::none())
    }

    pub(super) fn of_connection(connection: &ConnectionInfo) -> Self {
        let span = debug_span!(
            target: "tokio_hbone",
            "connection",
            number = connection.number,
            role = ?connection.role,
            address = Empty,
            peer = Empty,
        );
        if let Some(address) = connection.address {
            span.record("address", tracing::field::display(address));
        }
        Self(span)
    }

    pub(super) fn has_peer(&self, peer: &Identity) {
        self.0.record("peer", shown(peer));
    }

    /// Of a tunnel on this connection.
    pub(super) fn of_tunnel(&self, authority: &Authority) -> Self {
        Self(debug_span!(
            target: "tokio_hbone",
            parent: &self.0,
            "tunnel",
            authority = shown(authority),
            stream = Empty,
        ))
    }

    pub(super) fn is_on_stream(&self, stream: u32) {
        self.0.record("stream", stream);
    }

    /// Whether anybody wants to see events.
    pub(super) fn is_shown() -> bool {
        tracing::enabled!(target: "tokio_hbone", Level::DEBUG)
    }

    pub(super) fn show(&self, event: &Event) {
        self.0.in_scope(|| show(event));
    }

    /// Does `work` in this span.
    pub(crate) fn of_work<T, F: Future<Output = T>>(self, work: F) -> Instrumented<F> {
        work.instrument(self.0)
    }
}

/// One event, with what its span does not say already.
fn show(event: &Event) {
    macro_rules! say {
        ($($what:tt)*) => { debug!(target: "tokio_hbone", $($what)*) };
    }
    match event {
        Event::AcceptFailed { kind } => say!(%kind, "accepting failed"),
        Event::ConnectionClosed { end, lived, .. } => {
            say!(end = shown(end), ?lived, "connection closed");
        }
        Event::GoAwayReceived { reason, .. } => say!(%reason, "GOAWAY received"),
        Event::GoAwaySent { reason, .. } => say!(%reason, "GOAWAY sent"),
        Event::HandshakeAbandoned { took, .. } => say!(?took, "handshake abandoned"),
        Event::HandshakeBegan { .. } => say!("handshake began"),
        Event::HandshakeDone { took, .. } => say!(?took, "handshake done"),
        Event::HandshakeFailed { error, took, .. } => {
            say!(error = shown(error), ?took, "handshake failed");
        }
        Event::KeepaliveTimedOut { .. } => say!("peer does not answer"),
        Event::Pool(event) => say!(event = shown(format_args!("{event:?}")), "pool"),
        Event::ResetReceived { tunnel, reason } => {
            say!(stream = tunnel.stream, %reason, "reset received");
        }
        Event::ResetSent { tunnel, reason } => say!(stream = tunnel.stream, %reason, "reset sent"),
        Event::TunnelClosed { summary, .. } => say!(
            received = summary.received,
            sent = summary.sent,
            lived = ?summary.lived,
            stalls = summary.stalls,
            stalled = ?summary.stalled,
            error = summary.end.err().map(shown),
            "tunnel closed"
        ),
        Event::TunnelFailed { error, .. } => say!(error = shown(error), "tunnel failed"),
        Event::TunnelGivenUp { .. } => say!("tunnel given up"),
        Event::TunnelOpened { took, .. } => say!(?took, "tunnel opened"),
        Event::TunnelRefused { reject, .. } => {
            let status = reject.status().as_u16();
            say!(status, reason = shown(reject), "tunnel refused");
        }
        Event::TurnedAway { address } => say!(%address, "client turned away"),
        Event::WindowStalled { waited, .. } => say!(?waited, "writer waited for room"),
    }
}

/// Text in which a peer may have had a say.
fn shown<T: Display>(text: T) -> tracing::field::DisplayValue<Escaped<T>> {
    tracing::field::display(Escaped(text))
}
