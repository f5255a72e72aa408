mod options;
mod read;
mod text;
mod unread;
mod write;

use http::{HeaderMap, HeaderName};

pub use options::ConnectOptions;
pub use unread::{Unread, UnreadReason};

use crate::{Authority, Forwarded, HeaderValues, IstioSource, Network, Traceparent};

/// The port of HBONE.
///
/// Specification: HBONE-T-001.
pub const PORT: u16 = 15008;

pub(crate) const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
pub(crate) const FORWARDED: HeaderName = http::header::FORWARDED;
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const X_FORWARDED_NETWORK: HeaderName = HeaderName::from_static("x-forwarded-network");
pub(crate) const X_ISTIO_SOURCE: HeaderName = HeaderName::from_static("x-istio-source");

/// The head of a CONNECT request: where a tunnel shall lead, and what the client says about itself.
///
/// Everything but the authority is a claim of the peer and proves nothing.
///
/// # What becomes of each header
///
/// | header | several lines | malformed or non-ASCII | too large |
/// |---|---|---|---|
/// | `:method` other than CONNECT | | rejected, 405 | |
/// | `:authority` | refused by HTTP/2 | rejected, 400, or by `h2` with a stream error | rejected, 400 |
/// | `:scheme`, `:path`, `:protocol` | | rejected, 400, if HTTP/2 has not refused them | |
/// | `host` | rejected, 400 | rejected, 400, and so if it disagrees with `:authority` | |
/// | `baggage` | all kept, in order | kept raw: whoever reads it skips bad members | kept, up to HTTP/2's limit for a header list |
/// | `forwarded` | one list (RFC 9110 section 5.3) | dropped | dropped over 8 KiB or 32 elements; rejected, 508, if [`ConnectOptions::max_forwarded`] says so |
/// | `traceparent` | dropped | dropped | dropped |
/// | `x-forwarded-network` | dropped | dropped | dropped over 255 bytes |
/// | `x-istio-source` | dropped | dropped, also an unknown word | dropped |
/// | anything else | | dropped, or kept raw if [`ConnectOptions::keep_unknown`] says so | |
///
/// A header that only informs does not fail a tunnel unless the reader asks for it: what is dropped is reported in [`Connect::unread`]. The `host` header, and the
/// headers that belong to one connection or message (`connection`, `content-length`, `transfer-encoding` and their kind), are never kept
/// and never sent.
///
/// Specification: HBONE-C-001, HBONE-C-002, HBONE-C-007, HBONE-H-001, HBONE-H-002, HBONE-H-003, HBONE-S-005, HBONE-S-006,
/// HBONE-S-007, HBONE-S-008.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connect {
    /// Where the tunnel shall lead.
    pub authority: Authority,
    /// The lines of `baggage`, raw. None at all is not the same as one empty line.
    pub baggage: HeaderValues,
    /// On whose behalf the tunnel is opened.
    pub forwarded: Option<Forwarded>,
    /// `x-forwarded-network`: the network that the tunnel comes from. The empty network is not the same as none.
    pub origin_network: Option<Network>,
    /// `x-istio-source`: what kind of proxy opens the tunnel.
    pub source: Option<IstioSource>,
    /// The position in a trace.
    pub traceparent: Option<Traceparent>,
    /// Headers unknown to this crate, if the reader asked to keep them. They are written too, and in no defined order.
    pub unknown: HeaderMap,
    /// Which headers were dropped on reading, and why. Not written.
    pub unread: Unread,
}

impl Connect {
    /// A head that says nothing but where the tunnel shall lead.
    pub fn new(authority: Authority) -> Self {
        Self {
            authority,
            baggage: HeaderValues::new(),
            forwarded: None,
            origin_network: None,
            source: None,
            traceparent: None,
            unknown: HeaderMap::new(),
            unread: Unread::default(),
        }
    }
}

/// Headers of one connection or one message, and `host`: never taken from one head into another.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    const NAMES: [&str; 10] = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name.as_str())
}

/// Headers that have a field of their own.
fn is_known(name: &HeaderName) -> bool {
    [
        BAGGAGE,
        FORWARDED,
        TRACEPARENT,
        X_FORWARDED_NETWORK,
        X_ISTIO_SOURCE,
    ]
    .contains(name)
}
