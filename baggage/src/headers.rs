use alloc::string::String;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::baggage::Baggage;
use crate::limits::Limits;
use crate::parsed::Parsed;

pub(crate) const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

impl Baggage {
    /// Reads all `baggage` lines of a message leniently. For lines kept elsewhere, [`parse`](Self::parse)
    /// takes any iterator of `&HeaderValue`.
    pub fn from_headers(headers: &HeaderMap, limits: &Limits) -> Parsed {
        Self::parse(headers.get_all(BAGGAGE), limits)
    }

    /// The one header line to send; `None` if there is no member, and then no header is to be sent.
    ///
    /// It keeps to the limits with which the baggage was made. A `%` that escapes nothing is sent as `%25`, so what was read may
    /// be longer than that; then each member that no longer fits is left out, and [`encode`](Self::encode) counts them.
    pub fn to_header_value(&self) -> Option<HeaderValue> {
        let mut line = String::new();
        self.encode(self.limits(), &mut line);
        match line.is_empty() {
            true => None,
            false => HeaderValue::try_from(line).ok(),
        }
    }
}
