use std::collections::BTreeMap;
use std::fmt;

use hbone::mesh::NamespacedHostname;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::parsed::Parsed;

/// The services that a workload is an endpoint of: a map from their names to the ports where it differs from them, or a list of
/// names.
#[derive(Debug, Default)]
pub(super) struct Membership(pub(super) BTreeMap<NamespacedHostname, BTreeMap<u16, u16>>);

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

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Membership, A::Error> {
        let mut membership = Membership::default();
        while let Some((Parsed(name), ports)) = map.next_entry()? {
            membership.0.insert(name, ports);
        }
        Ok(membership)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Membership, A::Error> {
        let mut membership = Membership::default();
        while let Some(Parsed(name)) = list.next_element()? {
            membership.0.insert(name, BTreeMap::new());
        }
        Ok(membership)
    }

    fn visit_unit<E>(self) -> Result<Membership, E> {
        Ok(Membership::default())
    }
}
