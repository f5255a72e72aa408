//! Mutual TLS with SPIFFE identities, for either side of a tunnel.
//!
//! The peer's certificate must name exactly one workload of a trust domain that we hold a bundle for, and chain to that
//! bundle; the names in it other than the SPIFFE id mean nothing, and no server name is sent. Who in particular must be
//! there is asked during the handshake, so that a stranger never sees our certificate accepted.
//!
//! | to | use |
//! |---|---|
//! | start with what is at hand | [`Credentials`], [`TrustBundles`], [`ClientTls::new`], [`ServerTls::new`] |
//! | follow PEM files that somebody renews | [`PemFiles`] |
//! | hand in new certificates yourself | [`Rotating`], or a [`CertificateSource`] of your own |
//! | turn away revoked peers, and end their live connections | [`Revocations`], [`Crls`] |
//!
//! A connection lives on when its certificates expire or are replaced; only revocation ends it.
//!
//! # Feature `keylog`
//!
//! **With the feature `keylog`, the TLS secrets of every connection are written to the file that the environment variable
//! `SSLKEYLOGFILE` names. Whoever has that file and a capture of the traffic can read all of it, and change it while it lasts.**
//! It is for debugging with Wireshark, and not for what you ship. Without the feature the variable is not read. (A caller's own
//! configuration, as in [`ClientTls::from_config`], keeps the key log that the caller has put there.)

mod certificate_source;
mod chain;
mod client;
mod client_verifier;
mod config_error;
mod credentials;
mod crl;
mod crls;
mod failure;
mod followed_files;
mod live_peer;
mod material;
mod peer_chain;
mod pem_event;
mod pem_files;
mod pem_text;
mod pem_watch;
mod revocations;
mod rotating;
mod server;
mod server_verifier;
mod setup;
mod svid;
mod trust_bundles;

pub use certificate_source::CertificateSource;
pub use client::ClientTls;
pub use config_error::TlsConfigError;
pub use credentials::Credentials;
pub use crls::Crls;
pub use pem_event::{PemEvent, PemPart};
pub use pem_files::PemFiles;
pub use pem_watch::PemWatch;
pub use revocations::{ExpiredCrl, RevocationStats, Revocations};
pub use rotating::Rotating;
pub use server::ServerTls;
pub use trust_bundles::TrustBundles;

pub(crate) use failure::link_failure;
pub(crate) use live_peer::LivePeer;
