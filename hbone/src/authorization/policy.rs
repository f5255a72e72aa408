use std::fmt;
use std::sync::Arc;

use super::{Connection, Rule};

/// One authorization policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What it is called.
    pub name: PolicyName,
    /// For whom it is in force.
    pub scope: Scope,
    /// What becomes of a connection that it matches.
    pub action: Action,
    /// It matches a connection that any of these matches. Without any, it matches none.
    pub rules: Vec<Rule>,
    /// It is only tried out, and decides nothing.
    pub dry_run: bool,
}

/// The namespace and the name of a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct PolicyName {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

/// For whom a policy is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// For all workloads.
    Global,
    /// For those of its namespace.
    Namespace,
    /// For those that name it.
    WorkloadSelector,
}

/// What becomes of a connection that a policy matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It is let in, unless another policy denies it; and what no such policy matches is not.
    Allow,
    /// It is not let in, whatever allows it.
    Deny,
}

impl Policy {
    /// A policy without rules.
    pub fn new(
        namespace: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        scope: Scope,
        action: Action,
    ) -> Self {
        Self {
            name: PolicyName::new(namespace, name),
            scope,
            action,
            rules: Vec::new(),
            dry_run: false,
        }
    }

    /// Whether any of its rules matches the connection.
    pub fn matches(&self, connection: &Connection<'_>) -> bool {
        self.rules.iter().any(|rule| rule.matches(connection))
    }
}

impl PolicyName {
    /// `name` in `namespace`.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for PolicyName {
    /// `namespace/name`, the form of Istio's keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
