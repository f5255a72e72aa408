use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use super::{Alert, CertificateFault, PeerIdentityFault, Stage};
use crate::ApiMisuse;
use crate::PORT;

/// Why there is no connection.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EstablishError {
    /// The peer speaks TLS, but did not agree on HTTP/2 (RFC 7301; HBONE needs ALPN `h2`).
    #[error("the peer did not agree on HTTP/2 by ALPN; is this an HBONE port?")]
    Alpn,
    /// The peer does not take our certificate. Under TLS 1.3 this arrives after our own handshake is done.
    #[error(
        "the peer refused our certificate with the TLS alert {alert}{}; check that it trusts our root and trust domain",
        if *.late { ", after our side of the handshake was done" } else { "" }
    )]
    CertificateRefused {
        /// What it said.
        alert: Alert,
        /// Whether our side of the handshake was done by then.
        late: bool,
    },
    /// The peer closed the connection.
    #[error(
        "the peer closed the connection {0}; it may be draining or refuse us without saying so{hint}",
        hint = speaks_tls(*.0)
    )]
    Closed(Stage),
    /// The peer broke HTTP/2.
    #[error("HTTP/2 with the peer failed {stage}: {reason}")]
    Http2 {
        /// What it was doing.
        stage: Stage,
        /// What was wrong.
        reason: String,
    },
    /// A socket call failed.
    #[error("the connection{} failed {stage}: {kind}{}", to(*.address), speaks_tls(*.stage))]
    Io {
        /// What it was doing.
        stage: Stage,
        /// The kind of failure, for example a refused connection.
        kind: io::ErrorKind,
        /// Where the TCP connection went; `None` inside another tunnel.
        address: Option<SocketAddr>,
    },
    /// The adapter reported out of order, which is a mistake in it and not the peer's doing.
    #[error(transparent)]
    Misuse(#[from] ApiMisuse),
    /// The peer's certificate did not hold.
    #[error("the peer's certificate {0}")]
    PeerCertificate(CertificateFault),
    /// The peer is not who must be there.
    #[error(transparent)]
    PeerIdentity(PeerIdentityFault),
    /// A stage took too long.
    #[error("{}", timed_out(*.stage, *.after, *.address))]
    TimedOut {
        /// The stage that did not end.
        stage: Stage,
        /// How long it was given.
        after: Duration,
        /// Where the TCP connection went; `None` inside another tunnel.
        address: Option<SocketAddr>,
    },
    /// The peer broke TLS, or has nothing in common with us.
    #[error("TLS with the peer failed: {0}")]
    Tls(String),
}

impl EstablishError {
    /// Whether another attempt to the same place may end otherwise without anybody changing a configuration.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Closed(_) | Self::Io { .. } | Self::TimedOut { .. }
        )
    }
}

fn to(address: Option<SocketAddr>) -> String {
    address
        .map(|address| format!(" to {address}"))
        .unwrap_or_default()
}

/// What to ask about a peer that went away in the middle of its TLS handshake.
const fn speaks_tls(stage: Stage) -> &'static str {
    match stage {
        Stage::Tls => "; does it speak TLS?",
        _ => "",
    }
}

fn timed_out(stage: Stage, after: Duration, address: Option<SocketAddr>) -> String {
    let to = to(address);
    let hint = match (stage, address) {
        (Stage::Tcp, Some(address)) if address.port() == PORT => {
            "; a NetworkPolicy or firewall may block port 15008 there"
        }
        (Stage::Tcp, _) => "; is the address reachable?",
        (Stage::Tls, Some(_)) => "; something accepts connections there, but does it speak TLS?",
        (Stage::Settings, Some(_)) => {
            "; the peer speaks TLS, but sent no HTTP/2 SETTINGS that allow a stream"
        }
        _ => "",
    };
    format!("no answer within {after:?} {stage}{to}{hint}")
}
