use baggage::istio::{PeerAttributes, WorkloadKind};
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{Any, Struct, Value};

use super::owner::{kind, owner_kind, to_owner};
use super::{Metadata, MetadataError, ReadConfig};
use crate::Claimed;

/// How the keys of a protobuf Struct with metadata are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Case {
    /// As Envoy keeps peers for its expressions: `name`, `namespace`, `cluster`, `workload`, `type`, `service`, `revision`,
    /// `app`, `version`, `identity`, `region`, `availability_zone`, `labels`. (Istio's own writer leaves `name` out unless
    /// `cluster` is set; ours does not.)
    Lower,
    /// As it travels: `NAME`, `NAMESPACE`, `CLUSTER_ID`, `WORKLOAD_NAME`, `OWNER`, `IDENTITY`, `REGION`, `AVAILABILITY_ZONE`,
    /// and `LABELS`, in which the canonical service and revision, app and version are labels. `LABELS` is always there.
    Upper,
}

impl Case {
    /// A serialized `google.protobuf.Struct`, always the same bytes for the same metadata.
    pub fn encode(self, metadata: &Metadata) -> Vec<u8> {
        self.to_struct(metadata).encode_to_vec()
    }

    /// The same in a `google.protobuf.Any`.
    pub fn encode_any(self, metadata: &Metadata) -> Vec<u8> {
        any(&self.to_struct(metadata))
    }

    /// Reads a serialized Struct. Fields of other types than expected, and unknown ones, are ignored.
    pub fn decode(
        self,
        bytes: &[u8],
        config: &ReadConfig,
    ) -> Result<Claimed<Metadata>, MetadataError> {
        Ok(self.of_struct(&decode(bytes, config)?, config))
    }

    /// Reads the same in an Any.
    pub fn decode_any(
        self,
        bytes: &[u8],
        config: &ReadConfig,
    ) -> Result<Claimed<Metadata>, MetadataError> {
        Ok(self.of_struct(&struct_in_any(bytes, config)?, config))
    }

    pub(super) fn to_struct(self, metadata: &Metadata) -> Struct {
        match self {
            Self::Lower => lower(metadata),
            Self::Upper => upper(metadata),
        }
    }

    pub(super) fn of_struct(self, fields: &Struct, config: &ReadConfig) -> Claimed<Metadata> {
        Claimed::new(match self {
            Self::Lower => of_lower(fields, config),
            Self::Upper => of_upper(fields, config),
        })
    }
}

/// Decodes a Struct that is not too large; the decoder refuses to descend more than 100 levels.
pub(super) fn decode(bytes: &[u8], config: &ReadConfig) -> Result<Struct, MetadataError> {
    check_size(bytes.len(), config)?;
    Struct::decode(bytes).map_err(|_| MetadataError::Protobuf)
}

pub(super) fn struct_in_any(bytes: &[u8], config: &ReadConfig) -> Result<Struct, MetadataError> {
    check_size(bytes.len(), config)?;
    let any = Any::decode(bytes).map_err(|_| MetadataError::Protobuf)?;
    // Only what follows the last slash is the type (google.protobuf.Any).
    match any.type_url.rsplit_once('/') {
        Some((_, "google.protobuf.Struct")) => decode(&any.value, config),
        _ => Err(MetadataError::TypeUrl),
    }
}

pub(super) fn any(fields: &Struct) -> Vec<u8> {
    let any = Any {
        type_url: "type.googleapis.com/google.protobuf.Struct".into(),
        value: fields.encode_to_vec(),
    };
    any.encode_to_vec()
}

pub(super) fn check_size(len: usize, config: &ReadConfig) -> Result<(), MetadataError> {
    let limit = config.max_bytes();
    if len > limit {
        return Err(MetadataError::TooLarge { len, limit });
    }
    Ok(())
}

pub(super) fn put_struct(fields: &mut Struct, key: &str, inner: Struct) {
    put_kind(fields, key, Kind::StructValue(inner));
}

pub(super) fn put(fields: &mut Struct, key: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        put_kind(fields, key, Kind::StringValue(value.into()));
    }
}

pub(super) fn get_struct<'a>(fields: &'a Struct, key: &str) -> Option<&'a Struct> {
    match fields.fields.get(key)?.kind.as_ref()? {
        Kind::StructValue(inner) => Some(inner),
        _ => None,
    }
}

fn put_kind(fields: &mut Struct, key: &str, kind: Kind) {
    fields.fields.insert(key.into(), Value { kind: Some(kind) });
}

fn get<'a>(fields: &'a Struct, key: &str) -> &'a str {
    fields.fields.get(key).and_then(string).unwrap_or_default()
}

