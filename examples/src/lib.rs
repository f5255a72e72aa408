//! What the programs of this package share.

pub mod access_log;
pub mod admin;
mod canonical;
pub mod eastwest_gateway;
pub mod exposition;
pub mod heap;
pub mod hop_log;
pub mod http;
pub mod ingress_gateway;
pub mod mesh_file;
pub mod metrics;
pub mod node_proxy;
pub mod pki;
pub mod proxy;
pub mod random;
mod stamp;
pub mod standard_output;
pub mod terminal_safe;
pub mod waypoint;
pub mod wire;

/// Compiles the examples of the READMEs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../baggage/README.md")]
#[doc = include_str!("../../hbone/README.md")]
#[doc = include_str!("../../peer-meta/README.md")]
#[doc = include_str!("../../tokio-hbone/README.md")]
struct Readme;
