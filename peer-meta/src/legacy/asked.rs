use http::HeaderMap;

use super::peer_headers::{ID, METADATA};

/// Which of the two headers a request carried, and so which its response is to carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Asked {
    /// `x-envoy-peer-metadata-id`
    pub id: bool,
    /// `x-envoy-peer-metadata`
    pub metadata: bool,
}

impl Asked {
    /// Takes both headers off a message, read or not: they end here, and must not leave the mesh.
    pub fn take(headers: &mut HeaderMap) -> Self {
        Self {
            id: headers.remove(ID).is_some(),
            metadata: headers.remove(METADATA).is_some(),
        }
    }
}
