use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hbone::authorization::Authorizations;
use hbone::mesh::{Ambiguous, NamespacedHostname, StaticMesh};

use super::document::Document;
use super::doubled::doubled;
use super::endpoints;
use super::field::Field;
use super::lines::lines;
use super::policies::PolicyEntry;
use super::references::{References, Wrong};
use super::service::service;
use super::whole::Whole;
use super::workload::{rank, workload};
use super::{MeshFile, MeshFileError, nesting};

/// Reads a mesh file.
pub(super) fn build(path: &Path, text: &str) -> Result<MeshFile, MeshFileError> {
    // Some editors put a byte order mark before a text. YAML has one mean nothing (YAML 1.2.2 section 5.2).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = document(path, text)?;
    let entry = |(wrong, line): (Wrong, usize)| MeshFileError::Entry {
        path: path.to_owned(),
        line,
        field: wrong.field.to_string(),
        problem: wrong.problem,
    };
    let (mut file, odd) = assemble(document).map_err(|wrong| {
        let line = lines([&wrong.field], text).first().copied();
        entry((wrong, line.unwrap_or(1)))
    })?;
    let lines = lines(odd.iter().map(|wrong| &wrong.field), text);
    file.oddities = odd.into_iter().zip(lines).map(entry).collect();
    Ok(file)
}

fn document(path: &Path, text: &str) -> Result<Document, MeshFileError> {
    if let Some(line) = nesting::too_deep(text) {
        return Err(MeshFileError::Malformed {
            path: path.to_owned(),
            line,
            problem: "brackets are nested far deeper than a mesh needs; is one not closed?"
                .to_owned(),
        });
    }
    let document: Result<Whole, _> = serde_yaml_ng::from_str(text);
    document.map(|whole| whole.0).map_err(|error| {
        let error = match error.to_string().contains("duplicate field") {
            true => doubled(text).unwrap_or(error),
            false => error,
        };
        let told = error.to_string();
        let (problem, line) = match told.split_once(" at position ") {
            // What is no character of YAML has no line, but a place in the text.
            Some((problem, place)) => (problem, line_at(text, place)),
            None => (
                told.split_once(" at line ")
                    .map_or(&*told, |(problem, _)| problem),
                error.location().map_or(1, |place| place.line()),
            ),
        };
        // Of a file that is a list of workloads.
        let problem = match problem.strip_prefix(".[") {
            Some(rest) => format!("workloads[{rest}"),
            None => problem.to_owned(),
        };
        MeshFileError::Malformed {
            path: path.to_owned(),
            line,
            problem,
        }
    })
}

/// The line of the byte whose number `place` is.
fn line_at(text: &str, place: &str) -> usize {
    let before = place.parse().ok().and_then(|place| text.get(..place));
    let ends = before.map_or(0, |before| before.matches('\n').count());
    ends.saturating_add(1)
}

/// The mesh, and what is odd about the document but lived with.
fn assemble(mut document: Document) -> Result<(MeshFile, Vec<Wrong>), Wrong> {
    let mut odd = References::of(&document).dangling(&document);
    let told = endpoints::tell(&mut document.services, &document.workloads, &mut odd);
    let mut places = Places::default();
    let mut described = BTreeMap::new();
    let mut workloads = BTreeMap::new();
    for (index, entry) in document.workloads.into_iter().enumerate() {
        let field = Field::item("workloads", index);
        let rank = rank(&entry);
        let (mut workload, more) = workload(entry, index, &mut odd)?;
        for (service, ports) in told.get(&index).into_iter().flatten() {
            let own = workload.services.entry(service.clone());
            own.or_insert_with(|| ports.0.iter().map(|(from, to)| (*from, *to)).collect());
        }
        let uid = workload.uid.clone();
        if let Some(first) = places.workloads.insert(uid.clone(), index) {
            let problem = format!("workloads[{first}] has the uid {uid} too; this one counts");
            odd.push(Wrong::new(field.key("uid"), problem));
        }
        described.insert(uid.clone(), more);
        workloads.insert(uid, (Reverse((rank, index)), workload));
    }
    let mut workloads: Vec<_> = workloads.into_values().collect();
    workloads.sort_by_key(|(order, _)| *order);
    let mut named = BTreeMap::new();
    let mut services = BTreeMap::new();
    for (index, entry) in document.services.into_iter().enumerate() {
        let field = Field::item("services", index);
        let is_canonical = entry.canonical;
        let (service, telemetry) = service(entry, &field, &mut odd);
        let name = service.name.clone();
        if let Some(first) = places.services.insert(name.clone(), index) {
            let problem = format!("services[{first}] is {name} too; this one counts");
            odd.push(Wrong::new(field.key("hostname"), problem));
        }
        named.insert(name.clone(), Arc::new(telemetry));
        services.insert(name, ((!is_canonical, index), service));
    }
    let mut services: Vec<_> = services.into_values().collect();
    services.sort_by_key(|(order, _)| *order);
    let ambiguous = |one: Ambiguous| Wrong::new(places.of(&one), one.to_string());
    let (mesh, shared) = StaticMesh::first_come(
        workloads.into_iter().map(|(_, workload)| workload),
        services.into_iter().map(|(_, service)| service),
    )
    .map_err(ambiguous)?;
    odd.extend(shared.into_iter().map(ambiguous));
    let policies = policies(document.policies, &mut odd)?;
    let file = MeshFile {
        mesh,
        described,
        services: named,
        policies,
        oddities: Vec::new(),
    };
    Ok((file, odd))
}

fn policies(entries: Vec<PolicyEntry>, odd: &mut Vec<Wrong>) -> Result<Authorizations, Wrong> {
    let mut policies = BTreeMap::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let policy = entry.into_policy();
        let name = policy.name.clone();
        if let Some((first, _)) = policies.insert(name.clone(), (index, policy)) {
            let problem = format!("policies[{first}] is {name} too; this one counts");
            odd.push(Wrong::new(
                Field::item("policies", index).key("name"),
                problem,
            ));
        }
    }
    Authorizations::new(policies.into_values().map(|(_, policy)| policy)).map_err(|name| {
        let problem = format!("there are two policies {name}");
        Wrong::new(Field::default().key("policies"), problem)
    })
}

/// Where entries stand, for an index that only knows what they are called.
#[derive(Default)]
struct Places {
    workloads: BTreeMap<Arc<str>, usize>,
    services: BTreeMap<NamespacedHostname, usize>,
}

impl Places {
    /// The later of the two that claim one key.
    fn of(&self, ambiguous: &Ambiguous) -> Field {
        match ambiguous {
            Ambiguous::ServiceAddress { second, .. } => self.service(second).key("vips"),
            Ambiguous::ServiceName { name } => self.service(name).key("hostname"),
            Ambiguous::WorkloadAddress { second, .. } => self.workload(second).key("workloadIps"),
            Ambiguous::WorkloadName { second, .. } => self.workload(second).key("hostname"),
            Ambiguous::WorkloadUid { uid } => self.workload(uid).key("uid"),
            _ => Field::default(),
        }
    }

    fn workload(&self, uid: &str) -> Field {
        let index = self.workloads.get(uid).copied().unwrap_or_default();
        Field::item("workloads", index)
    }

    fn service(&self, name: &NamespacedHostname) -> Field {
        let index = self.services.get(name).copied().unwrap_or_default();
        Field::item("services", index)
    }
}
