use std::net::SocketAddr;
use std::time::Duration;

use baggage::Limits;
use baggage::istio::PeerAttributes;
use hbone::Authority;
use hbone_examples::terminal_safe;
use http::HeaderMap;
use serde::Serialize;
use tokio_hbone::{Copied, HopAnswer};

use crate::failure::Failure;
use crate::log::Log;
use crate::quoted::Quoted;

/// What a person, or a script, is told about a tunnel.
#[derive(Clone)]
pub(super) struct Report {
    log: Log,
    json: bool,
}

/// A line of JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Note {
        message: &'a str,
    },
    /// The tunnel is open.
    Opened {
        authority: String,
        hops: Vec<Hop<'a>>,
    },
    /// The tunnel is over; bytes as the local end counts them.
    Ended {
        sent: u64,
        received: u64,
        error: Option<String>,
    },
    /// What happened at a hop; milliseconds since the beginning.
    Trace {
        at: f64,
        message: &'a str,
    },
    /// Nothing more comes: why, and what hbone exits with.
    Failed {
        exit: u8,
        message: String,
    },
}

#[derive(Serialize)]
struct Hop<'a> {
    hop: &'static str,
    /// Where TCP went to; the inner hop has none of its own.
    address: Option<SocketAddr>,
    peer: String,
    /// The members of `baggage` that Istio knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<PeerAttributes>,
    headers: Vec<Header<'a>>,
}

#[derive(Serialize)]
struct Header<'a> {
    name: &'a str,
    value: String,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        let log = match json {
            true => Log::telling(|lines| {
                let message = &format!("{lines} lines were left out");
                Event::Note { message }.json()
            }),
            false => Log::to_stderr(),
        };
        Self { log, json }
    }

    /// Something to know.
    pub(super) fn note(&self, message: &str) {
        self.tell(&Event::Note { message });
    }

    /// What happened at a hop, so long after the beginning.
    pub(super) fn trace(&self, since: Duration, message: &str) {
        let at = (since.as_secs_f64() * 10_000.0).round() / 10.0;
        self.tell(&Event::Trace { at, message });
    }

    /// The tunnel is open; TCP went to `address`.
    pub(super) fn opened(&self, authority: &Authority, address: SocketAddr, answers: &[HopAnswer]) {
        let hops = answers.iter().enumerate().map(|(level, answer)| Hop {
            hop: match (answers.len(), level) {
                (1, _) => "only",
                (_, 0) => "outer",
                _ => "inner",
            },
            address: (level == 0).then_some(address),
            peer: answer.peer.to_string(),
            attributes: attributes(&answer.headers),
            headers: headers(&answer.headers),
        });
        self.tell(&Event::Opened {
            authority: authority.to_string(),
            hops: hops.collect(),
        });
    }

    /// The tunnel is over.
    pub(super) fn ended(&self, copied: &Copied) {
        self.tell(&Event::Ended {
            sent: copied.sent,
            received: copied.received,
            error: copied.end.err().map(|error| error.to_string()),
        });
    }

    /// Nothing more comes. It waits a moment for what was said to be written; then the exit code is all that is left to tell.
    pub(super) fn last(&self, failure: &Failure) -> Failure {
        if let Some(message) = failure.message() {
            self.tell(&Event::Failed {
                exit: failure.code(),
                message,
            });
        }
        self.flush();
        Failure::Told(failure.code())
    }

    /// Waits a moment for what was said to be written.
    pub(super) fn flush(&self) {
        self.log.flush();
    }

    fn tell(&self, event: &Event<'_>) {
        if self.json {
            self.log.line(event.json());
        } else {
            for line in event.lines() {
                self.log.line(line);
            }
        }
    }
}

impl Event<'_> {
    fn json(&self) -> String {
        // There is nothing in an event that JSON does not have.
        let json = serde_json::to_string(self).unwrap_or_default();
        terminal_safe::json(&json).into_owned()
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Self::Note { message } => vec![format!("hbone: {}", terminal_safe::message(message))],
            Self::Opened { authority, hops } => {
                let mut lines = vec![format!("hbone: a tunnel to {authority} is open")];
                lines.extend(hops.iter().flat_map(Hop::lines));
                lines
            }
            Self::Ended { sent, received, .. } => {
                vec![format!(
                    "hbone: {sent} bytes sent, {received} bytes received"
                )]
            }
            // A peer may have had a say in these.
            Self::Trace { at, message } => {
                vec![format!(
                    "hbone: {at:8.1} ms  {}",
                    terminal_safe::message(message)
                )]
            }
            Self::Failed { message, .. } => {
                vec![format!("hbone: {}", terminal_safe::message(message))]
            }
        }
    }
}

impl Hop<'_> {
    fn lines(&self) -> Vec<String> {
        let address = self.address.map(|address| format!(" at {address}"));
        let (hop, peer) = (self.hop, &self.peer);
        let mut lines = vec![format!(
            "hbone: the {hop} hop{}: {peer}",
            address.unwrap_or_default()
        )];
        if let Some(attributes) = &self.attributes {
            let json = serde_json::to_string(attributes).unwrap_or_default();
            lines.push(format!(
                "hbone:   attributes {}",
                terminal_safe::json(&json)
            ));
        }
        lines.extend(self.headers.iter().map(|header| {
            let value = Quoted(header.value.as_bytes());
            format!("hbone:   header {}: {value}", header.name)
        }));
        lines
    }
}

fn attributes(headers: &HeaderMap) -> Option<PeerAttributes> {
    PeerAttributes::parse(headers.get_all("baggage"), &Limits::new())
}

fn headers(headers: &HeaderMap) -> Vec<Header<'_>> {
    headers
        .iter()
        .map(|(name, value)| Header {
            name: name.as_str(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        })
        .collect()
}
