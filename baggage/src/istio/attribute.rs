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

/// A key and what it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// The key with its `=`.
    pub(super) start: &'static str,
    pub(super) attribute: Attribute,
    pub(super) kind: Option<WorkloadKind>,
}

/// What a key stands for.
pub(super) fn find(key: &[u8]) -> Option<&'static Key> {
    let eight = key.get(8).copied().unwrap_or(b'=');
    candidate(*key.get(6)?, eight)
        .filter(|known| known.start.as_bytes().strip_suffix(b"=") == Some(key))
}

/// The key that a list element begins with, if its `=` follows at once, and what follows that.
#[inline]
pub(super) fn split_key(element: &[u8]) -> Option<(&'static Key, &[u8])> {
    let &[_, _, _, _, _, _, six, _, eight, ..] = element else {
        return None;
    };
    let known = candidate(six, eight)?;
    let (start, value) = element.split_at_checked(known.start.len())?;
    same(start, known.start.as_bytes()).then_some((known, value))
}

/// The only key that may have these octets, its `=` included, in the places that tell all keys apart.
#[inline]
fn candidate(six: u8, eight: u8) -> Option<&'static Key> {
    KEYS.get(usize::from(SLOTS[slot(six, eight)]))
}

/// Compares texts of the same length, at least eight bytes, a word at a time: faster here than a call to
/// compare memory.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    let (words, _) = one.as_chunks::<8>();
    let (others, _) = other.as_chunks::<8>();
    words.iter().zip(others).all(|(word, other)| word == other)
        && one.last_chunk::<8>() == other.last_chunk::<8>()
}

/// The key under which an attribute is written, with its `=`; for the workload, that of its kind.
pub(super) fn key(attribute: Attribute, kind: Option<WorkloadKind>) -> &'static str {
    let first = usize::from(FIRST_KEY[attribute as usize]);
    let further = match attribute {
        Attribute::Workload => kind.map_or(0, |kind| kind as usize),
        _ => 0,
    };
    KEYS.get(first + further).map_or("", |key| key.start)
}

/// The one table of keys, for reading and for writing; those of workloads stand together, in the order of
/// `WorkloadKind`.
static KEYS: [Key; 13] = [
    key_of("k8s.cluster.name=", Attribute::Cluster),
    key_of("k8s.namespace.name=", Attribute::Namespace),
    workload_key("k8s.cronjob.name=", WorkloadKind::CronJob),
    workload_key("k8s.deployment.name=", WorkloadKind::Deployment),
    workload_key("k8s.job.name=", WorkloadKind::Job),
    workload_key("k8s.pod.name=", WorkloadKind::Pod),
    key_of("service.name=", Attribute::Service),
    key_of("service.version=", Attribute::Revision),
    key_of("app.name=", Attribute::App),
    key_of("app.version=", Attribute::Version),
    key_of("k8s.instance.name=", Attribute::Instance),
    key_of("cloud.region=", Attribute::Region),
    key_of("cloud.availability_zone=", Attribute::Zone),
];

const fn key_of(start: &'static str, attribute: Attribute) -> Key {
    Key {
        start,
        attribute,
        kind: None,
    }
}

const fn workload_key(start: &'static str, kind: WorkloadKind) -> Key {
    Key {
        start,
        attribute: Attribute::Workload,
        kind: Some(kind),
    }
}

/// Where in the table the only key may stand that has these two octets in the places that tell all
/// keys, with their `=`, apart.
static SLOTS: [u8; 32] = {
    let mut slots = [u8::MAX; 32];
    let mut index = 0;
    while index < KEYS.len() {
        let start = KEYS[index].start.as_bytes();
        let slot = slot(start[6], start[8]);
        assert!(
            slots[slot] == u8::MAX,
            "two keys in one slot: choose other factors"
        );
        slots[slot] = index as u8;
        index += 1;
    }
    slots
};

const fn slot(six: u8, eight: u8) -> usize {
    (six as usize + 5 * eight as usize) % 32
}

/// Where in the table each attribute's first key stands.
static FIRST_KEY: [u8; ATTRIBUTES] = {
    let mut first = [u8::MAX; ATTRIBUTES];
    let mut index = KEYS.len();
    while index > 0 {
        index -= 1;
        first[KEYS[index].attribute as usize] = index as u8;
    }
    first
};
