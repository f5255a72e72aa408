use std::collections::BTreeSet;
use std::net::IpAddr;

use hbone::Hostname;
use hbone::authorization::PolicyName;
use hbone::mesh::{NamespacedHostname, NetworkAddress};

use super::document::{Document, Gateway, GatewayEntry, NetworkMode, WorkloadEntry};
use super::field::Field;

/// What entries may refer to.
pub(super) struct References {
    services: BTreeSet<NamespacedHostname>,
    addresses: BTreeSet<NetworkAddress>,
    workload_names: BTreeSet<NamespacedHostname>,
    policies: BTreeSet<PolicyName>,
}

/// An entry that says something that cannot be: which field, and what is wrong with it.
pub(super) struct Wrong {
    pub(super) field: Field,
    pub(super) problem: String,
}

impl Wrong {
    pub(super) fn new(field: Field, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

impl References {
    pub(super) fn of(document: &Document) -> Self {
        let service = |hostname: &Hostname, namespace: &str| {
            NamespacedHostname::new(namespace, hostname.clone())
        };
        let vips = document.services.iter().flat_map(|entry| &entry.vips);
        let workloads = document.workloads.iter();
        Self {
            services: document
                .services
                .iter()
                .map(|entry| service(&entry.hostname.0, &entry.namespace))
                .collect(),
            addresses: vips
                .map(|vip| vip.0.clone())
                .chain(workloads.flat_map(addresses))
                .collect(),
            workload_names: document
                .workloads
                .iter()
                .filter_map(|entry| {
                    let hostname = entry.hostname.as_ref()?.0.as_ref()?;
                    Some(service(hostname, &entry.namespace))
                })
                .collect(),
            policies: document
                .policies
                .iter()
                .map(|entry| PolicyName::new(entry.namespace.as_str(), entry.name.as_str()))
                .collect(),
        }
    }

    /// Whether all that the document refers to, and that traffic depends on, is there. What is not, and is not missed either,
    /// is returned.
    pub(super) fn check(&self, document: &Document) -> Result<Vec<Wrong>, Wrong> {
        let mut dangling = Vec::new();
        for (index, entry) in document.workloads.iter().enumerate() {
            let field = Field::item("workloads", index);
            self.check_gateway(entry.waypoint.as_ref(), &field, "waypoint")?;
            self.check_gateway(entry.network_gateway.as_ref(), &field, "networkGateway")?;
            for name in entry.services.0.keys() {
                if !self.services.contains(name) {
                    dangling.push(Wrong::new(
                        field.key("services").key(name.to_string()),
                        "there is no such service, so nobody asks for it; add it to `services`, or leave it out here",
                    ));
                }
            }
            for (index, name) in entry.authorization_policies.iter().enumerate() {
                if !self.policies.contains(&name.0) {
                    return Err(Wrong::new(
                        field.key("authorizationPolicies").nth(index),
                        format!(
                            "there is no policy {}; add it to `policies`, or leave it out here",
                            name.0
                        ),
                    ));
                }
            }
        }
        for (index, entry) in document.services.iter().enumerate() {
            let field = Field::item("services", index);
            self.check_gateway(entry.waypoint.as_ref(), &field, "waypoint")?;
        }
        Ok(dangling)
    }

    fn check_gateway(
        &self,
        gateway: Option<&GatewayEntry>,
        owner: &Field,
        key: &str,
    ) -> Result<(), Wrong> {
        let Some(gateway) = gateway else {
            return Ok(());
        };
        let (is_there, name) = match &gateway.destination.0 {
            Gateway::Address(address) => (self.addresses.contains(address), address.to_string()),
            Gateway::Name(name) => {
                let named = self.services.contains(name) || self.workload_names.contains(name);
                (named, name.to_string())
            }
        };
        if !is_there {
            return Err(Wrong::new(
                owner.key(key).key("destination"),
                format!("{name} is neither a service nor a workload of this file; add it"),
            ));
        }
        if gateway.hbone_mtls_port == 0 {
            return Err(Wrong::new(
                owner.key(key).key("hboneMtlsPort"),
                "port 0 cannot be dialled; it is 15008 almost always",
            ));
        }
        Ok(())
    }
}

/// The addresses under which a workload is found. Those of a node are its own and of many others.
fn addresses(entry: &WorkloadEntry) -> impl Iterator<Item = NetworkAddress> {
    let network = entry.network.as_ref().map(|network| network.0.clone());
    let network = network.unwrap_or_default();
    let of_its_own = entry.network_mode == NetworkMode::Standard;
    let ips: &[_] = if of_its_own { &entry.workload_ips } else { &[] };
    let ips: Vec<IpAddr> = ips.iter().map(|ip| ip.0).collect();
    ips.into_iter()
        .map(move |ip| NetworkAddress::new(network.clone(), ip))
}
