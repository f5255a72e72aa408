use std::collections::BTreeMap;

use hbone::mesh::NamespacedHostname;

use super::document::{HealthPolicy, ServiceEntry, Status, WorkloadEntry};
use super::field::Field;
use super::port_map::PortMap;
use super::references::Wrong;
use super::workload::uid;

/// What services say of their endpoints: for each workload, by its place in the file, the ports of the services that count it
/// among theirs. What a workload says itself goes before it.
pub(super) type Told = BTreeMap<usize, BTreeMap<NamespacedHostname, PortMap>>;

/// Takes the endpoints out of the services.
pub(super) fn tell(
    services: &mut [ServiceEntry],
    workloads: &[WorkloadEntry],
    odd: &mut Vec<Wrong>,
) -> Told {
    let workloads = workloads.iter().enumerate();
    let places: BTreeMap<String, usize> = workloads
        .map(|(index, entry)| (uid(entry, index), index))
        .collect();
    let mut told = Told::new();
    for (index, service) in services.iter_mut().enumerate() {
        let name =
            NamespacedHostname::new(service.namespace.as_str(), service.hostname.0.name.clone());
        let policy = service.load_balancer.as_ref().map(|lb| lb.health_policy);
        let takes_all = policy == Some(HealthPolicy::AllowAll);
        for (key, endpoint) in std::mem::take(&mut service.endpoints).0 {
            let Some(workload) = places.get(&endpoint.workload_uid) else {
                let field = Field::item("services", index).key("endpoints").key(key);
                odd.push(Wrong::new(
                    field.key("workloadUid"),
                    format!(
                        "there is no workload {:?}, so it gets nothing; add it to `workloads`, or leave it out here",
                        endpoint.workload_uid
                    ),
                ));
                continue;
            };
            if takes_all || endpoint.status == Status::Healthy {
                let services = told.entry(*workload).or_default();
                services.insert(name.clone(), endpoint.port);
            }
        }
    }
    told
}
