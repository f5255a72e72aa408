//! How the labels of TCP metrics are filled, in both dialects.

mod world;

use std::sync::Arc;

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use peer_meta::labels::{ConnectionFlag, LabelDialect, Report, Reporter, Subject, TcpLabels};
use peer_meta::{
    Attributes, Claimed, DestinationService, Exchange, ExchangeConfig, Own, Peer, Role,
};
use spiffe::SpiffeId;
use world::{epoch, id, lines, own, whole, workload};

/// App and version differ from service and revision, so that one sees which is taken.
fn distinct() -> PeerAttributes {
    PeerAttributes::builder()
        .cluster("cluster")
        .namespace("namespace")
        .workload(WorkloadKind::Job, "workload")
        .service("service")
        .revision("revision")
        .app("app")
        .version("version")
        .region("region")
        .zone("zone")
        .build()
}

fn told(attributes: PeerAttributes) -> Peer {
    Peer::from_tls(Some(id("peer"))).with_attributes(Attributes::Claimed(Claimed::new(attributes)))
}

fn known(attributes: PeerAttributes) -> Peer {
    Peer::from_tls(Some(id("peer"))).with_attributes(Attributes::Directory(attributes))
}

fn labels(reporter: Reporter, peer: &Peer, dialect: LabelDialect) -> TcpLabels {
    let own = own("own", "c1", "here");
    let own = Subject::own(&own);
    let peer = Subject::peer(peer);
    let report = match reporter {
        Reporter::Source => Report::new(reporter, own, peer),
        _ => Report::new(reporter, peer, own),
    };
    TcpLabels::new(&report, dialect)
}

fn get<'a>(labels: &'a TcpLabels, name: &str) -> &'a str {
    labels
        .get(name)
        .unwrap_or_else(|| panic!("no label {name}"))
}

#[test]
fn ztunnel_takes_the_workload_for_the_app_when_it_has_only_baggage() {
    let labels = labels(
        Reporter::Destination,
        &told(distinct()),
        LabelDialect::Ztunnel,
    );
    assert_eq!(get(&labels, "source_app"), "workload");
    assert_eq!(get(&labels, "source_version"), "revision");
    assert_eq!(get(&labels, "source_canonical_service"), "service");
    assert_eq!(get(&labels, "source_canonical_revision"), "revision");
}

#[test]
fn ztunnel_takes_the_canonical_service_for_the_app_when_its_directory_knows_the_peer() {
    let labels = labels(
        Reporter::Destination,
        &known(distinct()),
        LabelDialect::Ztunnel,
    );
    assert_eq!(get(&labels, "source_app"), "service");
    assert_eq!(get(&labels, "source_version"), "revision");
}

#[test]
fn envoy_takes_the_app_and_version_that_were_told() {
    for peer in [told(distinct()), known(distinct())] {
        let labels = labels(Reporter::Destination, &peer, LabelDialect::Envoy);
        assert_eq!(get(&labels, "source_app"), "app");
        assert_eq!(get(&labels, "source_version"), "version");
        assert_eq!(get(&labels, "source_canonical_service"), "service");
        assert_eq!(get(&labels, "source_canonical_revision"), "revision");
    }
}

#[test]
fn envoy_takes_service_and_revision_where_no_app_or_version_was_told() {
    let labels = labels(
        Reporter::Source,
        &known(workload("server", "c2")),
        LabelDialect::Envoy,
    );
    assert_eq!(get(&labels, "destination_app"), "server");
    assert_eq!(get(&labels, "destination_version"), "v1");
}

#[test]
fn a_peers_missing_revision_is_latest_to_envoy_at_either_end_and_unknown_to_ztunnel() {
    let bare = PeerAttributes::builder().service("s").build();
    for (reporter, label) in [
        (Reporter::Destination, "source_canonical_revision"),
        (Reporter::Waypoint, "source_canonical_revision"),
        (Reporter::Source, "destination_canonical_revision"),
    ] {
        for peer in [told(bare.clone()), Peer::default()] {
            let envoy = labels(reporter, &peer, LabelDialect::Envoy);
            assert_eq!(get(&envoy, label), "latest", "{reporter:?}");
            let ztunnel = labels(reporter, &peer, LabelDialect::Ztunnel);
            assert_eq!(get(&ztunnel, label), "unknown", "{reporter:?}");
        }
    }
}

#[test]
fn a_waypoints_destination_without_revision_is_unknown_to_envoy_too() {
    let nobody = Peer::default();
    let report = Report::new(
        Reporter::Waypoint,
        Subject::peer(&nobody),
        Subject::peer(&nobody),
    );
    let labels = TcpLabels::new(&report, LabelDialect::Envoy);
    assert_eq!(get(&labels, "destination_canonical_revision"), "unknown");
    assert_eq!(get(&labels, "source_canonical_revision"), "latest");
}

