use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::parsed::Text;
use super::unique_map::UniqueMap;

/// From the ports of a service to those of its endpoints.
#[derive(Debug, Clone, Default)]
pub(super) struct PortMap(pub(super) BTreeMap<u16, u16>);

impl<'de> Deserialize<'de> for PortMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ports = UniqueMap::<Port, Port>::deserialize(deserializer)?.0;
        let ports = ports.into_iter();
        Ok(Self(ports.map(|(from, to)| (from.0, to.0)).collect()))
    }
}

impl Text for Port {
    const EXPECTED: &'static str = PORT;

    fn read(text: &str) -> Result<Self, String> {
        // As YAML writes numbers (YAML 1.2.2 section 10.3.2).
        let read = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
            (Some(digits), _) => u16::from_str_radix(digits, 16),
            (_, Some(digits)) => u16::from_str_radix(digits, 8),
            _ => text.parse(),
        };
        read.map(Self).map_err(|error| error.to_string())
    }
}

/// A port: a number, in quotes or not, since JSON knows no other keys.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Port(u16);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl Visitor<'_> for PortVisitor {
    type Value = Port;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port, from 0 to 65535")
    }

    fn visit_u64<E: Error>(self, port: u64) -> Result<Port, E> {
        let read = u16::try_from(port);
        read.map(Port)
            .map_err(|_| E::custom(format_args!("{port} is not {PORT}")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Port, E> {
        let read = text.parse();
        read.map(Port)
            .map_err(|_| E::custom(format_args!("{text:?} is not {PORT}")))
    }
}

const PORT: &str = "a port, from 0 to 65535";
