use std::fmt;
use std::sync::Arc;

use crate::Hostname;

/// A host name in a namespace. Two namespaces may each define the same host name, so only the pair names one
/// service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespacedHostname {
    namespace: Arc<str>,
    hostname: Hostname,
}

impl NamespacedHostname {
    /// `hostname` as `namespace` defines it.
    pub fn new(namespace: impl Into<Arc<str>>, hostname: Hostname) -> Self {
        Self {
            namespace: namespace.into(),
            hostname,
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The host name.
    pub fn hostname(&self) -> &Hostname {
        &self.hostname
    }
}

impl fmt::Display for NamespacedHostname {
    /// `namespace/hostname`, the form of Istio's keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.hostname)
    }
}
