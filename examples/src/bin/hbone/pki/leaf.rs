use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use hbone::{Identity, TrustDomain};

/// One `--leaf NS/SA`.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    namespace: String,
    service_account: String,
}

impl Leaf {
    /// Its file with this extension. What an identity allows in a segment is allowed in the name of a file.
    pub(super) fn file(&self, extension: &str) -> String {
        format!("{}.{}.{extension}", self.namespace, self.service_account)
    }

    pub(super) fn identity(&self, trust_domain: &TrustDomain) -> anyhow::Result<Identity> {
        Identity::new(trust_domain, &self.namespace, &self.service_account)
            .with_context(|| format!("--leaf {self}"))
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.service_account)
    }
}

impl FromStr for Leaf {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((namespace, service_account)) => Ok(Self {
                namespace: namespace.into(),
                service_account: service_account.into(),
            }),
            None => Err("give the namespace and the service account, as in shop/cart"),
        }
    }
}
