//! Mutual TLS with SPIFFE identities, for either side of a tunnel.
//!
//! The peer's certificate must name exactly one workload of a trust domain that we hold a bundle for, and chain to that
//! bundle; the names in it other than the SPIFFE id mean nothing, and no server name is sent. Who in particular must be
//! there is asked during the handshake, so that a stranger never sees our certificate accepted.

mod chain;
mod client;
mod client_verifier;
mod config_error;
mod credentials;
mod failure;
mod server;
mod server_verifier;
mod svid;
mod trust_bundles;

pub use client::ClientTls;
pub use config_error::TlsConfigError;
pub use credentials::Credentials;
pub use server::ServerTls;
pub use trust_bundles::TrustBundles;

pub(crate) use failure::link_failure;
