use std::time::{Duration, Instant};

use tokio_hbone::{ConnectionInfo, Event, Observer};

use crate::connect::report::Report;

/// Tells what happens at each hop, and when.
pub(super) struct Trace {
    report: Report,
    since: Instant,
}

impl Trace {
    pub(super) fn new(report: Report) -> Self {
        Self {
            report,
            since: Instant::now(),
        }
    }
}

impl Observer for Trace {
    fn observe(&self, event: &Event) {
        if let Some(what) = told(event) {
            self.report.trace(self.since.elapsed(), &what);
        }
    }
}

/// What a person wants to know of it, if anything.
fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::HandshakeBegan { connection } => format!("{}: connecting", hop(connection)),
        Event::HandshakeDone {
            connection,
            peer,
            took,
        } => {
            let took = ms(*took);
            format!(
                "{}: TLS and HTTP/2 are up with {peer}, after {took}",
                hop(connection)
            )
        }
        Event::HandshakeFailed {
            connection,
            error,
            took,
        } => format!("{}: failed after {}: {error}", hop(connection), ms(*took)),
        Event::HandshakeAbandoned { connection, took } => {
            format!("{}: given up after {}", hop(connection), ms(*took))
        }
        Event::TunnelOpened {
            tunnel,
            authority,
            took,
            ..
        } => {
            let hop = hop(&tunnel.connection);
            let stream = tunnel.stream;
            format!(
                "{hop}: CONNECT {authority} on stream {stream}: 200 after {}",
                ms(*took)
            )
        }
        Event::TunnelFailed {
            connection,
            authority,
            error,
        } => format!("{}: CONNECT {authority}: {error}", hop(connection)),
        Event::ResetReceived { tunnel, reason } => {
            format!(
                "{}: the peer reset stream {}: {reason}",
                hop(&tunnel.connection),
                tunnel.stream
            )
        }
        Event::ResetSent { tunnel, reason } => {
            format!(
                "{}: we reset stream {}: {reason}",
                hop(&tunnel.connection),
                tunnel.stream
            )
        }
        Event::GoAwayReceived { connection, reason } => {
            format!("{}: the peer said GOAWAY {reason}", hop(connection))
        }
        Event::KeepaliveTimedOut { connection } => {
            format!("{}: the peer no longer answers PING", hop(connection))
        }
        Event::WindowStalled { tunnel, waited } => {
            let hop = hop(&tunnel.connection);
            format!(
                "{hop}: stream {} had no room for {}",
                tunnel.stream,
                ms(*waited)
            )
        }
        Event::TunnelClosed { tunnel, summary } => {
            let end = match &summary.end {
                Ok(()) => "both halves ended".to_owned(),
                Err(error) => error.to_string(),
            };
            format!(
                "{}: stream {} is over: {end}; {} bytes sent, {} received, {} without room",
                hop(&tunnel.connection),
                tunnel.stream,
                summary.sent,
                summary.received,
                ms(summary.stalled),
            )
        }
        Event::ConnectionClosed {
            connection,
            end,
            lived,
            ..
        } => format!("{}: {end}, after {}", hop(connection), ms(*lived)),
        _ => return None,
    })
}

/// Which hop; one without an address is inside of the tunnel before it.
fn hop(connection: &ConnectionInfo) -> String {
    match connection.address {
        Some(address) => address.to_string(),
        None => "the inner connection".to_owned(),
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
