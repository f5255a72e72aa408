//! Where a peer may have us connect to.
//!
//! A server that dials what its peers ask for is an open proxy until somebody says otherwise, so the policy denies everything by
//! default. It is asked twice: [`DestinationPolicy::admit`] before a name is resolved, so that a denied peer causes no query, and
//! [`Admitted::check`] with the address that is about to be dialled, so that a name cannot lead where its rule does not. Only the second
//! answer is a [`Checked`] address, and only this module makes one.
//!
//! ```
//! use hbone::policy::{AllowEntry, DestinationPolicy};
//! use hbone::{Authority, Identity};
//!
//! let policy = DestinationPolicy::allow_list([AllowEntry::to_addresses(["10.0.0.0/8".parse()?])]);
//! let who: Identity = "spiffe://cluster.local/ns/shop/sa/cart".parse()?;
//!
//! let authority: Authority = "10.0.0.7:80".parse()?;
//! let admitted = policy.admit(&who, &authority)?;
//! let checked = admitted.check("10.0.0.7:80".parse()?)?;
//! assert_eq!(checked.addr().to_string(), "10.0.0.7:80");
//!
//! // A directory or a resolver that leads elsewhere is caught by the second question.
//! assert!(admitted.check("169.254.169.254:80".parse()?).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admitted;
mod allow_list;
mod checked;
mod denied;
mod denied_range;
mod destination_policy;
mod opening;
mod reserved;

pub use admitted::Admitted;
pub use allow_list::AllowEntry;
pub use checked::Checked;
pub use denied::Denied;
pub use denied_range::DeniedRange;
pub use destination_policy::DestinationPolicy;
pub use opening::Opening;
pub use reserved::RESERVED_PORTS;
