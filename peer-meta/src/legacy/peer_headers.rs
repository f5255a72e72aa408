use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Asked, Case, Metadata};

pub(super) const METADATA: HeaderName = HeaderName::from_static("x-envoy-peer-metadata");
pub(super) const ID: HeaderName = HeaderName::from_static("x-envoy-peer-metadata-id");

/// Our own metadata as the two headers that sidecars send on requests and responses, encoded once.
#[derive(Clone, Debug)]
pub struct PeerHeaders {
    id: Option<HeaderValue>,
    metadata: Option<HeaderValue>,
}

impl PeerHeaders {
    /// Encodes metadata, and the id of the proxy that sends it; an id that cannot stand in a header is left out.
    pub fn new(metadata: &Metadata, id: &str) -> Self {
        let encoded = STANDARD.encode(Case::Upper.encode(metadata));
        Self {
            id: HeaderValue::from_str(id).ok().filter(|id| !id.is_empty()),
            metadata: HeaderValue::try_from(encoded).ok(),
        }
    }

    /// Puts both on a request, in place of whatever was there.
    pub fn on_request(&self, headers: &mut HeaderMap) {
        self.put(
            headers,
            Asked {
                id: true,
                metadata: true,
            },
        );
    }

    /// Puts those on a response for which the request asked by carrying them; takes off what was there.
    pub fn on_response(&self, asked: Asked, headers: &mut HeaderMap) {
        self.put(headers, asked);
    }

    fn put(&self, headers: &mut HeaderMap, wanted: Asked) {
        Asked::take(headers);
        if let Some(id) = self.id.as_ref().filter(|_| wanted.id) {
            headers.insert(ID, id.clone());
        }
        if let Some(metadata) = self.metadata.as_ref().filter(|_| wanted.metadata) {
            headers.insert(METADATA, metadata.clone());
        }
    }
}
