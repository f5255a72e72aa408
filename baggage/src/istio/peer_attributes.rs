use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Range;

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
#[derive(Clone, Default)]
pub struct PeerAttributes {
    text: Arc<str>,
    values: [Range<usize>; ATTRIBUTES],
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
        self.values.iter().all(Range::is_empty)
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
    pub fn encode(&self, dialect: Dialect, out: &mut String) {
        let start = out.len();
        for &attribute in dialect.attributes() {
            let value = self.value(attribute).unwrap_or_default();
            if value.is_empty() && !dialect.writes_empty() || self.is_implied(attribute, dialect) {
                continue;
            }
            if out.len() > start {
                out.push(',');
            }
            out.push_str(self.key(attribute, dialect));
            out.push('=');
            out.extend(percent::chunks(value));
        }
    }

    /// Puts these attributes, written in this dialect, before an application's baggage, and says how many members no longer fit.
    ///
    /// It is [`Baggage::merge`] for a proxy that speaks for the workload behind it: what the application itself said
    /// under any of Istio's keys is dropped, also where we say nothing.
    pub fn merge_into(&self, dialect: Dialect, application: &mut Baggage) -> usize {
        application.retain(|member| !attribute::is_istio_key(member.key()));
        let mut own = String::new();
        self.encode(dialect, &mut own);
        application.merge(&Baggage::parse([own.as_str()], &UNLIMITED).baggage)
    }

    pub(super) fn from_encoded(encoded: &[&[u8]; ATTRIBUTES], kind: Option<WorkloadKind>) -> Self {
        let mut builder = PeerAttributesBuilder::default();
        for (value, encoded) in builder.values.iter_mut().zip(encoded) {
            *value = percent::decode(encoded).into_owned();
        }
        builder.kind = kind;
        builder.build()
    }

    pub(super) fn from_values(texts: &[String; ATTRIBUTES], kind: Option<WorkloadKind>) -> Self {
        let mut text = String::new();
        let values = texts.each_ref().map(|value| {
            let start = text.len();
            text.push_str(value);
            start..text.len()
        });
        Self {
            text: text.into(),
            values,
            kind,
        }
    }

    fn value(&self, attribute: Attribute) -> Option<&str> {
        self.text
            .get(self.values[attribute as usize].clone())
            .filter(|value| !value.is_empty())
    }

    fn key(&self, attribute: Attribute, dialect: Dialect) -> &'static str {
        let kind = match (attribute, dialect) {
            (Attribute::Workload, Dialect::Agentgateway) => Some(WorkloadKind::Deployment),
            (Attribute::Workload, _) => self.kind,
            _ => None,
        };
        attribute::key(attribute, kind)
    }

    /// Whether Envoy leaves it out because the reader infers it.
    fn is_implied(&self, attribute: Attribute, dialect: Dialect) -> bool {
        match (dialect, attribute) {
            (Dialect::Envoy, Attribute::App) => self.app() == self.service(),
            (Dialect::Envoy, Attribute::Version) => self.version() == self.revision(),
            _ => false,
        }
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