#[test]
fn our_own_missing_revision_is_unknown_in_both_dialects() {
    let own = Own::new(PeerAttributes::default(), Dialect::Envoy, "here");
    let nobody = Peer::default();
    for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
        let report = Report::new(Reporter::Source, Subject::own(&own), Subject::peer(&nobody));
        assert_eq!(
            get(
                &TcpLabels::new(&report, dialect),
                "source_canonical_revision"
            ),
            "unknown"
        );
    }
}

#[test]
fn envoy_believes_the_namespace_of_the_certificate_more_than_what_the_peer_says() {
    for (reporter, label) in [
        (Reporter::Destination, "source_workload_namespace"),
        (Reporter::Waypoint, "source_workload_namespace"),
        (Reporter::Source, "destination_workload_namespace"),
    ] {
        let envoy = labels(reporter, &told(distinct()), LabelDialect::Envoy);
        assert_eq!(get(&envoy, label), "peer-ns", "{reporter:?}");
        let ztunnel = labels(reporter, &told(distinct()), LabelDialect::Ztunnel);
        assert_eq!(get(&ztunnel, label), "namespace", "{reporter:?}");
    }
}

#[test]
fn envoy_takes_the_namespace_that_is_told_for_a_waypoints_destination() {
    let peer = told(distinct());
    let report = Report::new(
        Reporter::Waypoint,
        Subject::peer(&peer),
        Subject::peer(&peer),
    );
    let labels = TcpLabels::new(&report, LabelDialect::Envoy);
    assert_eq!(get(&labels, "source_workload_namespace"), "peer-ns");
    assert_eq!(get(&labels, "destination_workload_namespace"), "namespace");
}

#[test]
fn a_spiffe_id_that_is_not_in_istios_form_names_no_namespace() {
    for path in [
        "/ns/a",
        "/ns/a/sa",
        "/ns/a/sa/b/c",
        "/x/a/sa/b",
        "/ns/a/xa/b",
        "/workload",
    ] {
        let odd = SpiffeId::new(format!("spiffe://mesh{path}")).unwrap();
        let peer = Peer::from_tls(Some(Arc::new(odd)))
            .with_attributes(Attributes::Claimed(Claimed::new(distinct())));
        let labels = labels(Reporter::Destination, &peer, LabelDialect::Envoy);
        assert_eq!(
            get(&labels, "source_workload_namespace"),
            "namespace",
            "{path}"
        );
        assert_eq!(
            get(&labels, "source_principal"),
            format!("spiffe://mesh{path}")
        );
    }
}

#[test]
fn envoy_at_the_destination_names_its_own_service_when_the_route_names_none() {
    let envoy = labels(Reporter::Destination, &Peer::default(), LabelDialect::Envoy);
    assert_eq!(get(&envoy, "destination_service"), "own");
    assert_eq!(get(&envoy, "destination_service_name"), "own");
    assert_eq!(get(&envoy, "destination_service_namespace"), "own-ns");
    let ztunnel = labels(
        Reporter::Destination,
        &Peer::default(),
        LabelDialect::Ztunnel,
    );
    for label in [
        "destination_service",
        "destination_service_name",
        "destination_service_namespace",
    ] {
        assert_eq!(get(&ztunnel, label), "unknown", "{label}");
    }
    let source = labels(Reporter::Source, &known(distinct()), LabelDialect::Envoy);
    assert_eq!(
        get(&source, "destination_service"),
        "unknown",
        "only at the destination"
    );
}

#[test]
fn a_request_without_a_host_names_no_service() {
    let own = own("own", "c1", "here");
    let peer = told(distinct());
    for host in ["", ":80"] {
        let service = DestinationService::from_host(host);
        for (dialect, expected) in [
            (LabelDialect::Envoy, "own"),
            (LabelDialect::Ztunnel, "unknown"),
        ] {
            let report = Report::new(
                Reporter::Destination,
                Subject::peer(&peer),
                Subject::own(&own),
            )
            .with_service(Some(&service));
            let labels = TcpLabels::new(&report, dialect);
            assert_eq!(get(&labels, "destination_service"), expected, "{host}");
            assert_eq!(get(&labels, "destination_service_name"), expected, "{host}");
        }
    }
}

#[test]
fn the_service_is_named_by_the_directory_if_it_can() {
    let service = DestinationService::new("echo.shop.svc.cluster.local", "echo", "shop");
    let own = own("own", "c1", "here");
    let peer = told(distinct());
    for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
        let report = Report::new(
            Reporter::Destination,
            Subject::peer(&peer),
            Subject::own(&own),
        )
        .with_service(Some(&service));
        let labels = TcpLabels::new(&report, dialect);
        assert_eq!(
            get(&labels, "destination_service"),
            "echo.shop.svc.cluster.local"
        );
        assert_eq!(get(&labels, "destination_service_name"), "echo");
        assert_eq!(get(&labels, "destination_service_namespace"), "shop");
    }
}

