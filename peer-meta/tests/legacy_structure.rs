//! The forms in which metadata is kept and passed on: two Structs, pairs, endpoint metadata, the owner URL.
#![cfg(feature = "legacy")]

mod wire;
mod world;

use baggage::istio::{PeerAttributes, WorkloadKind};
use peer_meta::legacy::{
    Case, Metadata, MetadataError, ReadConfig, from_endpoint, from_pairs, owner_kind, to_endpoint,
    to_owner, to_pairs,
};
use proptest::prelude::*;
use wire::{entry, field, in_any, string, structure};
use world::workload;

fn everything() -> Metadata {
    let attributes = PeerAttributes::builder()
        .cluster("cluster")
        .namespace("namespace")
        .workload(WorkloadKind::CronJob, "workload")
        .service("service")
        .revision("revision")
        .app("app")
        .version("version")
        .instance("instance")
        .region("region")
        .zone("zone")
        .build();
    Metadata::new(attributes)
        .with_identity("spiffe://td/ns/a/sa/b")
        .with_label("role", "db")
}

fn with_role() -> ReadConfig {
    ReadConfig::new().with_label("role")
}

fn upper(fields: &[Vec<u8>]) -> Metadata {
    Case::Upper
        .decode(&fields.concat(), &with_role())
        .unwrap()
        .into_claim()
}

#[test]
fn the_upper_case_struct_is_these_bytes() {
    let labels = [
        entry("app", &string("app")),
        entry("role", &string("db")),
        entry("service.istio.io/canonical-name", &string("service")),
        entry("service.istio.io/canonical-revision", &string("revision")),
        entry("version", &string("version")),
    ];
    let owner = "kubernetes://apis/apps/v1/namespaces/namespace/cronjobs/workload";
    let expected = [
        entry("AVAILABILITY_ZONE", &string("zone")),
        entry("CLUSTER_ID", &string("cluster")),
        entry("IDENTITY", &string("spiffe://td/ns/a/sa/b")),
        entry("LABELS", &structure(&labels.concat())),
        entry("NAME", &string("instance")),
        entry("NAMESPACE", &string("namespace")),
        entry("OWNER", &string(owner)),
        entry("REGION", &string("region")),
        entry("WORKLOAD_NAME", &string("workload")),
    ];
    assert_eq!(Case::Upper.encode(&everything()), expected.concat());
    let any = in_any(
        "type.googleapis.com/google.protobuf.Struct",
        &expected.concat(),
    );
    assert_eq!(Case::Upper.encode_any(&everything()), any);
}

#[test]
fn the_lower_case_struct_is_these_bytes() {
    let expected = [
        entry("app", &string("app")),
        entry("availability_zone", &string("zone")),
        entry("cluster", &string("cluster")),
        entry("identity", &string("spiffe://td/ns/a/sa/b")),
        entry("labels", &structure(&entry("role", &string("db")))),
        entry("name", &string("instance")),
        entry("namespace", &string("namespace")),
        entry("region", &string("region")),
        entry("revision", &string("revision")),
        entry("service", &string("service")),
        entry("type", &string("cronjob")),
        entry("version", &string("version")),
        entry("workload", &string("workload")),
    ];
    assert_eq!(Case::Lower.encode(&everything()), expected.concat());
}

#[test]
fn both_structs_bring_everything_back() {
    for case in [Case::Lower, Case::Upper] {
        let bytes = case.encode(&everything());
        assert_eq!(
            case.decode(&bytes, &with_role()).unwrap().into_claim(),
            everything(),
            "{case:?}"
        );
        let any = case.encode_any(&everything());
        assert_eq!(
            case.decode_any(&any, &with_role()).unwrap().into_claim(),
            everything(),
            "{case:?}"
        );
    }
}

#[test]
fn labels_that_are_not_listed_are_dropped() {
    for case in [Case::Lower, Case::Upper] {
        let bytes = case.encode(&everything());
        let read = case
            .decode(&bytes, &ReadConfig::new())
            .unwrap()
            .into_claim();
        assert!(read.labels().is_empty(), "{case:?}");
        assert_eq!(read.attributes(), everything().attributes());
    }
}

#[test]
fn nothing_at_all_is_an_empty_upper_case_labels_and_no_lower_case_field() {
    assert_eq!(
        Case::Upper.encode(&Metadata::default()),
        entry("LABELS", &structure(b""))
    );
    assert_eq!(Case::Lower.encode(&Metadata::default()), b"");
    for case in [Case::Lower, Case::Upper] {
        let bytes = case.encode(&Metadata::default());
        assert_eq!(
            case.decode(&bytes, &with_role()).unwrap().into_claim(),
            Metadata::default()
        );
    }
}

