use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use ipnet::IpNet;
use thiserror::Error;

use super::{Directory, Endpoint, NamespacedHostname, NetworkAddress, Service, Workload};
use crate::net::canonical_net;
use crate::{Hostname, Network};

/// A mesh that does not change: one snapshot, indexed. A change is a new one.
///
/// Endpoints follow from what the workloads say of themselves, in the order of their uids. A service named by
/// a workload may be missing, as it may while a control plane is still sending.
#[derive(Debug, Clone, Default)]
pub struct StaticMesh {
    workloads: BTreeMap<Arc<str>, Arc<Workload>>,
    workload_addresses: BTreeMap<NetworkAddress, Arc<Workload>>,
    workload_names: BTreeMap<NamespacedHostname, Arc<Workload>>,
    services: BTreeMap<NamespacedHostname, Arc<Service>>,
    service_addresses: BTreeMap<NetworkAddress, Arc<Service>>,
    /// The narrowest first.
    service_ranges: Vec<(Network, IpNet, Arc<Service>)>,
    hostnames: BTreeMap<Hostname, Vec<Arc<Service>>>,
    endpoints: BTreeMap<NamespacedHostname, Arc<[Endpoint]>>,
}

/// Two entries of a mesh claim the same key, so a lookup would have two answers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Ambiguous {
    /// Two services have the same address in the same network.
    #[error("services {first} and {second} both have the address {address}; give each its own")]
    ServiceAddress {
        /// The address.
        address: Box<NetworkAddress>,
        /// Who has it.
        first: NamespacedHostname,
        /// Who claims it too.
        second: NamespacedHostname,
    },
    /// Two services have the same host name in the same namespace.
    #[error("there are two services {name}; merge them, or rename one")]
    ServiceName {
        /// The name.
        name: NamespacedHostname,
    },
    /// Two workloads have the same address in the same network, and neither is said to use the host's.
    #[error(
        "workloads {first} and {second} both have the address {address}; give each its own, or mark those in the host's network"
    )]
    WorkloadAddress {
        /// The address.
        address: NetworkAddress,
        /// Who has it.
        first: Arc<str>,
        /// Who claims it too.
        second: Arc<str>,
    },
    /// Two workloads have the same host name in the same namespace.
    #[error("workloads {first} and {second} are both called {name}; rename one")]
    WorkloadName {
        /// The name.
        name: NamespacedHostname,
        /// Who has it.
        first: Arc<str>,
        /// Who claims it too.
        second: Arc<str>,
    },
    /// Two workloads have the same uid.
    #[error("there are two workloads with the uid {uid}; uids are unique in the whole mesh")]
    WorkloadUid {
        /// The uid.
        uid: Arc<str>,
    },
}

impl StaticMesh {
    /// Indexes the workloads and the services.
    ///
    /// # Errors
    ///
    /// Two entries claim the same key.
    pub fn new(
        workloads: impl IntoIterator<Item = Workload>,
        services: impl IntoIterator<Item = Service>,
    ) -> Result<Self, Ambiguous> {
        let (mesh, shared) = Self::first_come(workloads, services)?;
        shared.into_iter().next().map_or(Ok(mesh), Err)
    }

    /// As [`new`](Self::new), but what several claim, an address or the host name of a workload, goes to the first of them, as
    /// with a control plane that sends workloads of its own beside those it finds. Tells what is shared.
    ///
    /// # Errors
    ///
    /// Two workloads have one uid, or two services one name: who is meant would be lost.
    pub fn first_come(
        workloads: impl IntoIterator<Item = Workload>,
        services: impl IntoIterator<Item = Service>,
    ) -> Result<(Self, Vec<Ambiguous>), Ambiguous> {
        let mut mesh = Self::default();
        let mut shared = Vec::new();
        for workload in workloads {
            mesh.add_workload(Arc::new(workload), &mut shared)?;
        }
        for service in services {
            mesh.add_service(Arc::new(service), &mut shared)?;
        }
        // Stable, so that of two that are equally narrow the first comes first.
        mesh.service_ranges
            .sort_by_key(|(_, range, _)| Reverse(range.prefix_len()));
        mesh.endpoints = endpoints(mesh.workloads.values());
        Ok((mesh, shared))
    }

    /// The workloads, by uid.
    pub fn workloads(&self) -> impl Iterator<Item = &Arc<Workload>> {
        self.workloads.values()
    }

