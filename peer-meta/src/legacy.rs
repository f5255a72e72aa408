//! The carriers of peer metadata from before ambient, and those inside of Envoy (feature `legacy`).
//!
//! For those who read captures, bridge to sidecars, or sit inside of Envoy. Our own proxies never put metadata into the data
//! stream of an application: a peer that does not expect it would take it for data.
//!
//! | carrier | type | what it cannot carry |
//! |---|---|---|
//! | `x-envoy-peer-metadata`, `x-envoy-peer-metadata-id` | [`PeerHeaders`], [`MetadataCache`] | |
//! | exchange agreed on by ALPN `istio-peer-exchange` | [`AlpnExchange`] | |
//! | Envoy's in-process preamble | [`Preamble`] | |
//! | Struct with upper-case or lower-case keys | [`Case`] | labels that the reader does not list |
//! | list of `key=value` | [`to_pairs`], [`from_pairs`] | the identity; a `,` in a value; labels that the reader does not list |
//! | endpoint metadata `workload;namespace;canonical;revision;cluster` | [`to_endpoint`], [`from_endpoint`] | everything else, the kind of the workload; a `;` in a value |
//! | owner URL | [`to_owner`], [`owner_kind`] | everything but kind, namespace and name |
//!
//! A workload whose kind is not told, or is none of the four that Istio names, is read as a pod: that is how Istio's Envoy
//! itself writes it. Everything read is [`Claimed`](crate::Claimed), the identity in it most of all.

mod alpn_exchange;
mod endpoint;
mod framing;
mod metadata;
mod metadata_cache;
mod metadata_error;
mod owner;
mod pairs;
mod peer_headers;
mod preamble;
mod read_config;
mod structure;

pub use alpn_exchange::AlpnExchange;
pub use endpoint::{from_endpoint, to_endpoint};
pub use framing::{FramingError, OnFault, Outcome, Received};
pub use metadata::Metadata;
pub use metadata_cache::MetadataCache;
pub use metadata_error::MetadataError;
pub use owner::{owner_kind, to_owner};
pub use pairs::{from_pairs, to_pairs};
pub use peer_headers::{Asked, PeerHeaders, TargetCluster};
pub use preamble::{ByteOrder, Preamble};
pub use read_config::ReadConfig;
pub use structure::Case;
