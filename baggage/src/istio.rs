//! The attributes of a workload that the two ends of an Istio tunnel tell each other in the `baggage` header.
//!
//! | Key | Attribute |
//! |---|---|
//! | `k8s.cluster.name` | [cluster](PeerAttributes::cluster) |
//! | `k8s.namespace.name` | [namespace](PeerAttributes::namespace) |
//! | `k8s.cronjob.name`, `k8s.deployment.name`, `k8s.job.name`, `k8s.pod.name` | [workload](PeerAttributes::workload) and its [kind](WorkloadKind) |
//! | `service.name` | [service](PeerAttributes::service), and [app](PeerAttributes::app) if that is not given |
//! | `service.version` | [revision](PeerAttributes::revision), and [version](PeerAttributes::version) if that is not given |
//! | `app.name` | [app](PeerAttributes::app), and [service](PeerAttributes::service) if that is not given |
//! | `app.version` | [version](PeerAttributes::version), and [revision](PeerAttributes::revision) if that is not given |
//! | `k8s.instance.name` | [instance](PeerAttributes::instance) |
//! | `cloud.region` | [region](PeerAttributes::region) |
//! | `cloud.availability_zone` | [zone](PeerAttributes::zone) |
//!
//! Read them with [`PeerAttributesRef`] where they are only looked at, with [`PeerAttributes`] to keep them.
//! To write them, choose the [`Dialect`] of the proxy that you stand in for.

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
