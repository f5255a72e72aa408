//! The mesh file: the YAML that ztunnel reads as its local configuration, so that one file drives either.
//!
//! ```text
//! file ──> Document ──> MeshFile: StaticMesh, what telemetry needs, policies
//!          (serde)          │
//!                           └──> Site: the same, seen from one workload ──> MeshWatch follows the file
//! ```
//!
//! Three lists, with the field names of Istio's workload API in camelCase: `workloads`, `services`, `policies`. What ztunnel refuses
//! is an error, such as an unknown field or an address that is none, and names the file, the line, the field and the next step. What
//! ztunnel lives with means the same as there, such as a waypoint that is nowhere or a uid that two entries have, and is told in the
//! same words: [`MeshFile::oddities`], which [`Strictness::Strict`] takes for errors. Enumerations may be written as ztunnel writes them
//! (`Unhealthy`) or as the API's JSON does (`UNHEALTHY`).
//!
//! A key that stands twice in one map is no YAML (YAML 1.2.2 section 3.2.1.1), and an error, though ztunnel reads some such maps.
//!
//! One field is ours, and unknown to ztunnel: `ingressUseWaypoint` of a service.

mod addresses;
mod build;
mod document;
mod doubled;
mod endpoints;
mod error;
mod field;
mod host;
mod lines;
mod membership;
mod mesh_watch;
mod nesting;
mod parsed;
mod policies;
mod port_map;
mod references;
mod service;
mod site;
mod strictness;
mod text_match;
mod unique_map;
mod whole;
mod workload;
mod workload_name;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use baggage::istio::{Dialect, PeerAttributes};
use hbone::authorization::{Authorizations, Connection, PolicyName, Verdict};
use hbone::mesh::{Directory, NamespacedHostname, NetworkAddress, Service, StaticMesh, Workload};
use peer_meta::{DestinationService, DirectoryEntry, Own};

pub use error::MeshFileError;
pub use mesh_watch::MeshWatch;
pub use site::Site;
pub use strictness::Strictness;
pub use workload_name::{WorkloadName, WorkloadNameError};

/// What a mesh file says.
#[derive(Debug, Clone, Default)]
pub struct MeshFile {
    mesh: StaticMesh,
    described: BTreeMap<Arc<str>, Described>,
    services: BTreeMap<NamespacedHostname, Arc<DestinationService>>,
    policies: Authorizations,
    oddities: Vec<MeshFileError>,
}

/// What is known of a workload beyond what routing needs.
#[derive(Debug, Clone, Default)]
struct Described {
    /// Its name within its namespace: the pod's.
    name: String,
    attributes: PeerAttributes,
    policies: Vec<PolicyName>,
}

impl MeshFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or says something that cannot be.
    pub fn read(path: &Path) -> Result<Self, MeshFileError> {
        Self::parse(path, &Self::text(path)?)
    }

    /// The text of the file at `path`.
    fn text(path: &Path) -> Result<String, MeshFileError> {
        read(path).map_err(|error| MeshFileError::Unreadable {
            path: path.to_owned(),
            reason: match error.kind() {
                io::ErrorKind::InvalidData => "it is no text in UTF-8".to_owned(),
                _ => error.to_string(),
            },
        })
    }

    /// Reads `text`, which came from `path`.
    ///
    /// # Errors
    /// It says something that cannot be.
    pub fn parse(path: &Path, text: &str) -> Result<Self, MeshFileError> {
        build::build(path, text)
    }

    /// What is odd about the file, and lived with as ztunnel does: references to nothing, entries that another one replaces,
    /// names that can be nobody's, addresses that several share.
    #[must_use]
    pub fn oddities(&self) -> &[MeshFileError] {
        &self.oddities
    }

    /// The file itself, unless it is not as strict as it has to be.
    ///
    /// # Errors
    /// The first of the [`oddities`](Self::oddities), if none may be.
    pub fn held_to(self, strictness: Strictness) -> Result<Self, MeshFileError> {
        match (strictness, self.oddities.first()) {
            (Strictness::Strict, Some(odd)) => Err(odd.clone()),
            _ => Ok(self),
        }
    }

    /// Workloads and services, for planning.
    #[must_use]
    pub const fn mesh(&self) -> &StaticMesh {
        &self.mesh
    }

    /// The workload that `name` means.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn find(&self, path: &Path, name: &WorkloadName) -> Result<Arc<Workload>, MeshFileError> {
        let mut found = self.mesh.workloads().filter(|workload| {
            let described = self.described.get(&workload.uid);
            let own_name = described.map_or("", |described| described.name.as_str());
            name.means(&workload.uid, workload.namespace(), own_name)
        });
        let first = found.next().ok_or_else(|| MeshFileError::UnknownWorkload {
            path: path.to_owned(),
            name: name.clone(),
            known: self.names(),
        })?;
        match found.next() {
            None => Ok(Arc::clone(first)),
            Some(second) => Err(MeshFileError::SeveralWorkloads {
                path: path.to_owned(),
                name: name.clone(),
                first: first.uid.to_string(),
                second: second.uid.to_string(),
            }),
        }
    }

    /// What a workload tells and is labelled with, its `baggage` written in `dialect`.
    #[must_use]
    pub fn own(&self, workload: &Workload, dialect: Dialect) -> Own {
        let attributes = self.attributes(&workload.uid).cloned().unwrap_or_default();
        Own::new(attributes, dialect, workload.network.as_str())
            .with_identity(workload.identity.spiffe_id().clone())
    }

    /// What telemetry is to know about a workload.
    #[must_use]
    pub fn attributes(&self, uid: &str) -> Option<&PeerAttributes> {
        Some(&self.described.get(uid)?.attributes)
    }

    /// What the directory knows about an address, for an [`Exchange`](peer_meta::Exchange) that asks.
    #[must_use]
    pub fn entry(&self, address: &NetworkAddress) -> Option<DirectoryEntry> {
        let workload = self.mesh.workload_at(address)?;
        let attributes = self.attributes(&workload.uid)?.clone();
        let entry = DirectoryEntry::new(attributes, workload.network.as_str());
        Some(entry.with_identity(workload.identity.spiffe_id().clone()))
    }

    /// How metrics name a service.
    #[must_use]
    pub fn destination_service(&self, service: &Service) -> Option<Arc<DestinationService>> {
        self.services.get(&service.name).cloned()
    }

    /// Whether the policies let the connection to the workload be.
    #[must_use]
    pub fn judge(&self, workload: &Workload, connection: &Connection<'_>) -> Verdict {
        let described = self.described.get(&workload.uid);
        let selected = described.map_or(&[][..], |described| &described.policies);
        self.policies
            .judge(workload.namespace(), selected, connection)
    }

    /// The workloads as `--workload` wants them, a few of them.
    fn names(&self) -> Vec<String> {
        const FEW: usize = 10;
        let names = self.mesh.workloads().map(|workload| {
            let described = self.described.get(&workload.uid);
            let name = described.map_or("", |described| described.name.as_str());
            format!("{}/{name}", workload.namespace())
        });
        names.take(FEW).collect()
    }
}

/// Far more than the largest mesh has: ten thousand workloads take some 10 MiB.
const MOST: u64 = 64 << 20;

/// The text of a file that is one, and of a size that a mesh file may have.
fn read(path: &Path) -> io::Result<String> {
    // Asked before it is opened, since opening a pipe waits for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    let read = File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > MOST) {
        let problem = format!("it is larger than {} MiB", MOST >> 20);
        return Err(io::Error::other(problem));
    }
    Ok(text)
}
