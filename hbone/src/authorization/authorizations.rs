use std::collections::BTreeMap;

use super::{Action, Connection, Policy, PolicyName, Scope, Verdict};

/// All authorization policies of a mesh.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorizations(BTreeMap<PolicyName, Policy>);

impl Authorizations {
    /// The policies, by name.
    ///
    /// # Errors
    ///
    /// The name that two of them have.
    pub fn new(policies: impl IntoIterator<Item = Policy>) -> Result<Self, PolicyName> {
        let mut all = BTreeMap::new();
        for policy in policies {
            let name = policy.name.clone();
            if all.insert(name.clone(), policy).is_some() {
                return Err(name);
            }
        }
        Ok(Self(all))
    }

    /// The policy of this name.
    pub fn get(&self, name: &PolicyName) -> Option<&Policy> {
        self.0.get(name)
    }

    /// Whether a workload of `namespace`, which names the policies `selected`, may be connected to like this.
    ///
    /// A policy whose scope is a workload selector is in force only where it is named; a name that leads nowhere is ignored, as
    /// it may while a control plane is still sending.
    pub fn judge<'a>(
        &self,
        namespace: &str,
        selected: impl IntoIterator<Item = &'a PolicyName>,
        connection: &Connection<'_>,
    ) -> Verdict {
        let everywhere = self.0.values().filter(|policy| match policy.scope {
            Scope::Global => true,
            Scope::Namespace => *policy.name.namespace == *namespace,
            Scope::WorkloadSelector => false,
        });
        let selected = selected.into_iter().filter_map(|name| self.0.get(name));
        let mut allows = None;
        for policy in everywhere.chain(selected).filter(|policy| !policy.dry_run) {
            match policy.action {
                Action::Deny if policy.matches(connection) => {
                    return Verdict::Denied(policy.name.clone());
                }
                Action::Deny => {}
                Action::Allow => {
                    allows = Some(allows.unwrap_or(false) || policy.matches(connection));
                }
            }
        }
        match allows {
            Some(false) => Verdict::NotAllowed,
            Some(true) | None => Verdict::Allowed,
        }
    }
}