#[test]
fn the_recommended_labels_of_kubernetes_come_before_the_short_ones() {
    let labels = |pairs: &[(&str, &str)]| {
        let labels: Vec<u8> = pairs
            .iter()
            .flat_map(|(key, value)| entry(key, &string(value)))
            .collect();
        upper(&[entry("LABELS", &structure(&labels))])
    };
    let both = labels(&[
        ("app", "short"),
        ("app.kubernetes.io/name", "recommended"),
        ("version", "1"),
        ("app.kubernetes.io/version", "2"),
    ]);
    assert_eq!(both.attributes().app(), Some("recommended"));
    assert_eq!(both.attributes().version(), Some("2"));
    let short = labels(&[("app", "short"), ("app.kubernetes.io/name", "")]);
    assert_eq!(short.attributes().app(), Some("short"));
}

#[test]
fn a_label_that_istio_reads_as_an_attribute_becomes_that_in_upper_case() {
    let attributes = PeerAttributes::builder().app("a").build();
    let metadata = Metadata::new(attributes)
        .with_label("app.kubernetes.io/name", "b")
        .with_label("version", "v2")
        .with_label("service.istio.io/canonical-name", "s")
        .with_label("app", "never told, since there is an app");
    let read = |case: Case| {
        let claim = case.decode(&case.encode(&metadata), &ReadConfig::new());
        claim.unwrap().into_claim().attributes().clone()
    };
    let upper = PeerAttributes::builder()
        .app("b")
        .version("v2")
        .service("s")
        .build();
    assert_eq!(read(Case::Upper), upper);
    assert_eq!(read(Case::Lower), *metadata.attributes());
}

#[test]
fn fields_of_another_type_and_unknown_fields_are_ignored() {
    let number = [0x11, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F];
    let read = upper(&[
        entry("NAMESPACE", &number),
        entry("CLUSTER_ID", &structure(b"")),
        entry("WORKLOAD_NAME", &[0x20, 0x01]),
        entry("REGION", b""),
        entry("LABELS", &string("none")),
        entry("OTHER", &string("x")),
        entry("NAME", &string("kept")),
        field(7, b"unknown"),
    ]);
    assert_eq!(
        read,
        Metadata::new(PeerAttributes::builder().instance("kept").build())
    );
}

#[test]
fn of_two_fields_with_one_key_the_later_counts() {
    let read = upper(&[
        entry("NAME", &string("first")),
        entry("NAME", &string("second")),
    ]);
    assert_eq!(read.attributes().instance(), Some("second"));
}

#[test]
fn text_that_is_not_utf8_is_no_struct() {
    let bytes = entry("NAME", &field(3, b"\xff\xfe"));
    assert_eq!(
        Case::Upper.decode(&bytes, &with_role()),
        Err(MetadataError::Protobuf)
    );
}

#[test]
fn a_struct_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
    let bytes = Case::Upper.encode(&everything());
    let at = with_role().with_max_bytes(bytes.len());
    assert!(Case::Upper.decode(&bytes, &at).is_ok());
    let below = with_role().with_max_bytes(bytes.len() - 1);
    let error = MetadataError::TooLarge {
        len: bytes.len(),
        limit: bytes.len() - 1,
    };
    assert_eq!(Case::Upper.decode(&bytes, &below), Err(error));
}

#[test]
fn decoding_takes_a_bounded_multiple_of_the_size() {
    // The smallest values that each cost the most: a list of nothing, and keys of one character.
    let list = entry("k", &field(6, &[0x0a, 0x00].repeat(30_000)));
    let keys: Vec<u8> = (0..6_000_u32)
        .filter_map(char::from_u32)
        .flat_map(|key| entry(&key.to_string(), b""))
        .collect();
    for bytes in [list, keys] {
        assert!(bytes.len() < 64 * 1024);
        let mut cost = None;
        let peak = allocation_counter::measure(|| {
            cost = Some(Case::Upper.decode(&bytes, &with_role()).is_ok())
        });
        assert_eq!(cost, Some(true));
        assert!(
            peak.bytes_max < 50 * u64::try_from(bytes.len()).unwrap(),
            "{peak:?}"
        );
    }
}

