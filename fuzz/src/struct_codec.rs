use baggage::istio::{PeerAttributes, WorkloadKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use peer_meta::legacy::{
    Asked, Case, Metadata, MetadataCache, PeerHeaders, ReadConfig, TargetCluster, from_endpoint,
    from_pairs, owner_kind, to_endpoint, to_owner, to_pairs,
};

use crate::script::Script;

/// Any octets in each of the carriers: what is read is written and read as the same, and a cache changes nothing. Any metadata: what is
/// written is read as what it was.
pub fn struct_codec(data: &[u8]) {
    let config = ReadConfig::new().with_label("team");
    for case in [Case::Lower, Case::Upper] {
        if let Ok(read) = case.decode(data, &config) {
            settles(case, read.claim(), &config);
        }
        if let Ok(read) = case.decode_any(data, &config) {
            settles(case, read.claim(), &config);
        }
        let small = ReadConfig::new().with_max_bytes(data.len().saturating_sub(1));
        assert!(data.is_empty() || case.decode(data, &small).is_err());
    }
    let text = String::from_utf8_lossy(data);
    let pairs = from_pairs(&text, &config).into_claim();
    assert_eq!(from_pairs(&to_pairs(&pairs), &config).claim(), &pairs);
    if let Some(attributes) = from_endpoint(&text) {
        let written = to_endpoint(&attributes).expect("it had no semicolon");
        assert_eq!(from_endpoint(&written), Some(attributes));
    }
    through_the_cache(data, &config);
    let metadata = metadata(&mut Script::new(data));
    there_and_back(&metadata, &config);
}

/// After one round there is nothing more to lose.
fn settles(case: Case, read: &Metadata, config: &ReadConfig) {
    let again = case
        .decode(&case.encode(read), config)
        .expect("we wrote it")
        .into_claim();
    assert_eq!(again, *read);
    let any = case
        .decode_any(&case.encode_any(read), config)
        .expect("we wrote it");
    assert_eq!(any.claim(), read);
    assert!(
        again
            .labels()
            .iter()
            .all(|(key, value)| key == "team" && !value.is_empty())
    );
}

fn there_and_back(metadata: &Metadata, config: &ReadConfig) {
    let attributes = metadata.attributes();
    for case in [Case::Lower, Case::Upper] {
        let read = case
            .decode(&case.encode(metadata), config)
            .expect("we wrote it");
        assert_eq!(read.claim(), metadata, "{case:?}");
    }
    let plain = |text: &str| !text.contains([',', '=', ';']);
    let values = [
        attributes.cluster(),
        attributes.namespace(),
        attributes.workload(),
        attributes.service(),
        attributes.revision(),
    ];
    if values.into_iter().flatten().all(plain) {
        let endpoint = to_endpoint(attributes)
            .and_then(|text| from_endpoint(&text))
            .expect("no semicolon");
        let read = [
            endpoint.cluster(),
            endpoint.namespace(),
            endpoint.workload(),
            endpoint.service(),
            endpoint.revision(),
        ];
        assert_eq!(read, values);
        let pairs = from_pairs(&to_pairs(metadata), config);
        assert_eq!(pairs.claim().attributes().workload(), attributes.workload());
        assert_eq!(
            pairs.claim().attributes().workload_kind(),
            attributes.workload_kind()
        );
    }
    if let Some(owner) = to_owner(attributes) {
        let kind = owner_kind(&owner, attributes.workload().expect("it has an owner"));
        assert_eq!(kind, attributes.workload_kind());
    }
    let mut headers = HeaderMap::new();
    let ours = PeerHeaders::new(metadata, "id");
    ours.on_request(&mut headers);
    let read = MetadataCache::new(config.clone())
        .read(&headers)
        .expect("we wrote it")
        .expect("it is there");
    assert_eq!(read.claim(), metadata);
    let asked = Asked::take(&mut headers);
    assert!(asked.id && asked.metadata && headers.is_empty());
    ours.on_response(Asked::default(), &mut headers);
    assert!(headers.is_empty(), "who does not ask is told nothing");
}

/// Ids and values come and go: the answer is always that of a reader without a memory.
fn through_the_cache(data: &[u8], config: &ReadConfig) {
    let mut script = Script::new(data);
    let capacity = script.below(3);
    let mut cache = MetadataCache::with_capacity(config.clone(), capacity);
    while !script.is_over() {
        let mut headers = HeaderMap::new();
        let id = script.one_of(&["", "a", "b", "c"]);
        headers.insert("x-envoy-peer-metadata-id", HeaderValue::from_static(id));
        let value = match script.below(3) {
            0 => STANDARD.encode(Case::Upper.encode(&metadata(&mut script))),
            1 => STANDARD.encode(script.part()),
            _ => String::from_utf8_lossy(script.part()).into_owned(),
        };
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert("x-envoy-peer-metadata", value);
        }
        let fresh = MetadataCache::with_capacity(config.clone(), 0).read(&headers);
        assert_eq!(cache.read(&headers), fresh);
        assert!(cache.len() <= capacity && cache.is_empty() != (1..).contains(&cache.len()));
        let cluster = TargetCluster::new(id).with_external(script.flag());
        assert!(
            cluster.takes_headers(false) && !cluster.with_disable_mx(true).takes_headers(false)
        );
        assert!(TargetCluster::new("PassthroughCluster").takes_headers(false));
        assert!(!TargetCluster::new("PassthroughCluster").takes_headers(true));
    }
}

/// Metadata that every carrier can hold: a workload has a kind, and app and version are told.
fn metadata(script: &mut Script<'_>) -> Metadata {
    let kinds = [
        WorkloadKind::CronJob,
        WorkloadKind::Deployment,
        WorkloadKind::Job,
        WorkloadKind::Pod,
    ];
    let mut builder = PeerAttributes::builder();
    for _ in 0..script.below(12) {
        let which = script.below(10);
        let value = script.text();
        builder = match which {
            0 => builder.cluster(value),
            1 => builder.namespace(value),
            2 => builder.service(value),
            3 => builder.revision(value),
            4 => builder.app(value),
            5 => builder.version(value),
            6 => builder.instance(value),
            7 => builder.region(value),
            8 => builder.zone(value),
            _ => builder.workload(script.one_of(&kinds), value.replace('/', "-")),
        };
    }
    let identity = script.one_of(&["", "spiffe://mesh/ns/a/sa/b"]);
    let metadata = Metadata::new(builder.build()).with_identity(identity);
    metadata.with_label("team", script.one_of(&["", "red"]))
}
