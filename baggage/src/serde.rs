//! Members as a list of maps (`key`, `value`, `properties`), peer attributes as a map of what is set.
//!
//! What is deserialized comes from configuration and from people, never from a peer: peers send headers. So it is held to what
//! there is, and a misspelt field is an error that names it.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use ::serde::de::Error as _;
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::baggage::Baggage;
use crate::istio::{PeerAttributes, WorkloadKind};
use crate::member::Member;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberRepr<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    properties: Vec<PropertyRepr<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyRepr<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PeerRepr<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    cluster: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    workload: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload_type: Option<WorkloadKind>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    service: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    revision: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    app: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    instance: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    region: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    zone: Option<Cow<'a, str>>,
}

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MemberRepr {
            key: self.key().into(),
            value: self.value(),
            properties: self
                .properties()
                .map(|property| PropertyRepr {
                    key: property.key().into(),
                    value: property.value(),
                })
                .collect(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Baggage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

/// Within the default limits; a member that cannot be written is an error, and so is an unknown field.
impl<'de> Deserialize<'de> for Baggage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut baggage = Self::new();
        for member in Vec::<MemberRepr<'_>>::deserialize(deserializer)? {
            let properties = member
                .properties
                .iter()
                .map(|property| (&*property.key, property.value.as_deref()));
            baggage
                .push_with_properties(&member.key, &member.value, properties)
                .map_err(D::Error::custom)?;
        }
        Ok(baggage)
    }
}

impl Serialize for PeerAttributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PeerRepr {
            cluster: self.cluster().map(Cow::from),
            namespace: self.namespace().map(Cow::from),
            workload: self.workload().map(Cow::from),
            workload_type: self.workload_kind(),
            service: self.service().map(Cow::from),
            revision: self.revision().map(Cow::from),
            app: self.app().map(Cow::from),
            version: self.version().map(Cow::from),
            instance: self.instance().map(Cow::from),
            region: self.region().map(Cow::from),
            zone: self.zone().map(Cow::from),
        }
        .serialize(serializer)
    }
}

/// A workload needs its `workload_type`. An unknown field is an error that names it.
impl<'de> Deserialize<'de> for PeerAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let peer = PeerRepr::deserialize(deserializer)?;
        let mut builder = Self::builder()
            .cluster(peer.cluster.unwrap_or_default())
            .namespace(peer.namespace.unwrap_or_default())
            .service(peer.service.unwrap_or_default())
            .revision(peer.revision.unwrap_or_default())
            .app(peer.app.unwrap_or_default())
            .version(peer.version.unwrap_or_default())
            .instance(peer.instance.unwrap_or_default())
            .region(peer.region.unwrap_or_default())
            .zone(peer.zone.unwrap_or_default());
        if let Some(workload) = peer.workload.filter(|workload| !workload.is_empty()) {
            let kind = peer
                .workload_type
                .ok_or_else(|| D::Error::missing_field("workload_type"))?;
            builder = builder.workload(kind, workload);
        }
        Ok(builder.build())
    }
}

impl Serialize for WorkloadKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for WorkloadKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        name.parse().map_err(D::Error::custom)
    }
}