#[test]
fn a_workload_without_a_known_owner_is_a_pod() {
    for owner in [
        "",
        "kubernetes://apis/apps/v1/namespaces/a/statefulsets/w",
        "nonsense",
        "s/w",
        "/w",
    ] {
        let read = upper(&[
            entry("WORKLOAD_NAME", &string("w")),
            entry("OWNER", &string(owner)),
        ]);
        assert_eq!(
            read.attributes().workload_kind(),
            Some(WorkloadKind::Pod),
            "{owner}"
        );
    }
    let nameless = upper(&[entry(
        "OWNER",
        &string("kubernetes://apis/apps/v1/namespaces/a/jobs/w"),
    )]);
    assert_eq!(nameless.attributes().workload(), None);
}

#[test]
fn owners_are_written_with_one_api_group_whatever_the_kind() {
    for (kind, plural) in [
        (WorkloadKind::CronJob, "cronjobs"),
        (WorkloadKind::Deployment, "deployments"),
        (WorkloadKind::Job, "jobs"),
        (WorkloadKind::Pod, "pods"),
    ] {
        let attributes = PeerAttributes::builder()
            .namespace("n")
            .workload(kind, "w")
            .build();
        let owner = format!("kubernetes://apis/apps/v1/namespaces/n/{plural}/w");
        assert_eq!(to_owner(&attributes).as_deref(), Some(owner.as_str()));
        assert_eq!(owner_kind(&owner, "w"), Some(kind));
    }
    assert_eq!(
        to_owner(&PeerAttributes::builder().namespace("n").build()),
        None
    );
}

#[test]
fn owners_are_read_by_the_length_of_the_name() {
    assert_eq!(
        owner_kind("kubernetes://apis/batch/v1/namespaces/n/jobs/xyz", "abc"),
        Some(WorkloadKind::Job)
    );
    assert_eq!(owner_kind("jobs/w", "w"), Some(WorkloadKind::Job));
    assert_eq!(owner_kind("jobs/w", "too-long-a-name"), None);
    assert_eq!(owner_kind("", ""), None);
    assert_eq!(
        owner_kind("é", ""),
        None,
        "a cut within a character is no kind"
    );
    assert_eq!(owner_kind("Jobs/w", "w"), None);
}

#[test]
fn pairs_are_in_istios_order_and_without_the_identity() {
    assert_eq!(
        to_pairs(&everything()),
        "type=cronjob,workload=workload,name=instance,cluster=cluster,namespace=namespace,service=service,\
         revision=revision,app=app,version=version,region=region,availability_zone=zone,labels[]role=db"
    );
    assert_eq!(to_pairs(&Metadata::default()), "");
}

#[test]
fn pairs_bring_everything_back_but_the_identity() {
    let read = from_pairs(&to_pairs(&everything()), &with_role()).into_claim();
    assert_eq!(read, everything().with_identity(""));
}

#[test]
fn what_pairs_cannot_hold_is_left_out_rather_than_read_as_something_else() {
    let attributes = PeerAttributes::builder()
        .namespace("a,cluster=forged")
        .revision("v=1")
        .build();
    let metadata = Metadata::new(attributes)
        .with_label("role", "x,app=forged")
        .with_label("a=b", "c");
    assert_eq!(to_pairs(&metadata), "revision=v=1");
    let read = from_pairs("revision=v=1", &with_role()).into_claim();
    assert_eq!(read.attributes().revision(), Some("v=1"));
}

#[test]
fn odd_pairs_are_ignored() {
    let read = from_pairs(
        ",,=x,app,unknown=y,labels[]other=z,labels[]role=r,type=daemonset,workload=w,unlike=v,app=,",
        &with_role(),
    );
    let expected = Metadata::new(
        PeerAttributes::builder()
            .workload(WorkloadKind::Pod, "w")
            .build(),
    );
    assert_eq!(read.into_claim(), expected.with_label("role", "r"));
    let twice = from_pairs("app=a,app=b,type=job,workload=w,type=pod", &with_role()).into_claim();
    assert_eq!(twice.attributes().app(), Some("b"));
    assert_eq!(twice.attributes().workload_kind(), Some(WorkloadKind::Pod));
}

#[test]
fn endpoint_metadata_is_five_parts_and_more_are_ignored() {
    let read = from_endpoint("w;n;s;r;c;and;more").unwrap();
    let expected = PeerAttributes::builder()
        .workload(WorkloadKind::Pod, "w")
        .namespace("n")
        .service("s")
        .revision("r")
        .cluster("c")
        .build();
    assert_eq!(read, expected);
    assert_eq!(
        (read.app(), read.version()),
        (None, None),
        "nothing is inferred"
    );
    assert_eq!(to_endpoint(&expected).as_deref(), Some("w;n;s;r;c"));
}

