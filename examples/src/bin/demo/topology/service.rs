use super::{PARTIES, Party, Place};

/// A service. Its endpoints are the applications that are called like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) protocol: Protocol,
    /// Which party is its waypoint, to clients in network a.
    pub(super) waypoint: Option<&'static str>,
}

/// What is spoken inside of the tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Tcp,
}

impl Service {
    pub(super) const fn new(
        place: Place,
        name: &'static str,
        protocol: Protocol,
        waypoint: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            place,
            protocol,
            waypoint,
        }
    }

    pub(crate) fn host(&self) -> String {
        format!("{}.shop.svc.cluster.local", self.name)
    }

    /// The port of the service, and of its endpoints.
    pub(crate) const fn port(&self) -> u16 {
        match self.protocol {
            Protocol::Http => 9080,
            Protocol::Tcp => 8080,
        }
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &'static Party> {
        let name = self.name;
        let is_one = move |party: &&Party| party.is_application() && party.app == name;
        PARTIES.iter().filter(is_one)
    }
}
