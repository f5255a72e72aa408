use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use hbone::mesh::NamespacedHostname;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::parsed::{Parsed, Text};
use super::port_map::PortMap;
use super::unique_map::UniqueMap;

/// The services that a workload is an endpoint of: a map from their names to the ports where it differs from them, or a list of
/// names.
#[derive(Debug, Default)]
pub(super) struct Membership(pub(super) BTreeMap<NamespacedHostname, Member>);

#[derive(Debug)]
pub(super) struct Member {
    /// The service as it was written.
    pub(super) written: String,
    pub(super) ports: PortMap,
}

impl<'de> Deserialize<'de> for Membership {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembershipVisitor)
    }
}

struct MembershipVisitor;

impl<'de> Visitor<'de> for MembershipVisitor {
    type Value = Membership;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("services, each as NAMESPACE/HOSTNAME with a map of ports")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Membership, A::Error> {
        let UniqueMap(services) = UniqueMap::<Service, PortMap>::read(map)?;
        let mut membership = Membership::default();
        for (service, ports) in services {
            membership.add(service, ports);
        }
        Ok(membership)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Membership, A::Error> {
        let mut membership = Membership::default();
        while let Some(Parsed(service)) = list.next_element::<Parsed<Service>>()? {
            membership.add(service, PortMap::default());
        }
        Ok(membership)
    }

    fn visit_unit<E>(self) -> Result<Membership, E> {
        Ok(Membership::default())
    }
}

impl Membership {
    fn add(&mut self, service: Service, ports: PortMap) {
        let Service { name, written } = service;
        self.0.insert(name, Member { written, ports });
    }
}

/// Two of them are the same if they mean the same.
struct Service {
    name: NamespacedHostname,
    written: String,
}

impl Ord for Service {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl PartialOrd for Service {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Service {}

impl PartialEq for Service {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Text for Service {
    const EXPECTED: &'static str = NamespacedHostname::EXPECTED;

    fn read(text: &str) -> Result<Self, String> {
        Ok(Self {
            name: NamespacedHostname::read(text)?,
            written: text.to_owned(),
        })
    }
}
