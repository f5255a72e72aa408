use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::ui::ProxyKind;

/// A workload and its proxy, or one that is a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) name: &'static str,
    pub(crate) kind: ProxyKind,
    pub(crate) place: Place,
    pub(crate) namespace: &'static str,
    /// Its canonical service, and its service account.
    pub(crate) app: &'static str,
    address: Ipv4Addr,
}

/// A cluster, and the network that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) network: &'static str,
    pub(crate) cluster: &'static str,
    pub(super) region: &'static str,
}

pub(crate) const TRUST_DOMAIN: &str = "cluster.local";

pub(super) const A: Place = Place {
    network: "network-a",
    cluster: "cluster-a",
    region: "eu-west-1",
};
pub(super) const B: Place = Place {
    network: "network-b",
    cluster: "cluster-b",
    region: "us-east-1",
};

impl Party {
    pub(super) const fn application(
        place: Place,
        name: &'static str,
        app: &'static str,
        address: [u8; 4],
    ) -> Self {
        Self {
            name,
            kind: ProxyKind::NodeProxy,
            place,
            namespace: "shop",
            app,
            address: ip(address),
        }
    }

    pub(super) const fn waypoint(name: &'static str, address: [u8; 4]) -> Self {
        Self {
            name,
            kind: ProxyKind::Waypoint,
            place: A,
            namespace: "shop",
            app: name,
            address: ip(address),
        }
    }

    pub(super) const fn gateway(
        place: Place,
        name: &'static str,
        kind: ProxyKind,
        address: [u8; 4],
    ) -> Self {
        Self {
            name,
            kind,
            place,
            namespace: "istio-system",
            app: name,
            address: ip(address),
        }
    }

    pub(crate) const fn ip(&self) -> IpAddr {
        IpAddr::V4(self.address)
    }

    pub(crate) const fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip(), port)
    }

    /// Where its proxy takes tunnels.
    pub(crate) const fn hbone(&self) -> SocketAddr {
        self.at(hbone::PORT)
    }

    /// Where an ingress gateway takes HTTP.
    pub(crate) const fn http(&self) -> SocketAddr {
        self.at(8080)
    }

    /// Where its proxy shows its metrics.
    pub(crate) const fn metrics(&self) -> SocketAddr {
        self.at(15020)
    }

    /// Where its proxy says whether it is ready.
    pub(crate) const fn ready(&self) -> SocketAddr {
        self.at(15021)
    }

    /// Where its application asks for connections.
    pub(crate) const fn socks5(&self) -> SocketAddr {
        self.at(15080)
    }

    pub(crate) fn is_application(&self) -> bool {
        self.kind == ProxyKind::NodeProxy
    }

    pub(crate) fn spiffe_id(&self) -> String {
        let (namespace, account) = (self.namespace, self.app);
        format!("spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{account}")
    }

    /// What the mesh file and the hop log call it.
    pub(crate) fn uid(&self) -> String {
        let (cluster, namespace, name) = (self.place.cluster, self.namespace, self.name);
        format!("{cluster}//Pod/{namespace}/{name}")
    }

    /// What is after the last hyphen of an application's name.
    pub(super) fn version(&self) -> &'static str {
        let version = self.name.rsplit_once('-').map(|(_, version)| version);
        version.filter(|_| self.is_application()).unwrap_or("v1")
    }
}

const fn ip([a, b, c, d]: [u8; 4]) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}