#[test]
fn endpoint_metadata_of_fewer_parts_is_none() {
    for text in ["", "w", "w;n", "w;n;s", "w;n;s;r"] {
        assert_eq!(from_endpoint(text), None, "{text}");
    }
    assert_eq!(from_endpoint(";;;;"), Some(PeerAttributes::default()));
}

#[test]
fn endpoint_metadata_with_a_separator_in_a_value_is_not_written() {
    let attributes = PeerAttributes::builder().namespace("a;b").build();
    assert_eq!(to_endpoint(&attributes), None);
}

#[test]
fn endpoint_metadata_loses_the_kind_and_what_has_no_place() {
    let read = from_endpoint(&to_endpoint(&workload("echo", "c1")).unwrap()).unwrap();
    assert_eq!(read.workload_kind(), Some(WorkloadKind::Pod));
    assert_eq!(read.workload(), Some("echo-v1"));
    assert_eq!(
        (read.region(), read.zone(), read.instance()),
        (None, None, None)
    );
}

#[test]
fn a_label_is_kept_once_and_an_empty_one_is_none() {
    let metadata = Metadata::default()
        .with_label("b", "1")
        .with_label("a", "2")
        .with_label("b", "3")
        .with_label("c", "");
    assert_eq!(
        metadata.labels().iter().collect::<Vec<_>>(),
        [("a", "2"), ("b", "3")]
    );
    assert_eq!(metadata.labels().get("b"), Some("3"));
    assert_eq!(metadata.with_label("b", "").labels().get("b"), None);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["", "[a-z0-9.-]{1,12}", "\\PC{0,12}"]
}

fn kind() -> impl Strategy<Value = WorkloadKind> {
    prop_oneof![
        Just(WorkloadKind::CronJob),
        Just(WorkloadKind::Deployment),
        Just(WorkloadKind::Job),
        Just(WorkloadKind::Pod)
    ]
}

fn any_metadata() -> impl Strategy<Value = Metadata> {
    (proptest::array::uniform10(name()), kind(), name(), name()).prop_map(
        |(names, kind, identity, role)| {
            let [
                cluster,
                namespace,
                workload,
                service,
                revision,
                app,
                version,
                instance,
                region,
                zone,
            ] = names;
            let attributes = PeerAttributes::builder()
                .cluster(cluster)
                .namespace(namespace)
                .workload(kind, workload)
                .service(service)
                .revision(revision)
                .app(app)
                .version(version)
                .instance(instance)
                .region(region)
                .zone(zone)
                .build();
            Metadata::new(attributes)
                .with_identity(&identity)
                .with_label("role", &role)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn structs_bring_any_metadata_back(metadata in any_metadata()) {
        for case in [Case::Lower, Case::Upper] {
            let bytes = case.encode_any(&metadata);
            prop_assert_eq!(case.decode_any(&bytes, &with_role()).unwrap().into_claim(), metadata.clone());
        }
    }

    #[test]
    fn pairs_bring_back_nothing_that_was_not_there(metadata in any_metadata()) {
        let read = from_pairs(&to_pairs(&metadata), &with_role()).into_claim();
        let kept = |read: Option<&str>, was: Option<&str>| {
            read == was || read.is_none() && was.is_some_and(|was| was.contains(','))
        };
        let (read_as, was) = (read.attributes(), metadata.attributes());
        prop_assert!(kept(read_as.cluster(), was.cluster()));
        prop_assert!(kept(read_as.namespace(), was.namespace()));
        prop_assert!(kept(read_as.workload(), was.workload()));
        prop_assert!(kept(read_as.app(), was.app()));
        prop_assert!(kept(read.labels().get("role"), metadata.labels().get("role")));
        prop_assert_eq!(read.claimed_identity(), None);
    }

    #[test]
    fn no_reader_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for case in [Case::Lower, Case::Upper] {
            let _read = case.decode(&bytes, &with_role());
            let _read = case.decode_any(&bytes, &with_role());
        }
        let text = String::from_utf8_lossy(&bytes);
        let _read = from_pairs(&text, &with_role());
        let _read = from_endpoint(&text);
        let _read = owner_kind(&text, &text);
        let _read = owner_kind(&text, "w");
    }
}
