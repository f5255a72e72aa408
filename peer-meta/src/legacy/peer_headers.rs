use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Case, Metadata};

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

/// The cluster that a request goes to, as far as it matters for sending metadata there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetCluster<'a> {
    /// Cluster metadata `istio.disable_mx`: all its endpoints speak HBONE, and learn of us there.
    disable_mx: bool,
    external: bool,
    name: &'a str,
}

impl<'a> TargetCluster<'a> {
    /// A cluster of this name, in the mesh.
    pub const fn new(name: &'a str) -> Self {
        Self {
            disable_mx: false,
            external: false,
            name,
        }
    }

    /// The same cluster with `istio.disable_mx`.
    #[must_use]
    pub const fn with_disable_mx(mut self, disable_mx: bool) -> Self {
        self.disable_mx = disable_mx;
        self
    }

    /// The same cluster with `istio.external`: outside of the mesh.
    #[must_use]
    pub const fn with_external(mut self, external: bool) -> Self {
        self.external = external;
        self
    }

    /// Whether metadata goes there; with `skip_external` only inside of the mesh.
    pub fn takes_headers(&self, skip_external: bool) -> bool {
        let outside = self.external || self.name == "PassthroughCluster";
        !(self.disable_mx || skip_external && outside)
    }
}
