use alloc::string::ToString;

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
    pub fn to_header_value(&self) -> Option<HeaderValue> {
        match self.is_empty() {
            true => None,
            false => HeaderValue::try_from(self.to_string()).ok(),
        }
    }
}
