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
//! | Struct with upper-case or lower-case keys | [`Case`] | labels that the reader does not list; upper case: a label that Istio reads as the canonical service or revision, the app or the version becomes that |
//! | list of `key=value` | [`to_pairs`], [`from_pairs`] | the identity; a `,` in a value; labels that the reader does not list |
//! | endpoint metadata `workload;namespace;canonical;revision;cluster` | [`to_endpoint`], [`from_endpoint`] | everything else, the kind of the workload; a `;` in a value |
//! | owner URL | [`to_owner`], [`owner_kind`] | everything but kind, namespace and name |
//!
//! A workload whose kind is not told, or is none of the four that Istio names, is read as a pod: that is how Istio's Envoy
//! itself writes it. Everything read is [`Claimed`](crate::Claimed), the identity in it most of all.

mod alpn_exchange;
mod asked;
mod byte_order;
mod endpoint;
mod framing;
mod framing_error;
mod metadata;
mod metadata_cache;
mod metadata_error;
mod on_fault;
mod outcome;
mod owner;
mod pairs;
mod peer_headers;
mod preamble;
mod read_config;
mod received;
mod structure;
mod target_cluster;

pub use alpn_exchange::AlpnExchange;
pub use asked::Asked;
pub use byte_order::ByteOrder;
pub use endpoint::{from_endpoint, to_endpoint};
pub use framing_error::FramingError;
pub use metadata::Metadata;
pub use metadata_cache::MetadataCache;
pub use metadata_error::MetadataError;
pub use on_fault::OnFault;
pub use outcome::Outcome;
pub use owner::{owner_kind, to_owner};
pub use pairs::{from_pairs, to_pairs};
pub use peer_headers::PeerHeaders;
pub use preamble::Preamble;
pub use read_config::ReadConfig;
pub use received::Received;
pub use structure::Case;
pub use target_cluster::TargetCluster;
