use std::collections::BTreeSet;
use std::net::IpAddr;

use hbone::authorization::PolicyName;
use hbone::mesh::{NamespacedHostname, NetworkAddress};

use super::document::{Destination, Document, GatewayEntry, NetworkMode, WorkloadEntry};
use super::field::Field;
use super::host::Host;
use super::parsed::Parsed;

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
        let named =
            |host: &Host, namespace: &str| NamespacedHostname::new(namespace, host.name.clone());
        let vips = document.services.iter().flat_map(|entry| &entry.vips);
        let workloads = document.workloads.iter();
        Self {
            services: document
                .services
                .iter()
                .map(|entry| named(&entry.hostname.0, &entry.namespace))
                .collect(),
            addresses: vips
                .map(|vip| vip.0.clone())
                .chain(workloads.flat_map(addresses))
                .collect(),
            workload_names: document
                .workloads
                .iter()
                .filter_map(|entry| {
                    let Parsed(host) = entry.hostname.as_ref()?;
                    Some(named(host, &entry.namespace))
                })
                .collect(),
            policies: document
                .policies
                .iter()
                .map(|entry| PolicyName::new(entry.namespace.as_str(), entry.name.as_str()))
                .collect(),
        }
    }

    /// What the document refers to and does not have, which is lived with. Whoever needs it is told so when it is wanted.
    pub(super) fn dangling(&self, document: &Document) -> Vec<Wrong> {
        let mut dangling = Vec::new();
        for (index, entry) in document.workloads.iter().enumerate() {
            let field = Field::item("workloads", index);
            let gateways = [
                ("waypoint", &entry.waypoint),
                ("networkGateway", &entry.network_gateway),
            ];
            for (key, gateway) in gateways {
                dangling.extend(self.missed(gateway.as_ref(), &field.key(key)));
            }
            for (name, member) in &entry.services.0 {
                if !self.services.contains(name) {
                    dangling.push(Wrong::new(
                        field.key("services").key(&*member.written),
                        "there is no such service, so nobody asks for it; add it to `services`, or leave it out here",
                    ));
                }
            }
            for (index, name) in entry.authorization_policies.iter().enumerate() {
                if !policy(name).is_some_and(|policy| self.policies.contains(&policy)) {
                    dangling.push(Wrong::new(
                        field.key("authorizationPolicies").nth(index),
                        format!("there is no policy {name:?}, so nothing is asked of it; add it to `policies`, or leave it out here"),
                    ));
                }
            }
        }
        for (index, entry) in document.services.iter().enumerate() {
            let field = Field::item("services", index);
            dangling.extend(self.missed(entry.waypoint.as_ref(), &field.key("waypoint")));
        }
        dangling
    }

    fn missed(&self, gateway: Option<&GatewayEntry>, field: &Field) -> Option<Wrong> {
        let gateway = gateway?;
        let is_there = match &gateway.destination.0.destination {
            Destination::Address(address) => self.addresses.contains(address),
            Destination::Name(name) => {
                self.services.contains(name) || self.workload_names.contains(name)
            }
        };
        if !is_there {
            return Some(Wrong::new(
                field.key("destination"),
                format!(
                    "{} is neither a service nor a workload of this file, so what has to go through it fails; add it",
                    gateway.destination.0.written
                ),
            ));
        }
        (gateway.hbone_mtls_port == 0).then(|| {
            Wrong::new(
                field.key("hboneMtlsPort"),
                "port 0 cannot be dialled, so what has to go through it fails; it is 15008 almost always",
            )
        })
    }
}

/// The policy that a workload names. One without a slash is nobody's.
pub(super) fn policy(name: &str) -> Option<PolicyName> {
    let (namespace, name) = name.split_once('/')?;
    Some(PolicyName::new(namespace, name))
}

/// The addresses under which a workload is found. Those of a node are its own and of many others.
fn addresses(entry: &WorkloadEntry) -> impl Iterator<Item = NetworkAddress> {
    let network = entry.network.as_ref().map(|network| network.0.clone());
    let network = network.unwrap_or_default();
    let of_its_own = entry.network_mode == NetworkMode::Standard;
    let ips: &[IpAddr] = if of_its_own {
        &entry.workload_ips.0
    } else {
        &[]
    };
    ips.iter()
        .map(move |ip| NetworkAddress::new(network.clone(), *ip))
}