    /// The services, by namespace and host name.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    fn add_workload(
        &mut self,
        workload: Arc<Workload>,
        shared: &mut Vec<Ambiguous>,
    ) -> Result<(), Ambiguous> {
        let uid = workload.uid.clone();
        if self
            .workloads
            .insert(uid.clone(), workload.clone())
            .is_some()
        {
            return Err(Ambiguous::WorkloadUid { uid });
        }
        if let Some(hostname) = &workload.hostname {
            let name = NamespacedHostname::new(workload.namespace(), hostname.clone());
            match self.workload_names.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(workload.clone());
                }
                Entry::Occupied(taken) => shared.push(Ambiguous::WorkloadName {
                    name: taken.key().clone(),
                    first: taken.get().uid.clone(),
                    second: uid.clone(),
                }),
            }
        }
        if workload.host_network {
            return Ok(());
        }
        for ip in &workload.addresses {
            let address = NetworkAddress::new(workload.network.clone(), *ip);
            match self.workload_addresses.entry(address) {
                Entry::Vacant(free) => {
                    free.insert(workload.clone());
                }
                Entry::Occupied(taken) if taken.get().uid == uid => {}
                Entry::Occupied(taken) => shared.push(Ambiguous::WorkloadAddress {
                    address: taken.key().clone(),
                    first: taken.get().uid.clone(),
                    second: uid.clone(),
                }),
            }
        }
        Ok(())
    }

    fn add_service(
        &mut self,
        service: Arc<Service>,
        shared: &mut Vec<Ambiguous>,
    ) -> Result<(), Ambiguous> {
        let name = service.name.clone();
        if self
            .services
            .insert(name.clone(), service.clone())
            .is_some()
        {
            return Err(Ambiguous::ServiceName { name });
        }
        for address in &service.addresses {
            match self.service_addresses.entry(address.clone()) {
                Entry::Vacant(free) => {
                    free.insert(service.clone());
                }
                Entry::Occupied(taken) if taken.get().name == name => {}
                Entry::Occupied(taken) => shared.push(Ambiguous::ServiceAddress {
                    address: Box::new(address.clone()),
                    first: taken.get().name.clone(),
                    second: name.clone(),
                }),
            }
        }
        let ranges = service.ranges.iter();
        self.service_ranges.extend(
            ranges
                .map(|(network, range)| (network.clone(), canonical_net(*range), service.clone())),
        );
        let same = self
            .hostnames
            .entry(service.hostname().clone())
            .or_default();
        same.push(service);
        same.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    fn service_around(&self, address: &NetworkAddress) -> Option<&Arc<Service>> {
        let mut ranges = self.service_ranges.iter();
        let (_, _, service) = ranges.find(|(network, range, _)| {
            network == address.network() && range.contains(&address.ip())
        })?;
        Some(service)
    }
}

fn endpoints<'a>(
    workloads: impl Iterator<Item = &'a Arc<Workload>>,
) -> BTreeMap<NamespacedHostname, Arc<[Endpoint]>> {
    let mut lists: BTreeMap<NamespacedHostname, Vec<Endpoint>> = BTreeMap::new();
    for workload in workloads {
        for (service, ports) in &workload.services {
            let list = lists.entry(service.clone()).or_default();
            list.push(Endpoint::new(workload.clone(), ports.clone()));
        }
    }
    let lists = lists.into_iter();
    lists
        .map(|(service, list)| (service, list.into()))
        .collect()
}

impl Directory for StaticMesh {
    fn workload(&self, uid: &str) -> Option<Arc<Workload>> {
        self.workloads.get(uid).cloned()
    }

    fn workload_at(&self, address: &NetworkAddress) -> Option<Arc<Workload>> {
        self.workload_addresses.get(address).cloned()
    }

    fn workload_named(&self, name: &NamespacedHostname) -> Option<Arc<Workload>> {
        self.workload_names.get(name).cloned()
    }

    fn service_at(&self, address: &NetworkAddress) -> Option<Arc<Service>> {
        let exact = self.service_addresses.get(address);
        exact.or_else(|| self.service_around(address)).cloned()
    }

    fn service(&self, name: &NamespacedHostname) -> Option<Arc<Service>> {
        self.services.get(name).cloned()
    }

    fn services_with_hostname(&self, hostname: &Hostname) -> Vec<Arc<Service>> {
        self.hostnames.get(hostname).cloned().unwrap_or_default()
    }

    fn endpoints(&self, service: &Service) -> Arc<[Endpoint]> {
        self.endpoints
            .get(&service.name)
            .cloned()
            .unwrap_or_default()
    }
}
