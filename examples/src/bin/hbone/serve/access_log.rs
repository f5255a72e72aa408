use std::fmt::Write;
use std::io;
use std::time::Instant;

use hbone::{EstablishError, Reject};
use http::HeaderMap;
use tokio_hbone::{Addresses, Handler, Incoming, Outcome, Relay, Served};

use crate::log::Log;
use crate::quoted::Quoted;
use crate::serve::target_service::TargetService;

/// A relay that writes a line for each tunnel.
pub(super) struct AccessLog {
    relay: Relay<TargetService>,
    log: Log,
}

impl AccessLog {
    pub(super) const fn new(relay: Relay<TargetService>, log: Log) -> Self {
        Self { relay, log }
    }
}

impl Handler for AccessLog {
    async fn handle(&self, incoming: Incoming) {
        let begun = Instant::now();
        let said = said(&incoming.head().headers);
        let served = self.relay.serve(incoming).await;
        let took = begun.elapsed().as_millis();
        self.log
            .line(format!("{}{said} duration={took}ms", line(&served)));
    }

    fn accept_failed(&self, error: &io::Error) {
        self.log
            .often(|| format!("hbone: accepting failed, and is tried again: {error}"));
    }

    fn handshake_failed(&self, addresses: Addresses, error: &EstablishError) {
        let reason = error.to_string();
        self.log.often(|| {
            let reason = Quoted(reason.as_bytes());
            format!("handshake from={} failed={reason}", addresses.client)
        });
    }

    fn turned_away(&self, addresses: Addresses) {
        self.log
            .often(|| format!("handshake from={} failed=\"no room\"", addresses.client));
    }
}

fn line(served: &Served) -> String {
    let mut line = format!("tunnel peer={}", served.peer);
    // Nothing that is written to a string fails.
    let _ = served
        .addresses
        .map(|addresses| write!(line, " from={}", addresses.client));
    let _ = write!(line, " authority={}", served.authority);
    let _ = match &served.outcome {
        Outcome::GivenUp => line.write_str(" end=\"the client took it back\""),
        Outcome::Rejected(reject) => write!(line, " {}", rejected(reject)),
        Outcome::Relayed {
            upstream,
            received,
            sent,
            end,
        } => {
            let end = match end {
                Ok(()) => "ok".to_owned(),
                Err(error) => Quoted(error.to_string().as_bytes()).to_string(),
            };
            write!(
                line,
                " status=200 upstream={upstream} received={received} sent={sent} end={end}"
            )
        }
        _ => Ok(()),
    };
    line
}

fn rejected(reject: &Reject) -> String {
    let reason = reject.to_string();
    format!(
        "status={} reason={}",
        reject.status().as_u16(),
        Quoted(reason.as_bytes())
    )
}

/// What the client has said about itself, which proves nothing.
fn said(headers: &HeaderMap) -> String {
    const NAMES: [&str; 5] = [
        "baggage",
        "forwarded",
        "traceparent",
        "x-forwarded-network",
        "x-istio-source",
    ];
    let mut said = String::new();
    for name in NAMES {
        for value in headers.get_all(name).iter().take(MOST_LINES) {
            // Nothing that is written to a string fails.
            let _ = write!(said, " {name}={}", Quoted(value.as_bytes()));
        }
    }
    said
}

/// The most lines of one header that are shown.
const MOST_LINES: usize = 4;
