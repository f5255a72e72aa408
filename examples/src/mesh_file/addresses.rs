use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, SeqAccess, Visitor};

use super::parsed::Parsed;

/// The addresses of a workload: a list of them, or one.
#[derive(Debug, Default)]
pub(super) struct Addresses(pub(super) Vec<IpAddr>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressesVisitor)
    }
}

struct AddressesVisitor;

impl<'de> Visitor<'de> for AddressesVisitor {
    type Value = Addresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IP addresses")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Addresses, A::Error> {
        let mut addresses = Addresses::default();
        while let Some(Parsed(address)) = list.next_element()? {
            addresses.0.push(address);
        }
        Ok(addresses)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Addresses, E> {
        let Parsed(address) = Parsed::deserialize(text.into_deserializer())?;
        Ok(Addresses(vec![address]))
    }

    fn visit_unit<E>(self) -> Result<Addresses, E> {
        Ok(Addresses::default())
    }
}
