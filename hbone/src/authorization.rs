//! The mesh's own authorization at layer 4: which connections the policies of a workload let in.
//!
//! This is Istio's `AuthorizationPolicy` as a node proxy enforces it: by who the client proved to be, where it comes from, and
//! where it goes. It is asked after [`crate::policy`], which says what a proxy can be made to dial at all, and which no
//! configuration of the mesh opens.
//!
//! ```text
//! Connection ──> DENY policies ──> any matches: denied
//!                     │ none
//!                ALLOW policies ──> there are none: allowed
//!                     │ some        one matches:   allowed
//!                     └───────────> none does:     denied
//! ```
//!
//! Only policies in force for the workload are asked: those of the whole mesh, of its namespace, and those that it names itself.
//! One that is a dry run decides nothing.
//!
//! ```
//! use hbone::Identity;
//! use hbone::authorization::{Action, Authorizations, Connection, Match, Policy, Rule, Scope, TextMatch, Verdict};
//!
//! let mut only_shop = Match::default();
//! only_shop.namespaces.any.push(TextMatch::Exact("shop".into()));
//! let mut policy = Policy::new("store", "only-shop", Scope::Namespace, Action::Allow);
//! policy.rules = vec![Rule::from_iter([vec![only_shop]])];
//! let policies = Authorizations::new([policy]).map_err(|name| name.to_string())?;
//!
//! let cart: Identity = "spiffe://cluster.local/ns/shop/sa/cart".parse()?;
//! let mut connection = Connection::new("10.0.0.7:4711".parse()?, "10.0.0.9:8080".parse()?);
//! connection.source = Some(&cart);
//! assert_eq!(policies.judge("store", [], &connection), Verdict::Allowed);
//! connection.source = None;
//! assert_eq!(policies.judge("store", [], &connection), Verdict::NotAllowed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorizations;
mod connection;
mod policy;
mod rule;
mod text_match;
mod verdict;

pub use authorizations::Authorizations;
pub use connection::Connection;
pub use policy::{Action, Policy, PolicyName, Scope};
pub use rule::{AnyOf, Clause, Match, Rule, ServiceAccount};
pub use text_match::TextMatch;
pub use verdict::Verdict;