#[test]
fn a_service_known_by_its_host_alone_is_named_by_the_first_dns_label() {
    for (host, whole, name) in [
        (
            "echo.shop.svc.cluster.local:80",
            "echo.shop.svc.cluster.local",
            "echo",
        ),
        ("echo", "echo", "echo"),
        ("10.0.0.1:80", "10.0.0.1", "10.0.0.1"),
        ("[fd00::1]:80", "[fd00::1]", "[fd00::1]"),
        ("[fd00::1]", "[fd00::1]", "[fd00::1]"),
        ("fd00::1", "fd00::1", "fd00::1"),
        ("", "", ""),
        (":80", "", ""),
    ] {
        let service = DestinationService::from_host(host);
        assert_eq!(
            (service.host(), service.name(), service.namespace()),
            (whole, name, ""),
            "{host}"
        );
    }
}

#[test]
fn ztunnel_says_mutual_tls_exactly_if_the_peer_proved_who_it_is() {
    for reporter in [Reporter::Source, Reporter::Destination] {
        let proved = labels(reporter, &told(distinct()), LabelDialect::Ztunnel);
        assert_eq!(
            get(&proved, "connection_security_policy"),
            "mutual_tls",
            "{reporter:?}"
        );
        let plain = Peer::default().with_attributes(Attributes::Directory(distinct()));
        let plain = labels(reporter, &plain, LabelDialect::Ztunnel);
        assert_eq!(
            get(&plain, "connection_security_policy"),
            "unknown",
            "{reporter:?}"
        );
    }
}

#[test]
fn envoy_says_mutual_tls_at_the_server_if_both_ids_are_known_and_nothing_at_the_client() {
    let server = labels(
        Reporter::Destination,
        &told(distinct()),
        LabelDialect::Envoy,
    );
    assert_eq!(get(&server, "connection_security_policy"), "mutual_tls");
    let plain = labels(Reporter::Destination, &Peer::default(), LabelDialect::Envoy);
    assert_eq!(get(&plain, "connection_security_policy"), "none");
    let client = labels(Reporter::Source, &told(distinct()), LabelDialect::Envoy);
    assert_eq!(get(&client, "connection_security_policy"), "unknown");

    let anonymous = Own::new(workload("own", "c1"), Dialect::Envoy, "here");
    let peer = told(distinct());
    let report = Report::new(
        Reporter::Destination,
        Subject::peer(&peer),
        Subject::own(&anonymous),
    );
    let half = TcpLabels::new(&report, LabelDialect::Envoy);
    assert_eq!(get(&half, "connection_security_policy"), "none");
}

#[test]
fn a_waypoints_security_policy_is_about_the_connection_that_it_accepted() {
    let config = ExchangeConfig::new();
    let mut waypoint = Exchange::new(Role::Waypoint, &config, own("own", "c1", "here"), epoch());
    for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
        let labels = TcpLabels::new(&Report::of(&waypoint), dialect);
        assert_ne!(get(&labels, "connection_security_policy"), "mutual_tls");
    }
    waypoint.handle_accepted(Some(id("client")));
    for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
        let labels = TcpLabels::new(&Report::of(&waypoint), dialect);
        assert_eq!(get(&labels, "connection_security_policy"), "mutual_tls");
    }
}

#[test]
fn our_own_principal_is_only_named_if_the_peer_proved_its_own() {
    for (reporter, label) in [
        (Reporter::Source, "source_principal"),
        (Reporter::Destination, "destination_principal"),
    ] {
        let proved = labels(reporter, &told(distinct()), LabelDialect::Ztunnel);
        assert_eq!(get(&proved, label), "spiffe://mesh/ns/own-ns/sa/own");
        let plain = labels(reporter, &Peer::default(), LabelDialect::Ztunnel);
        assert_eq!(get(&plain, label), "unknown");
    }
}

#[test]
fn ztunnel_adds_the_locality_labels_if_either_workload_is_known() {
    let nobody = Peer::default();
    let neither = Report::new(
        Reporter::Source,
        Subject::peer(&nobody),
        Subject::peer(&nobody),
    );
    assert_eq!(
        TcpLabels::new(&neither, LabelDialect::Ztunnel).get("source_region"),
        None
    );
    let one = told(distinct());
    for report in [
        Report::new(
            Reporter::Source,
            Subject::peer(&one),
            Subject::peer(&nobody),
        ),
        Report::new(
            Reporter::Source,
            Subject::peer(&nobody),
            Subject::peer(&one),
        ),
    ] {
        let labels = TcpLabels::new(&report, LabelDialect::Ztunnel);
        let names: Vec<_> = labels.iter().map(|(name, _)| name).skip(23).collect();
        assert_eq!(
            names,
            [
                "source_region",
                "source_zone",
                "destination_region",
                "destination_zone"
            ]
        );
    }
}

