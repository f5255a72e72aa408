use super::workload_kind::WorkloadKind;

/// One attribute of a peer, and its place in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Cluster,
    Namespace,
    Workload,
    Service,
    Revision,
    App,
    Version,
    Instance,
    Region,
    Zone,
}

/// How many attributes there are.
pub(super) const ATTRIBUTES: usize = 10;

/// Whether Istio gives this key a meaning. Keys are case-sensitive and never percent-decoded.
pub fn is_istio_key(key: &str) -> bool {
    find(key.as_bytes()).is_some()
}

/// What a key stands for.
pub(super) fn find(key: &[u8]) -> Option<(Attribute, Option<WorkloadKind>)> {
    let first = FIRST_OF_LENGTH.get(key.len())?;
    let candidates = KEYS.get(usize::from(*first)..)?;
    candidates
        .iter()
        .take_while(|(name, ..)| name.len() == key.len())
        .find(|(name, ..)| name.as_bytes() == key)
        .map(|&(_, attribute, kind)| (attribute, kind))
}

/// The key under which an attribute is written.
pub(super) fn key(attribute: Attribute, kind: Option<WorkloadKind>) -> &'static str {
    KEYS.iter()
        .find(|&&(_, of, with)| of == attribute && with == kind)
        .map_or("k8s.deployment.name", |&(name, ..)| name)
}

type Key = (&'static str, Attribute, Option<WorkloadKind>);

/// The one table of keys, for reading and for writing, in order of their length.
const KEYS: [Key; 13] = [
    ("app.name", Attribute::App, None),
    ("app.version", Attribute::Version, None),
    ("service.name", Attribute::Service, None),
    ("k8s.pod.name", Attribute::Workload, Some(WorkloadKind::Pod)),
    ("k8s.job.name", Attribute::Workload, Some(WorkloadKind::Job)),
    ("cloud.region", Attribute::Region, None),
    ("service.version", Attribute::Revision, None),
    ("k8s.cluster.name", Attribute::Cluster, None),
    (
        "k8s.cronjob.name",
        Attribute::Workload,
        Some(WorkloadKind::CronJob),
    ),
    ("k8s.instance.name", Attribute::Instance, None),
    ("k8s.namespace.name", Attribute::Namespace, None),
    (
        "k8s.deployment.name",
        Attribute::Workload,
        Some(WorkloadKind::Deployment),
    ),
    ("cloud.availability_zone", Attribute::Zone, None),
];

const LONGEST: usize = 23;

/// For each length, where in the table the keys of that length begin; its end for lengths that no key has.
const FIRST_OF_LENGTH: [u8; LONGEST + 1] = {
    let mut first = [KEYS.len() as u8; LONGEST + 1];
    let mut index = KEYS.len();
    while index > 0 {
        index -= 1;
        let length = KEYS[index].0.len();
        assert!(
            index + 1 == KEYS.len() || length <= KEYS[index + 1].0.len(),
            "keys are in order of length"
        );
        first[length] = index as u8;
    }
    first
};
