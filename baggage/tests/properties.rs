//! What holds for every input, against a slow reader written from the grammar (`oracle`).

mod oracle;

use baggage::istio::{Dialect, PeerAttributes, PeerAttributesRef, WorkloadKind};
use baggage::{Baggage, Limits, Members};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lenient_parsing_agrees_with_the_oracle(lines in lines(), limits in limits()) {
        let parsed = Baggage::parse(&lines, &limits.0);
        let expected = oracle::lenient(lines.iter().map(Vec::as_slice), &limits.1);
        prop_assert_eq!(as_read(&parsed.baggage), expected.members);
        prop_assert_eq!(parsed.skipped_total, expected.malformed);
        prop_assert_eq!(parsed.truncated.is_some(), expected.truncated);
    }

    #[test]
    fn strict_parsing_agrees_with_the_oracle_and_then_lenient_is_equal(lines in lines(), limits in limits()) {
        let parsed = Baggage::parse_strict(&lines, &limits.0);
        let expected = oracle::strict(lines.iter().map(Vec::as_slice), &limits.1);
        match (parsed, expected) {
            (Ok(baggage), Ok(members)) => {
                prop_assert_eq!(as_read(&baggage), members);
                let lenient = Baggage::parse(&lines, &limits.0);
                prop_assert_eq!(baggage, lenient.baggage);
                prop_assert_eq!((lenient.skipped_total, lenient.truncated), (0, None));
            }
            (Err(error), Err(name)) => prop_assert_eq!(error.kind().as_str(), name),
            (parsed, expected) => prop_assert!(false, "{:?} is not {:?}", parsed, expected),
        }
    }

    #[test]
    fn errors_point_into_the_lines(lines in lines(), limits in limits()) {
        for result in Members::new(&lines, &limits.0).chain(Members::strict(&lines, &limits.0)) {
            if let Err(error) = result {
                prop_assert!(error.offset() <= lines[error.line()].len(), "{}", error);
            }
        }
    }

    #[test]
    fn splitting_at_any_comma_changes_nothing(line in line(), at in any::<prop::sample::Index>(), limits in limits()) {
        let commas: Vec<usize> = (0..line.len()).filter(|&at| line[at] == b',').collect();
        prop_assume!(!commas.is_empty());
        let at = commas[at.index(commas.len())];
        let split = [&line[..at], &line[at + 1..]];
        let (whole, parts) = (Baggage::parse([&line], &limits.0), Baggage::parse(split, &limits.0));
        prop_assert_eq!(whole.baggage.to_string(), parts.baggage.to_string());
        prop_assert_eq!(whole.skipped_total, parts.skipped_total);
        prop_assert_eq!(whole.truncated.map(|error| error.kind()), parts.truncated.map(|error| error.kind()));
        prop_assert_eq!(PeerAttributes::parse([&line], &limits.0), PeerAttributes::parse(split, &limits.0));
        let strict = |error: baggage::ParseError| error.kind();
        prop_assert_eq!(
            Baggage::parse_strict([&line], &limits.0).map_err(strict),
            Baggage::parse_strict(split, &limits.0).map_err(strict)
        );
    }

    #[test]
    fn what_is_encoded_is_decoded_again(members in prop::collection::vec(member(), 0..20)) {
        let mut baggage = Baggage::new();
        let mut kept = Vec::new();
        for member in members {
            let properties = member.properties.iter().map(|(key, value)| (key.as_str(), value.as_deref()));
            if baggage.push_with_properties(&member.key, &member.value, properties).is_ok() {
                kept.push(member);
            }
        }
        let header = baggage.to_string();
        prop_assert!(header.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", header);
        prop_assert!(header.len() <= 8192);
        prop_assert_eq!(as_read(&baggage), kept);
        if !baggage.is_empty() {
            prop_assert_eq!(Baggage::parse_strict([&header], &Limits::new()), Ok(baggage));
        }
    }

    #[test]
    fn what_was_read_is_sent_on_within_the_limits_by_the_letter_and_with_the_same_meaning(lines in lines()) {
        let parsed = Baggage::parse(&lines, &Limits::new());
        let mut header = String::new();
        let dropped = parsed.baggage.encode(&Limits::new(), &mut header);
        prop_assert!(header.len() <= 8192);
        if !header.is_empty() {
            let again = Baggage::parse_strict([&header], &Limits::new()).unwrap();
            prop_assert_eq!(again.len() + dropped, parsed.baggage.len());
            if dropped == 0 {
                prop_assert_eq!(again, parsed.baggage);
            }
        }
    }

    #[test]
    fn a_peer_is_what_the_rules_make_of_the_members(lines in peer_lines(), limits in limits()) {
        let baggage = Baggage::parse(&lines, &limits.0).baggage;
        let last = |key| baggage.get(key).filter(|value| !value.is_empty()).map(|value| value.into_owned());
        let kinds = [WorkloadKind::CronJob, WorkloadKind::Deployment, WorkloadKind::Job, WorkloadKind::Pod];
        let workload = baggage.iter().filter_map(|member| {
            let kind = kinds.into_iter().find(|kind| member.key() == format!("k8s.{kind}.name"))?;
            Some((kind, member.value().into_owned()))
        });
        let workload = workload.last().filter(|(_, name)| !name.is_empty());
        let (service, app) = (last("service.name"), last("app.name"));
        let (revision, version) = (last("service.version"), last("app.version"));
        let expected = PeerAttributes::builder()
            .cluster(last("k8s.cluster.name").unwrap_or_default())
            .namespace(last("k8s.namespace.name").unwrap_or_default())
            .service(service.clone().or_else(|| app.clone()).unwrap_or_default())
            .app(app.or(service).unwrap_or_default())
            .revision(revision.clone().or_else(|| version.clone()).unwrap_or_default())
            .version(version.or(revision).unwrap_or_default())
            .instance(last("k8s.instance.name").unwrap_or_default())
            .region(last("cloud.region").unwrap_or_default())
            .zone(last("cloud.availability_zone").unwrap_or_default());
        let expected = match workload {
            Some((kind, name)) => expected.workload(kind, name).build(),
            None => expected.build(),
        };
        let peer = PeerAttributes::parse(&lines, &limits.0);
        prop_assert_eq!(peer.is_none(), expected.is_empty());
        prop_assert_eq!(peer.unwrap_or_default(), expected.clone());
        let borrowed = PeerAttributesRef::parse(&lines, &limits.0).unwrap_or_default();
        let name = borrowed.workload();
        prop_assert_eq!(name.as_deref(), expected.workload());
        prop_assert_eq!(borrowed.to_attributes(), expected);
    }

    #[test]
    fn a_peer_survives_being_written_and_read(peer in peer()) {
        for dialect in [Dialect::Agentgateway, Dialect::Envoy, Dialect::Ztunnel, Dialect::W3c] {
            let mut header = String::new();
            peer.encode(dialect, &mut header);
            prop_assert!(header.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", header);
            if header.is_empty() {
                continue;
            }
            prop_assert!(Baggage::parse_strict([&header], &wide()).is_ok());
            let read = PeerAttributes::parse([&header], &wide()).unwrap_or_default();
            prop_assert_eq!(read.cluster(), peer.cluster());
            prop_assert_eq!(read.workload(), peer.workload());
            if dialect == Dialect::W3c {
                prop_assert_eq!(read.service(), peer.service().or_else(|| peer.app()));
                prop_assert_eq!(read.zone(), peer.zone());
                prop_assert_eq!(read.workload_kind(), peer.workload_kind());
            }
        }
    }
}

fn as_read(baggage: &Baggage) -> Vec<oracle::Member> {
    let member = |member: baggage::Member<'_>| oracle::Member {
        key: member.key().to_owned(),
        value: member.value().into_owned(),
        properties: member
            .properties()
            .map(|property| {
                (
                    property.key().to_owned(),
                    property.value().map(|value| value.into_owned()),
                )
            })
            .collect(),
    };
    baggage.iter().map(member).collect()
}

