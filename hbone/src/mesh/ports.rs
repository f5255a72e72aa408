use std::collections::BTreeMap;
use std::num::NonZeroU16;

/// Which port of a workload answers for which port of a service.
///
/// A service's own map may leave the target open (0 in Istio's configuration): then each endpoint says it.
/// An endpoint's entry goes before the service's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports(BTreeMap<u16, Option<NonZeroU16>>);

impl Ports {
    /// Whether the service port is listed, with a target or without.
    pub fn exposes(&self, service_port: u16) -> bool {
        self.0.contains_key(&service_port)
    }

    /// The target of a service port; `None` if it is not listed or left open.
    pub fn target(&self, service_port: u16) -> Option<u16> {
        self.0.get(&service_port)?.map(NonZeroU16::get)
    }

    /// Pairs of service port and target port (0: left open), in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u16)> {
        self.0
            .iter()
            .map(|(port, target)| (*port, target.map_or(0, NonZeroU16::get)))
    }
}

impl FromIterator<(u16, u16)> for Ports {
    /// From pairs of service port and target port (0: left open). Of two entries for one service port the
    /// later wins.
    fn from_iter<T: IntoIterator<Item = (u16, u16)>>(pairs: T) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(port, target)| (port, NonZeroU16::new(target)))
                .collect(),
        )
    }
}

impl<const N: usize> From<[(u16, u16); N]> for Ports {
    fn from(pairs: [(u16, u16); N]) -> Self {
        Self::from_iter(pairs)
    }
}
