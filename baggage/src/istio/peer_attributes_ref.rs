use alloc::borrow::Cow;
use core::fmt;

use super::attribute::{self, ATTRIBUTES, Attribute, Key};
use super::peer_attributes::PeerAttributes;
use super::workload_kind::WorkloadKind;
use crate::cursor::Cursor;
use crate::limits::Limits;
use crate::members::Members;
use crate::next_stop::next_stop;
use crate::percent;

/// A peer's attributes, borrowed from its header lines: nothing is allocated unless a value is
/// percent-encoded and asked for.
///
/// Specification: HBONE-B-006, HBONE-B-007, HBONE-B-008.
#[derive(Clone, Copy, Default)]
pub struct PeerAttributesRef<'a> {
    values: [&'a [u8]; ATTRIBUTES],
    kind: Option<WorkloadKind>,
}

impl<'a> PeerAttributesRef<'a> {
    /// Reads a peer's attributes from its `baggage` header lines; `None` if there are none to be read.
    ///
    /// Malformed members, properties and foreign keys are passed over. Of a key given several times the last
    /// valid member counts, and an empty one clears the attribute; the four workload keys count as one key.
    /// Where only one of service and app is given it stands for both, and likewise revision and version.
    pub fn parse<T>(lines: impl IntoIterator<Item = &'a T>, limits: &Limits) -> Option<Self>
    where
        T: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut peer = Self::default();
        peer.read(Members::new(lines, limits));
        peer.infer();
        (!peer.is_empty()).then_some(peer)
    }

    fn read<T, L>(&mut self, mut members: Members<'a, L>)
    where
        T: AsRef<[u8]> + ?Sized + 'a,
        L: Iterator<Item = &'a T>,
    {
        while members.is_open() {
            if members.take_from_line(|line, most| self.take_usual(line, most)) {
                continue;
            }
            if let Some(Ok(member)) = members.next()
                && let Some(key) = attribute::find(member.key_bytes())
            {
                self.set(key, member.value_bytes());
            }
        }
    }

    /// Completes what was read: a kind stands with a name only, and what is given stands for what is not.
    #[inline]
    fn infer(&mut self) {
        if self.encoded(Attribute::Workload).is_empty() {
            self.kind = None;
        }
        self.share(Attribute::Service, Attribute::App);
        self.share(Attribute::Revision, Attribute::Version);
    }

    /// Whether nothing is set.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|value| value.is_empty())
    }

    /// `k8s.cluster.name`
    pub fn cluster(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Cluster)
    }

    /// `k8s.namespace.name`
    pub fn namespace(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Namespace)
    }

    /// The value of the last of the four workload keys.
    pub fn workload(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Workload)
    }

    /// Which of the four workload keys it was.
    pub fn workload_kind(&self) -> Option<WorkloadKind> {
        self.kind
    }

    /// `service.name`: the canonical service
    pub fn service(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Service)
    }

    /// `service.version`: the canonical revision
    pub fn revision(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Revision)
    }

    /// `app.name`
    pub fn app(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::App)
    }

    /// `app.version`
    pub fn version(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Version)
    }

    /// `k8s.instance.name`: the pod
    pub fn instance(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Instance)
    }

    /// `cloud.region`
    pub fn region(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Region)
    }

    /// `cloud.availability_zone`
    pub fn zone(&self) -> Option<Cow<'a, str>> {
        self.value(Attribute::Zone)
    }

    /// An owned copy, in one buffer.
    pub fn to_attributes(&self) -> PeerAttributes {
        PeerAttributes::from_encoded(&self.values, self.kind)
    }

    /// Reads members of Istio's keys without white space, properties and escapes, which is how they are
    /// written, up to the first that is none. It stands apart so that all it needs fits into registers.
    #[inline(never)]
    fn take_usual(&mut self, line: &mut Cursor<'a>, most: usize) -> usize {
        let text = line.rest();
        let mut start = 0;
        for taken in 0..most {
            // Every key has eight octets or more, which it compares itself.
            let end = next_stop(text, start + 8);
            let (element, rest) = text.split_at_checked(end).unwrap_or_default();
            let after = Cursor::new(rest);
            let found = element.get(start..).and_then(attribute::split_key);
            let Some((key, value)) = found.filter(|_| after.at_element_end()) else {
                return taken;
            };
            self.set(key, value);
            *line = after;
            start = element.len() + 1;
        }
        most
    }

    #[inline]
    fn set(&mut self, key: &Key, value: &'a [u8]) {
        self.values[key.attribute as usize] = value;
        if key.attribute == Attribute::Workload {
            self.kind = key.kind;
        }
    }

    fn value(&self, attribute: Attribute) -> Option<Cow<'a, str>> {
        let encoded = self.encoded(attribute);
        (!encoded.is_empty()).then(|| percent::decode(encoded))
    }

    fn encoded(&self, attribute: Attribute) -> &'a [u8] {
        self.values[attribute as usize]
    }

    /// Lets one attribute stand for another that is not set, in either direction.
    fn share(&mut self, one: Attribute, other: Attribute) {
        let (one, other) = (one as usize, other as usize);
        if self.values[one].is_empty() {
            self.values[one] = self.values[other];
        } else if self.values[other].is_empty() {
            self.values[other] = self.values[one];
        }
    }
}

/// Equal in meaning: the decoded values are the same.
impl PartialEq for PeerAttributesRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self
                .values
                .iter()
                .map(|value| percent::decode(value))
                .eq(other.values.iter().map(|value| percent::decode(value)))
    }
}

impl Eq for PeerAttributesRef<'_> {}

impl fmt::Debug for PeerAttributesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_attributes(), f)
    }
}
