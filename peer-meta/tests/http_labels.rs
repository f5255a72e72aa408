//! The labels of HTTP metrics.

mod world;

use peer_meta::labels::{HttpLabels, HttpOutcome, LabelDialect, Report, Reporter, Subject};
use peer_meta::{Attributes, Claimed, DestinationService, Peer};
use world::{id, lines, own, whole, workload};

fn peer() -> Peer {
    Peer::from_tls(Some(id("peer")))
        .with_attributes(Attributes::Claimed(Claimed::new(workload("peer", "c2"))))
}

fn labels(reporter: Reporter, outcome: HttpOutcome) -> HttpLabels {
    let (peer, own) = (peer(), own("own", "c1", "here"));
    let service = DestinationService::from_host("echo.shop.svc:8080");
    let (source, destination) = match reporter {
        Reporter::Source => (Subject::own(&own), Subject::peer(&peer)),
        _ => (Subject::peer(&peer), Subject::own(&own)),
    };
    let report = Report::new(reporter, source, destination).with_service(Some(&service));
    HttpLabels::new(&report, outcome, LabelDialect::Envoy)
}

#[test]
fn a_request_at_the_source_is_labelled_whole() {
    assert_eq!(
        whole(labels(Reporter::Source, HttpOutcome::Http { code: 503 }).iter()),
        lines(
            "reporter=source
            source_workload=own-v1
            source_canonical_service=own
            source_canonical_revision=v1
            source_workload_namespace=own-ns
            source_principal=spiffe://mesh/ns/own-ns/sa/own
            source_app=own
            source_version=v1
            source_cluster=c1
            destination_workload=peer-v1
            destination_workload_namespace=peer-ns
            destination_principal=spiffe://mesh/ns/peer-ns/sa/peer
            destination_app=peer
            destination_version=v1
            destination_service=echo.shop.svc
            destination_canonical_service=peer
            destination_canonical_revision=v1
            destination_service_name=echo
            destination_service_namespace=peer-ns
            destination_cluster=c2
            request_protocol=http
            response_code=503
            grpc_response_status=
            response_flags=-
            connection_security_policy=unknown"
        )
    );
}

#[test]
fn a_grpc_call_says_so_and_has_a_status_if_it_got_that_far() {
    let done = labels(
        Reporter::Destination,
        HttpOutcome::Grpc {
            code: 200,
            status: Some(14),
        },
    );
    assert_eq!(done.get("request_protocol"), Some("grpc"));
    assert_eq!(done.get("response_code"), Some("200"));
    assert_eq!(done.get("grpc_response_status"), Some("14"));
    let cut = labels(
        Reporter::Destination,
        HttpOutcome::Grpc {
            code: 0,
            status: None,
        },
    );
    assert_eq!(cut.get("grpc_response_status"), Some(""));
    assert_eq!(cut.get("response_code"), Some("0"));
    let zero = labels(
        Reporter::Destination,
        HttpOutcome::Grpc {
            code: 200,
            status: Some(0),
        },
    );
    assert_eq!(zero.get("grpc_response_status"), Some("0"));
}

#[test]
fn an_http_request_has_an_empty_grpc_status_which_is_not_unknown() {
    let labels = labels(Reporter::Destination, HttpOutcome::Http { code: 200 });
    assert_eq!(labels.get("grpc_response_status"), Some(""));
    assert_eq!(labels.unknown(), 0);
}

#[test]
fn response_code_and_grpc_status_stand_between_protocol_and_flags() {
    let labels = labels(Reporter::Waypoint, HttpOutcome::Http { code: 200 });
    let names: Vec<_> = labels.iter().map(|(name, _)| name).skip(20).collect();
    assert_eq!(
        names,
        [
            "request_protocol",
            "response_code",
            "grpc_response_status",
            "response_flags",
            "connection_security_policy"
        ]
    );
}

#[test]
fn locality_labels_come_last_when_asked_for() {
    let (peer, own) = (peer(), own("own", "c1", "here"));
    let report = Report::new(
        Reporter::Destination,
        Subject::peer(&peer),
        Subject::own(&own),
    )
    .with_locality(true);
    let labels = HttpLabels::new(
        &report,
        HttpOutcome::Http { code: 200 },
        LabelDialect::Envoy,
    );
    assert_eq!(labels.iter().len(), 29);
    assert_eq!(labels.iter().last(), Some(("destination_zone", "c1-z")));
    assert_eq!(labels.get("source_region"), Some("c2-r"));
}

#[test]
fn response_codes_are_plain_numbers() {
    for code in [0, 7, 42, 200, 999, 1000, 65535] {
        let labels = labels(Reporter::Source, HttpOutcome::Http { code });
        assert_eq!(labels.get("response_code"), Some(code.to_string().as_str()));
    }
}
