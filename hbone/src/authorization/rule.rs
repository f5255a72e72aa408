use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::{Connection, TextMatch};
use crate::Identity;
use crate::net::canonical_net;

/// What a connection has to fulfil: every one of its clauses, which are Istio's `from`, `to` and `when`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule(Vec<Clause>);

/// Alternatives: one of them has to match. Without any, it always does.
pub type Clause = Vec<Match>;

/// Conditions on a connection, all of which have to hold. One without any conditions never matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Match {
    /// The namespace of who the client proved to be; empty on a plaintext connection.
    pub namespaces: AnyOf<TextMatch>,
    /// Who the client proved to be, without `spiffe://`. A plaintext client is nobody, which is never one of these and never
    /// one of those excluded.
    pub principals: AnyOf<TextMatch>,
    /// The service account of who the client proved to be, whatever its trust domain.
    pub service_accounts: AnyOf<ServiceAccount>,
    /// The address that the client comes from. A range of IPv4-mapped addresses is the IPv4 range; a wider one of IPv6, such as
    /// `::/0`, is of IPv6 alone.
    pub source_ips: AnyOf<IpNet>,
    /// The address that it goes to, with ranges read likewise.
    pub destination_ips: AnyOf<IpNet>,
    /// The port that it goes to.
    pub destination_ports: AnyOf<u16>,
}

/// Values that something may have, and values that it may not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyOf<T> {
    /// It has to be one of these, unless there are none.
    pub any: Vec<T>,
    /// It must not be one of these.
    pub not: Vec<T>,
}

/// A service account in its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServiceAccount {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The service account.
    pub service_account: Arc<str>,
}

impl Rule {
    /// Whether every clause matches. A rule without clauses matches everything.
    pub fn matches(&self, connection: &Connection<'_>) -> bool {
        self.0.iter().all(|clause| {
            clause.is_empty()
                || clause
                    .iter()
                    .any(|conditions| conditions.matches(connection))
        })
    }
}

impl FromIterator<Clause> for Rule {
    fn from_iter<I: IntoIterator<Item = Clause>>(clauses: I) -> Self {
        Self(clauses.into_iter().collect())
    }
}

impl Match {
    /// Whether every condition holds, and there is one.
    pub fn matches(&self, connection: &Connection<'_>) -> bool {
        let source = connection.source;
        let namespace = source.map_or("", Identity::namespace);
        let principal = source.map(Identity::to_string);
        let principal = principal.as_deref().and_then(without_scheme);
        let is_in =
            |range: &IpNet, addr: IpAddr| canonical_net(*range).contains(&addr.to_canonical());
        !self.is_empty()
            && self
                .destination_ips
                .holds(|range| is_in(range, connection.destination.ip()))
            && self
                .source_ips
                .holds(|range| is_in(range, connection.client.ip()))
            && self
                .destination_ports
                .holds(|port| *port == connection.destination.port())
            && self
                .service_accounts
                .holds(|account| source.is_some_and(|source| account.is_of(source)))
            && self
                .principals
                .holds(|text| principal.is_some_and(|principal| text.matches(principal)))
            && self.namespaces.holds(|text| text.matches(namespace))
    }

    fn is_empty(&self) -> bool {
        self.namespaces.is_empty()
            && self.principals.is_empty()
            && self.service_accounts.is_empty()
            && self.source_ips.is_empty()
            && self.destination_ips.is_empty()
            && self.destination_ports.is_empty()
    }
}

/// Policies name principals without it.
fn without_scheme(principal: &str) -> Option<&str> {
    principal.strip_prefix("spiffe://")
}

impl<T> AnyOf<T> {
    fn holds(&self, mut is: impl FnMut(&T) -> bool) -> bool {
        (self.any.is_empty() || self.any.iter().any(&mut is)) && !self.not.iter().any(is)
    }

    const fn is_empty(&self) -> bool {
        self.any.is_empty() && self.not.is_empty()
    }
}

impl<T> Default for AnyOf<T> {
    fn default() -> Self {
        Self {
            any: Vec::new(),
            not: Vec::new(),
        }
    }
}

impl ServiceAccount {
    /// `service_account` in `namespace`.
    pub fn new(namespace: impl Into<Arc<str>>, service_account: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            service_account: service_account.into(),
        }
    }

    fn is_of(&self, identity: &Identity) -> bool {
        *self.namespace == *identity.namespace()
            && *self.service_account == *identity.service_account()
    }
}
