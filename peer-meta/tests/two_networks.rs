//! A connection from a workload of one network to one of another, through an east-west gateway.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use baggage::istio::{Dialect, PeerAttributes, WorkloadKind};
use http::{HeaderValue, StatusCode};
use peer_meta::labels::{LabelDialect, Report, TcpLabels};
use peer_meta::{DestinationService, Exchange, ExchangeConfig, Hop, Own, Role, Target};
use spiffe::SpiffeId;

fn own(name: &str, cluster: &str, network: &str) -> Arc<Own> {
    let attributes = PeerAttributes::builder()
        .cluster(cluster)
        .namespace("shop")
        .workload(WorkloadKind::Deployment, format!("{name}-v1"))
        .service(name)
        .revision("v1")
        .region("r")
        .zone("z")
        .build();
    let id = SpiffeId::new(format!("spiffe://mesh/ns/shop/sa/{name}")).unwrap();
    Arc::new(Own::new(attributes, Dialect::Ztunnel, network).with_identity(id))
}

fn id(own: &Own) -> Option<Arc<SpiffeId>> {
    own.identity().cloned().map(Arc::new)
}

fn lines(value: &Option<HeaderValue>) -> impl Iterator<Item = &HeaderValue> {
    value.iter()
}

struct Ends {
    source: Exchange,
    destination: Exchange,
}

fn run(config: ExchangeConfig) -> Ends {
    #[expect(clippy::disallowed_methods, reason = "the test's epoch")]
    let now = Instant::now();
    let client = own("client", "c1", "n1");
    let gateway = own("gateway", "c2", "n2");
    let server = own("server", "c2", "n2");
    let mut source = Exchange::new(Role::SourceNodeProxy, &config, Arc::clone(&client), now);
    let mut relay = Exchange::new(Role::EastWestGateway, &config, Arc::clone(&gateway), now);
    let mut destination = Exchange::new(
        Role::DestinationNodeProxy,
        &config,
        Arc::clone(&server),
        now,
    );

    source.dial(Target::OtherNetwork);
    source.handle_connected(Hop::Outer, id(&gateway));
    relay.handle_accepted(id(&client));
    let client_address = IpAddr::from([10, 0, 0, 1]);
    relay.handle_request(
        client_address,
        None,
        lines(&source.request_baggage(Hop::Outer)),
    );
    source.handle_response(Hop::Outer, lines(&relay.response_baggage(StatusCode::OK)));

    source.handle_connected(Hop::Inner, id(&server));
    destination.handle_accepted(id(&client));
    let gateway_address = IpAddr::from([10, 0, 0, 1]);
    destination.handle_request(
        gateway_address,
        Some(b"n1"),
        lines(&source.request_baggage(Hop::Inner)),
    );
    source.handle_response(
        Hop::Inner,
        lines(&destination.response_baggage(StatusCode::OK)),
    );
    assert!(source.is_settled() && destination.is_settled());
    Ends {
        source,
        destination,
    }
}

#[test]
fn with_baggage_no_label_of_either_end_is_unknown() {
    let ends = run(ExchangeConfig::new());
    let service = DestinationService::new("server.shop.svc.cluster.local", "server", "shop");
    for exchange in [&ends.source, &ends.destination] {
        let report = Report::of(exchange).with_service(Some(&service));
        let labels = TcpLabels::new(&report, LabelDialect::Ztunnel);
        assert_eq!(
            labels.unknown(),
            0,
            "{:#?}",
            labels.iter().collect::<Vec<_>>()
        );
        assert_eq!(labels.get("source_workload"), Some("client-v1"));
        assert_eq!(labels.get("destination_workload"), Some("server-v1"));
        assert_eq!(
            labels.get("destination_principal"),
            Some("spiffe://mesh/ns/shop/sa/server")
        );
        assert_eq!(labels.get("connection_security_policy"), Some("mutual_tls"));
    }
}

#[test]
fn without_the_exchange_each_end_knows_of_the_other_what_tls_proved_and_no_more() {
    let ends = run(ExchangeConfig::new().with_exchange(false));
    let source = TcpLabels::new(&Report::of(&ends.source), LabelDialect::Ztunnel);
    assert_eq!(source.get("source_workload"), Some("client-v1"));
    assert_eq!(source.get("destination_workload"), Some("unknown"));
    assert_eq!(
        source.get("destination_principal"),
        Some("spiffe://mesh/ns/shop/sa/server")
    );
    let destination = TcpLabels::new(&Report::of(&ends.destination), LabelDialect::Ztunnel);
    assert_eq!(destination.get("source_workload"), Some("unknown"));
    assert_eq!(
        destination.get("source_principal"),
        Some("spiffe://mesh/ns/shop/sa/client")
    );
}
