//! The attributes of a workload that the two ends of an Istio tunnel tell each other in the `baggage` header.

mod attribute;
mod dialect;
mod peer_attributes;
mod peer_attributes_builder;
mod peer_attributes_ref;
mod workload_kind;

#[cfg(feature = "http")]
mod headers;

pub use attribute::is_istio_key;
pub use dialect::Dialect;
pub use peer_attributes::PeerAttributes;
pub use peer_attributes_builder::PeerAttributesBuilder;
pub use peer_attributes_ref::PeerAttributesRef;
pub use workload_kind::{UnknownWorkloadKind, WorkloadKind};
