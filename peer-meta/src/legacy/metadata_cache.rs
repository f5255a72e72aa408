use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use http::HeaderMap;

use super::peer_headers::{ID, METADATA};
use super::structure::check_size;
use super::{Case, Metadata, MetadataError, ReadConfig};
use crate::Claimed;

/// Reads `x-envoy-peer-metadata`, remembering by `x-envoy-peer-metadata-id` what it has decoded.
///
/// The id saves work and decides nothing: a remembered result is used only for the same header value, byte for byte, so that
/// no peer can hand its metadata to another by naming that one's id. (In Istio's Envoy the value is not looked at.)
#[derive(Clone, Debug)]
pub struct MetadataCache {
    capacity: usize,
    config: ReadConfig,
    known: BTreeMap<Arc<[u8]>, Known>,
    /// The ids in `known`, the eldest first.
    order: VecDeque<Arc<[u8]>>,
}

#[derive(Clone, Debug)]
struct Known {
    metadata: Claimed<Metadata>,
    value: Box<[u8]>,
}

/// Longer ids and values are read and not remembered, so that a full cache is at most some 15 MiB.
const LONGEST_ID: usize = 256;
const LONGEST_VALUE: usize = 16 * 1024;

impl MetadataCache {
    /// Remembers up to 500 peers.
    pub const fn new(config: ReadConfig) -> Self {
        Self::with_capacity(config, 500)
    }

    /// Remembers up to `capacity` peers; then the one that came first is forgotten.
    pub const fn with_capacity(config: ReadConfig, capacity: usize) -> Self {
        Self {
            capacity,
            config,
            known: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// How many peers are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What a message says of its sender; `None` without the header, or with an empty one. Take the headers off afterwards
    /// ([`Asked::take`](super::Asked::take)).
    pub fn read(
        &mut self,
        headers: &HeaderMap,
    ) -> Result<Option<Claimed<Metadata>>, MetadataError> {
        let value = headers
            .get(METADATA)
            .map(|value| value.as_bytes())
            .unwrap_or_default();
        if value.is_empty() {
            return Ok(None);
        }
        let id = headers.get(ID).map(|id| id.as_bytes()).unwrap_or_default();
        if let Some(known) = self.known.get(id).filter(|known| *known.value == *value) {
            return Ok(Some(known.metadata.clone()));
        }
        let metadata = decode(value, &self.config)?;
        self.remember(id, value, &metadata);
        Ok(Some(metadata))
    }

    fn remember(&mut self, id: &[u8], value: &[u8], metadata: &Claimed<Metadata>) {
        if id.is_empty()
            || id.len() > LONGEST_ID
            || value.len() > LONGEST_VALUE
            || self.capacity == 0
        {
            return;
        }
        let known = Known {
            metadata: metadata.clone(),
            value: value.into(),
        };
        let id: Arc<[u8]> = id.into();
        if self.known.insert(Arc::clone(&id), known).is_some() {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(eldest) = self.order.pop_front()
        {
            self.known.remove(&eldest);
        }
    }
}

fn decode(value: &[u8], config: &ReadConfig) -> Result<Claimed<Metadata>, MetadataError> {
    // Four characters of base64 are three bytes.
    check_size(value.len() / 4 * 3, config)?;
    let bytes = STANDARD_PAD_INDIFFERENT
        .decode(value)
        .map_err(|_| MetadataError::Base64)?;
    Case::Upper.decode(&bytes, config)
}
