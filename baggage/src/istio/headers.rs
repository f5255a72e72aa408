use alloc::string::String;

use http::{HeaderMap, HeaderValue};

use super::dialect::Dialect;
use super::peer_attributes::PeerAttributes;
use crate::headers::BAGGAGE;
use crate::limits::Limits;

impl PeerAttributes {
    /// Reads all `baggage` lines of a message. For lines kept elsewhere, [`parse`](Self::parse) takes any
    /// iterator of `&HeaderValue`.
    pub fn from_headers(headers: &HeaderMap, limits: &Limits) -> Option<Self> {
        Self::parse(headers.get_all(BAGGAGE), limits)
    }

    /// The one header line to send; `None` if there is nothing to say, and then no header is to be sent.
    ///
    /// [`Dialect::Agentgateway`] always has something to say.
    pub fn to_header_value(&self, dialect: Dialect) -> Option<HeaderValue> {
        let mut value = String::new();
        self.encode(dialect, &mut value);
        if value.is_empty() {
            return None;
        }
        HeaderValue::try_from(value).ok()
    }
}