fn string(value: &Value) -> Option<&str> {
    match value.kind.as_ref()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

fn upper(metadata: &Metadata) -> Struct {
    let attributes = metadata.attributes();
    let mut labels = Struct::default();
    for (key, value) in metadata.labels().iter() {
        put(&mut labels, key, Some(value));
    }
    put(&mut labels, CANONICAL_NAME, attributes.service());
    put(&mut labels, CANONICAL_REVISION, attributes.revision());
    put(&mut labels, "app", attributes.app());
    put(&mut labels, "version", attributes.version());
    let mut fields = Struct::default();
    put(&mut fields, "NAME", attributes.instance());
    put(&mut fields, "NAMESPACE", attributes.namespace());
    put(&mut fields, "CLUSTER_ID", attributes.cluster());
    put(&mut fields, "WORKLOAD_NAME", attributes.workload());
    put(&mut fields, "OWNER", to_owner(attributes).as_deref());
    put(&mut fields, "IDENTITY", metadata.claimed_identity());
    put(&mut fields, "REGION", attributes.region());
    put(&mut fields, "AVAILABILITY_ZONE", attributes.zone());
    put_struct(&mut fields, "LABELS", labels);
    fields
}

fn of_upper(fields: &Struct, config: &ReadConfig) -> Metadata {
    let none = Struct::default();
    let labels = get_struct(fields, "LABELS").unwrap_or(&none);
    let workload = get(fields, "WORKLOAD_NAME");
    let attributes = PeerAttributes::builder()
        .instance(get(fields, "NAME"))
        .namespace(get(fields, "NAMESPACE"))
        .cluster(get(fields, "CLUSTER_ID"))
        .workload(
            owner_kind(get(fields, "OWNER"), workload).unwrap_or(WorkloadKind::Pod),
            workload,
        )
        .region(get(fields, "REGION"))
        .zone(get(fields, "AVAILABILITY_ZONE"))
        .service(get(labels, CANONICAL_NAME))
        .revision(get(labels, CANONICAL_REVISION))
        .app(first(labels, ["app.kubernetes.io/name", "app"]))
        .version(first(labels, ["app.kubernetes.io/version", "version"]))
        .build();
    with_labels(
        Metadata::new(attributes).with_identity(get(fields, "IDENTITY")),
        labels,
        config,
    )
}

fn lower(metadata: &Metadata) -> Struct {
    let attributes = metadata.attributes();
    let mut fields = Struct::default();
    put(&mut fields, "name", attributes.instance());
    put(&mut fields, "namespace", attributes.namespace());
    put(&mut fields, "cluster", attributes.cluster());
    put(&mut fields, "workload", attributes.workload());
    put(
        &mut fields,
        "type",
        attributes.workload_kind().map(WorkloadKind::as_str),
    );
    put(&mut fields, "service", attributes.service());
    put(&mut fields, "revision", attributes.revision());
    put(&mut fields, "app", attributes.app());
    put(&mut fields, "version", attributes.version());
    put(&mut fields, "identity", metadata.claimed_identity());
    put(&mut fields, "region", attributes.region());
    put(&mut fields, "availability_zone", attributes.zone());
    let mut labels = Struct::default();
    for (key, value) in metadata.labels().iter() {
        put(&mut labels, key, Some(value));
    }
    if !labels.fields.is_empty() {
        put_struct(&mut fields, "labels", labels);
    }
    fields
}

fn of_lower(fields: &Struct, config: &ReadConfig) -> Metadata {
    let none = Struct::default();
    let attributes = PeerAttributes::builder()
        .instance(get(fields, "name"))
        .namespace(get(fields, "namespace"))
        .cluster(get(fields, "cluster"))
        .workload(
            kind(get(fields, "type")).unwrap_or(WorkloadKind::Pod),
            get(fields, "workload"),
        )
        .service(get(fields, "service"))
        .revision(get(fields, "revision"))
        .app(get(fields, "app"))
        .version(get(fields, "version"))
        .region(get(fields, "region"))
        .zone(get(fields, "availability_zone"))
        .build();
    let labels = get_struct(fields, "labels").unwrap_or(&none);
    with_labels(
        Metadata::new(attributes).with_identity(get(fields, "identity")),
        labels,
        config,
    )
}

fn with_labels(metadata: Metadata, labels: &Struct, config: &ReadConfig) -> Metadata {
    let kept = labels.fields.iter().filter(|(key, _)| config.keeps(key));
    kept.fold(metadata, |metadata, (key, value)| {
        metadata.with_label(key, string(value).unwrap_or_default())
    })
}

/// The first of these that is set.
fn first<'a>(labels: &'a Struct, keys: [&str; 2]) -> &'a str {
    keys.iter()
        .map(|key| get(labels, key))
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}

const CANONICAL_NAME: &str = "service.istio.io/canonical-name";
const CANONICAL_REVISION: &str = "service.istio.io/canonical-revision";
