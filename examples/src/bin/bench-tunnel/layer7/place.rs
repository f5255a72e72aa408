use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::way::Way;

/// The addresses and the mesh file of one measurement, on loopback.
pub(crate) struct Place {
    net: [u8; 2],
    folder: PathBuf,
}

/// The last byte of each address.
pub(crate) const GATEWAY: u8 = 2;
pub(crate) const FAR: u8 = 10;
pub(crate) const WAYPOINT: u8 = 20;
pub(crate) const INGRESS: u8 = 21;
pub(crate) const NEAR: u8 = 30;
pub(crate) const PLAIN: u8 = 31;
/// Of applications, and of the ingress gateway.
pub(crate) const HTTP: u16 = 8080;

impl Place {
    /// In a network that other processes do not have; the mesh file is put into the folder.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let process = std::process::id();
        let [_, _, high, low] = process.to_be_bytes();
        let place = Self {
            net: [64 + high % 64, low],
            folder: folder.to_owned(),
        };
        let text = place.mesh().to_string();
        fs::write(place.file("mesh.yaml"), text).context("writing the mesh file")?;
        Ok(place)
    }

    pub(crate) const fn ip(&self, last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(127, self.net[0], self.net[1], last))
    }

    pub(crate) fn at(&self, last: u8, port: u16) -> SocketAddr {
        (self.ip(last), port).into()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where clients connect.
    pub(crate) fn entry(&self, way: Way) -> SocketAddr {
        match way.is_by_waypoint() {
            true => self.at(WAYPOINT, hbone::PORT),
            false => self.at(INGRESS, HTTP),
        }
    }

    fn mesh(&self) -> Value {
        let workload = |name: &str, last: u8, network: &str| {
            json!({
                "uid": name, "name": name, "namespace": "bench", "serviceAccount": "relay", "network": network,
                "workloadIps": [self.ip(last)], "protocol": "HBONE", "clusterId": network, "workloadName": name,
                "workloadType": "deployment", "canonicalName": name, "canonicalRevision": "v1",
            })
        };
        let serving = |name: &str, last, network, way: Way| {
            let mut pod = workload(name, last, network);
            pod["services"] = json!({format!("bench/{}", way.host()): {"80": HTTP}});
            pod
        };
        let mut plain = serving("plain", PLAIN, "east", Way::Plain);
        plain["protocol"] = "TCP".into();
        let mut far = serving("far", FAR, "west", Way::IngressFar);
        let gateway = format!("west/{}", self.ip(GATEWAY));
        far["networkGateway"] = json!({"destination": gateway, "hboneMtlsPort": hbone::PORT});
        let waypoint = format!("east/{}", self.ip(WAYPOINT));
        let waypoint = json!({"destination": waypoint, "hboneMtlsPort": hbone::PORT});
        let service = |name: &str, way: Way| {
            json!({
                "name": name, "namespace": "bench", "hostname": way.host(), "vips": [], "ports": {"80": HTTP},
                "subjectAltNames": ["spiffe://cluster.local/ns/bench/sa/relay"], "waypoint": waypoint,
            })
        };
        json!({
            "workloads": [
                workload("gateway", GATEWAY, "west"), workload("waypoint", WAYPOINT, "east"),
                workload("ingress", INGRESS, "east"), serving("near", NEAR, "east", Way::Ingress), plain, far,
            ],
            "services": [
                service("plain", Way::Plain), service("near", Way::Ingress), service("far", Way::IngressFar),
            ],
        })
    }
}
