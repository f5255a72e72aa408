use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};

use super::attribute::{self, ATTRIBUTES, Attribute};
use super::dialect::Dialect;
use super::peer_attributes_builder::PeerAttributesBuilder;
use super::peer_attributes_ref::PeerAttributesRef;
use super::workload_kind::WorkloadKind;
use crate::baggage::Baggage;
use crate::limits::Limits;
use crate::percent;

/// What is known of a workload by name. Cloning costs a reference count.
///
/// These are claims of whoever wrote the header. They label metrics and logs; who the peer is, only TLS tells.
///
/// Specification: HBONE-B-001, HBONE-B-006, HBONE-B-007, HBONE-B-008.
#[derive(Clone, Default)]
pub struct PeerAttributes {
    /// The values, one after the other.
    text: Arc<str>,
    /// Where in the text each of them ends, and the next begins.
    ends: [usize; ATTRIBUTES],
    kind: Option<WorkloadKind>,
}

impl PeerAttributes {
    /// Starts from nothing.
    pub fn builder() -> PeerAttributesBuilder {
        PeerAttributesBuilder::default()
    }

    /// Reads a peer's attributes from its `baggage` header lines; `None` if there are none to be read.
    ///
    /// The rules are those of [`PeerAttributesRef::parse`].
    pub fn parse<'a, T>(lines: impl IntoIterator<Item = &'a T>, limits: &Limits) -> Option<Self>
    where
        T: AsRef<[u8]> + ?Sized + 'a,
    {
        Some(PeerAttributesRef::parse(lines, limits)?.to_attributes())
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// `k8s.cluster.name`
    pub fn cluster(&self) -> Option<&str> {
        self.value(Attribute::Cluster)
    }

    /// `k8s.namespace.name`
    pub fn namespace(&self) -> Option<&str> {
        self.value(Attribute::Namespace)
    }

    /// The name of the workload, from the key of its kind.
    pub fn workload(&self) -> Option<&str> {
        self.value(Attribute::Workload)
    }

    /// The kind of the workload; `Some` exactly if it has a name.
    pub fn workload_kind(&self) -> Option<WorkloadKind> {
        self.kind
    }

    /// `service.name`: the canonical service
    pub fn service(&self) -> Option<&str> {
        self.value(Attribute::Service)
    }

    /// `service.version`: the canonical revision
    pub fn revision(&self) -> Option<&str> {
        self.value(Attribute::Revision)
    }

    /// `app.name`
    pub fn app(&self) -> Option<&str> {
        self.value(Attribute::App)
    }

    /// `app.version`
    pub fn version(&self) -> Option<&str> {
        self.value(Attribute::Version)
    }

    /// `k8s.instance.name`: the pod
    pub fn instance(&self) -> Option<&str> {
        self.value(Attribute::Instance)
    }

    /// `cloud.region`
    pub fn region(&self) -> Option<&str> {
        self.value(Attribute::Region)
    }

    /// `cloud.availability_zone`
    pub fn zone(&self) -> Option<&str> {
        self.value(Attribute::Zone)
    }

    /// Appends the header value that a writer of this dialect would send; nothing if there is nothing to say.
    ///
    /// An empty `out` is made exactly as large as it has to be, at once.
    pub fn encode(&self, dialect: Dialect, out: &mut String) {
        let plain = percent::is_plain(&self.text);
        let length = self.written(dialect).map(|(key, value)| match plain {
            true => key.len() + value.len() + 1,
            false => key.len() + percent::encoded_len(value) + 1,
        });
        out.reserve(length.fold(0, usize::saturating_add).saturating_sub(1));
        let start = out.len();
        for (key, value) in self.written(dialect) {
            if out.len() > start {
                out.push(',');
            }
            out.push_str(key);
            match plain {
                true => out.push_str(value),
                false => out.extend(percent::chunks(value)),
            }
        }
    }

    /// Puts these attributes, written in this dialect, before an application's baggage, and says how many
    /// members no longer fit.
    ///
    /// It is [`Baggage::merge`] for a proxy that speaks for the workload behind it: what the application
    /// itself said under any of Istio's keys is dropped, also where we say nothing.
    pub fn merge_into(&self, dialect: Dialect, application: &mut Baggage) -> usize {
        application.retain(|member| !attribute::is_istio_key(member.key()));
        let mut own = String::new();
        self.encode(dialect, &mut own);
        application.merge(&Baggage::parse([own.as_str()], &UNLIMITED).baggage)
    }

    pub(super) fn from_encoded(encoded: &[&[u8]; ATTRIBUTES], kind: Option<WorkloadKind>) -> Self {
        let mut text = Vec::with_capacity(encoded.iter().map(|value| value.len()).sum());
        let mut ends = encoded.map(|value| {
            text.extend_from_slice(value);
            text.len()
        });
        if text.contains(&b'%') {
            text.clear();
            ends = encoded.map(|value| {
                text.extend_from_slice(percent::decode(value).as_bytes());
                text.len()
            });
        }
        Self {
            text: str::from_utf8(&text).unwrap_or_default().into(),
            ends,
            kind,
        }
    }

    pub(super) fn from_values(texts: &[String; ATTRIBUTES], kind: Option<WorkloadKind>) -> Self {
        let mut end = 0;
        Self {
            ends: texts.each_ref().map(|value| {
                end += value.len();
                end
            }),
            text: texts.concat().into(),
            kind,
        }
    }

    /// The keys that this dialect writes, each with its `=`, and the values.
    #[inline]
    fn written(&self, dialect: Dialect) -> impl Iterator<Item = (&'static str, &str)> {
        let kind = match dialect {
            Dialect::Agentgateway => Some(WorkloadKind::Deployment),
            _ => self.kind,
        };
        dialect.attributes().iter().filter_map(move |&attribute| {
            let value = self.text(attribute);
            let silent = match dialect {
                Dialect::Agentgateway => false,
                Dialect::Envoy => value.is_empty() || self.is_inferred(attribute),
                Dialect::Ztunnel | Dialect::W3c => value.is_empty(),
            };
            (!silent).then(|| (attribute::key(attribute, kind), value))
        })
    }

    /// Whether a reader infers the attribute from another.
    fn is_inferred(&self, attribute: Attribute) -> bool {
        match attribute {
            Attribute::App => self.app() == self.service(),
            Attribute::Version => self.version() == self.revision(),
            _ => false,
        }
    }

    fn value(&self, attribute: Attribute) -> Option<&str> {
        let value = self.text(attribute);
        (!value.is_empty()).then_some(value)
    }

    /// The value; empty if it is not set.
    fn text(&self, attribute: Attribute) -> &str {
        let (before, from) = self.ends.split_at(attribute as usize);
        let start = before.last().copied().unwrap_or_default();
        let end = from.first().copied().unwrap_or_default();
        self.text.get(start..end).unwrap_or_default()
    }

    fn fields(&self) -> [(&'static str, Option<&str>); 11] {
        [
            ("cluster", self.cluster()),
            ("namespace", self.namespace()),
            ("workload", self.workload()),
            ("workload_type", self.kind.map(WorkloadKind::as_str)),
            ("service", self.service()),
            ("revision", self.revision()),
            ("app", self.app()),
            ("version", self.version()),
            ("instance", self.instance()),
            ("region", self.region()),
            ("zone", self.zone()),
        ]
    }
}

impl PartialEq for PeerAttributes {
    fn eq(&self, other: &Self) -> bool {
        self.fields() == other.fields()
    }
}

impl Eq for PeerAttributes {}

impl Hash for PeerAttributes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fields().hash(state);
    }
}

/// The header line of [`Dialect::W3c`]: all that is set, in visible ASCII.
impl fmt::Display for PeerAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = String::new();
        self.encode(Dialect::W3c, &mut header);
        f.write_str(&header)
    }
}

impl fmt::Debug for PeerAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PeerAttributes");
        for (name, value) in self.fields() {
            if let Some(value) = value {
                debug.field(name, &value);
            }
        }
        debug.finish()
    }
}

/// For what we wrote ourselves.
const UNLIMITED: Limits = Limits::new()
    .with_members(usize::MAX)
    .with_bytes(usize::MAX)
    .with_raw_bytes(usize::MAX);
