//! One connection, from nothing to the peer's first SETTINGS.

mod alert;
mod error;
mod failure;
mod machine;
mod timeouts;

pub use alert::Alert;
pub use error::EstablishError;
pub use failure::{CertificateFault, LinkFailure, PeerIdentityFault};
pub use machine::{Establish, Established, Stage};
pub use timeouts::Timeouts;