#[test]
fn envoy_has_no_locality_labels_unless_told_to_and_ztunnel_has_none_if_told_so() {
    let peer = told(distinct());
    let report = Report::new(Reporter::Source, Subject::peer(&peer), Subject::peer(&peer));
    assert_eq!(
        TcpLabels::new(&report, LabelDialect::Envoy).get("source_region"),
        None
    );
    let with = report.with_locality(true);
    assert_eq!(
        TcpLabels::new(&with, LabelDialect::Envoy).get("source_region"),
        Some("region")
    );
    assert_eq!(
        TcpLabels::new(&with, LabelDialect::Envoy).get("destination_zone"),
        Some("zone")
    );
    let without = report.with_locality(false);
    assert_eq!(
        TcpLabels::new(&without, LabelDialect::Ztunnel).iter().len(),
        23
    );
}

#[test]
fn with_nothing_known_at_all_everything_that_could_be_unknown_is() {
    let nobody = Peer::default();
    let report = Report::new(
        Reporter::Source,
        Subject::peer(&nobody),
        Subject::peer(&nobody),
    );
    let labels = TcpLabels::new(&report, LabelDialect::Ztunnel);
    assert_eq!(labels.unknown(), 20);
    assert_eq!(labels.iter().len(), 23);
    assert_eq!(labels.get("reporter"), Some("source"));
    assert_eq!(labels.get("request_protocol"), Some("tcp"));
    assert_eq!(labels.get("response_flags"), Some("-"));
}

#[test]
fn envoys_tcp_set_is_in_envoys_order() {
    let labels = labels(
        Reporter::Destination,
        &told(distinct()),
        LabelDialect::Envoy,
    );
    assert_eq!(
        whole(labels.iter()),
        lines(
            "reporter=destination
            source_workload=workload
            source_canonical_service=service
            source_canonical_revision=revision
            source_workload_namespace=peer-ns
            source_principal=spiffe://mesh/ns/peer-ns/sa/peer
            source_app=app
            source_version=version
            source_cluster=cluster
            destination_workload=own-v1
            destination_workload_namespace=own-ns
            destination_principal=spiffe://mesh/ns/own-ns/sa/own
            destination_app=own
            destination_version=v1
            destination_service=own
            destination_canonical_service=own
            destination_canonical_revision=v1
            destination_service_name=own
            destination_service_namespace=own-ns
            destination_cluster=c1
            request_protocol=tcp
            response_flags=-
            connection_security_policy=mutual_tls"
        )
    );
}

#[test]
fn response_flags_are_ztunnels_words() {
    let words = [
        ConnectionFlag::None,
        ConnectionFlag::Deny,
        ConnectionFlag::Connect,
        ConnectionFlag::Tls,
        ConnectionFlag::H2Handshake,
        ConnectionFlag::NetworkPolicy,
        ConnectionFlag::Identity,
        ConnectionFlag::CertRevoked,
    ]
    .map(ConnectionFlag::as_str);
    assert_eq!(
        words,
        [
            "-",
            "DENY",
            "CONNECT",
            "TLS_FAILURE",
            "H2_HANDSHAKE_FAILURE",
            "NETWORK_POLICY",
            "IDENTITY_ERROR",
            "CERT_REVOKED"
        ]
    );
    let nobody = Peer::default();
    let report = Report::new(
        Reporter::Source,
        Subject::peer(&nobody),
        Subject::peer(&nobody),
    )
    .with_flags("UF,URX");
    assert_eq!(
        TcpLabels::new(&report, LabelDialect::Envoy).get("response_flags"),
        Some("UF,URX")
    );
}

#[test]
fn equal_reports_make_equal_keys_and_different_ones_do_not() {
    let a = labels(Reporter::Source, &told(distinct()), LabelDialect::Ztunnel);
    let b = labels(Reporter::Source, &told(distinct()), LabelDialect::Ztunnel);
    let c = labels(
        Reporter::Source,
        &told(workload("x", "c")),
        LabelDialect::Ztunnel,
    );
    assert_eq!(a, b);
    assert_ne!(a, c);
    // The same text cut at other places is another set.
    let ab = told(
        PeerAttributes::builder()
            .service("ab")
            .revision("c")
            .build(),
    );
    let bc = told(
        PeerAttributes::builder()
            .service("a")
            .revision("bc")
            .build(),
    );
    let cut = |peer| labels(Reporter::Source, peer, LabelDialect::Ztunnel);
    assert_ne!(cut(&ab), cut(&bc));
}