fn wide() -> Limits {
    Limits::new()
        .with_members(usize::MAX)
        .with_bytes(usize::MAX)
        .with_raw_bytes(usize::MAX)
}

fn limits() -> impl Strategy<Value = (Limits, oracle::Limits)> {
    let small = (0..8_usize, 0..60_usize, 0..120_usize);
    let either = prop_oneof![2 => Just((64, 8192, 16384)), 1 => small];
    either.prop_map(|(members, bytes, raw_bytes)| {
        let limits = Limits::new()
            .with_members(members)
            .with_bytes(bytes)
            .with_raw_bytes(raw_bytes);
        (
            limits,
            oracle::Limits {
                members,
                bytes,
                raw_bytes,
            },
        )
    })
}

fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(line(), 0..4)
}

/// Octets of which most have a meaning, in runs long enough to cross a block of sixteen.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(&b",;= \t%"[..]).prop_map(|byte| vec![byte]),
        4 => "[a-z.]{1,24}".prop_map(String::into_bytes),
        2 => "%[0-9a-fA-F]{2}".prop_map(String::into_bytes),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => "k=v|k=%|\"|\\\\|é|;p=1".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn peer_lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let key = prop::sample::select(vec![
        "k8s.cluster.name",
        "k8s.namespace.name",
        "k8s.deployment.name",
        "k8s.cronjob.name",
        "k8s.pod.name",
        "k8s.job.name",
        "service.name",
        "service.version",
        "app.name",
        "app.version",
        "k8s.instance.name",
        "cloud.region",
        "cloud.availability_zone",
        "k8s.statefulset.name",
        "x",
    ]);
    let element = (
        key,
        prop_oneof![6 => Just("="), 1 => prop::sample::select(vec![" = ", "", "=="])],
        prop_oneof![3 => "[a-zA-Z0-9._-]{0,12}", 1 => "[a-c %=;\"]{0,4}|%20|%C3%A9"],
    )
        .prop_map(|(key, equals, value)| format!("{key}{equals}{value}"));
    let line =
        prop::collection::vec(element, 0..8).prop_map(|elements| elements.join(",").into_bytes());
    prop::collection::vec(line, 0..3)
}

fn member() -> impl Strategy<Value = oracle::Member> {
    let token = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}";
    let properties = prop::collection::vec((token, prop::option::of(any::<String>())), 0..3);
    (token, any::<String>(), properties).prop_map(|(key, value, properties)| oracle::Member {
        key,
        value,
        properties,
    })
}

fn peer() -> impl Strategy<Value = PeerAttributes> {
    let kind = prop::sample::select(vec![
        WorkloadKind::CronJob,
        WorkloadKind::Deployment,
        WorkloadKind::Job,
        WorkloadKind::Pod,
    ]);
    let text = || prop_oneof!["[a-z-]{0,10}", any::<String>()];
    (kind, text(), text(), text(), text(), text(), text()).prop_map(
        |(kind, cluster, workload, service, app, version, zone)| {
            PeerAttributes::builder()
                .cluster(cluster)
                .workload(kind, workload)
                .service(service)
                .app(app)
                .version(version)
                .zone(zone)
                .build()
        },
    )
}
