use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// From the ports of a service to those of its endpoints.
#[derive(Debug, Clone, Default)]
pub(super) struct PortMap(pub(super) BTreeMap<u16, u16>);

impl<'de> Deserialize<'de> for PortMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ports = BTreeMap::<Port, Port>::deserialize(deserializer)?;
        let ports = ports.into_iter();
        Ok(Self(ports.map(|(from, to)| (from.0, to.0)).collect()))
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
