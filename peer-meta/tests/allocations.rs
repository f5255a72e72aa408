//! What an exchange costs. Counted in debug builds too: the numbers do not depend on the optimiser.

mod world;

use std::sync::Arc;

use allocation_counter::measure;
use http::{HeaderValue, StatusCode};
use peer_meta::labels::{HttpLabels, HttpOutcome, LabelDialect, Report, TcpLabels};
use peer_meta::{DestinationService, Exchange, ExchangeConfig, Hop, Role, Target};
use world::{epoch, id, ip, own};

const TOLD: &str = "k8s.cluster.name=c2,k8s.namespace.name=shop,k8s.deployment.name=server-v1,service.name=server,\
                    service.version=v1,cloud.region=r,cloud.availability_zone=z";

#[test]
fn telling_is_a_reference_count_bump_from_the_first_time_on() {
    let config = ExchangeConfig::new();
    let source = Exchange::new(
        Role::SourceNodeProxy,
        &config,
        own("own", "c1", "here"),
        epoch(),
    );
    let cost = measure(|| {
        for hop in [Hop::Outer, Hop::Inner, Hop::Single] {
            assert!(source.request_baggage(hop).is_some());
        }
    });
    assert_eq!(cost.count_total, 0);
    let destination = Exchange::new(
        Role::DestinationNodeProxy,
        &config,
        own("own", "c1", "here"),
        epoch(),
    );
    let cost = measure(|| assert!(destination.response_baggage(StatusCode::OK).is_some()));
    assert_eq!(cost.count_total, 0);
}

#[test]
fn a_settled_exchange_costs_at_most_three_allocations_at_the_source() {
    let (now, config, own, server) = (
        epoch(),
        ExchangeConfig::new(),
        own("own", "c1", "here"),
        id("server"),
    );
    let told = [HeaderValue::from_static(TOLD)];
    let cost = measure(|| {
        let mut exchange = Exchange::new(Role::SourceNodeProxy, &config, Arc::clone(&own), now);
        exchange.dial(Target::OtherNetwork, now);
        let _sent = exchange.request_baggage(Hop::Inner);
        exchange.handle_connected(Hop::Inner, Some(Arc::clone(&server)));
        exchange.handle_response(Hop::Inner, &told);
        assert!(exchange.is_settled() && exchange.upstream().for_telemetry().is_some());
    });
    assert!(cost.count_total <= 3, "{cost:?}");
}

#[test]
fn a_settled_exchange_costs_at_most_three_allocations_at_the_destination() {
    let (now, config, own, client) = (
        epoch(),
        ExchangeConfig::new(),
        own("own", "c1", "here"),
        id("client"),
    );
    let told = [HeaderValue::from_static(TOLD)];
    let cost = measure(|| {
        let mut exchange =
            Exchange::new(Role::DestinationNodeProxy, &config, Arc::clone(&own), now);
        exchange.handle_accepted(Some(Arc::clone(&client)));
        exchange.handle_request(ip("10.0.0.1"), Some(b"there"), &told);
        let _sent = exchange.response_baggage(StatusCode::OK);
        assert!(exchange.is_settled() && exchange.downstream().for_telemetry().is_some());
    });
    assert!(cost.count_total <= 3, "{cost:?}");
}

#[test]
fn what_is_not_waited_for_is_not_even_parsed() {
    let (now, own) = (epoch(), own("own", "c1", "here"));
    let told = [HeaderValue::from_static(TOLD)];
    let config = ExchangeConfig::new().with_exchange(false);
    let cost = measure(|| {
        let mut exchange =
            Exchange::new(Role::DestinationNodeProxy, &config, Arc::clone(&own), now);
        exchange.handle_request(ip("10.0.0.1"), Some(b"there"), &told);
        assert!(exchange.is_settled());
    });
    assert_eq!(cost.count_total, 0);
}

#[test]
fn the_labels_of_a_settled_exchange_cost_one_allocation() {
    let mut exchange = Exchange::new(
        Role::SourceNodeProxy,
        &ExchangeConfig::new(),
        own("own", "c1", "here"),
        epoch(),
    );
    exchange.dial(Target::OtherNetwork, epoch());
    exchange.handle_connected(Hop::Inner, Some(id("server")));
    exchange.handle_response(Hop::Inner, &[HeaderValue::from_static(TOLD)]);
    let service = DestinationService::from_host("server.shop.svc.cluster.local");
    for dialect in [LabelDialect::Envoy, LabelDialect::Ztunnel] {
        let report = Report::of(&exchange).with_service(Some(&service));
        let mut labels = None;
        let cost = measure(|| labels = Some(TcpLabels::new(&report, dialect)));
        assert_eq!(cost.count_total, 1, "{dialect:?}");
        let outcome = HttpOutcome::Grpc {
            code: 200,
            status: Some(0),
        };
        let cost = measure(|| drop(HttpLabels::new(&report, outcome, dialect)));
        assert_eq!(cost.count_total, 1, "{dialect:?}");
        let labels = labels.unwrap();
        let cost = measure(|| assert!(labels.iter().all(|(_, value)| !value.is_empty())));
        assert_eq!(cost.count_total, 0, "{dialect:?}");
    }
}

#[test]
fn one_allocation_is_enough_for_labels_that_have_to_be_cleaned() {
    let mut exchange = Exchange::new(
        Role::SourceNodeProxy,
        &ExchangeConfig::new(),
        own("own", "c1", "here"),
        epoch(),
    );
    exchange.dial(Target::OtherNetwork, epoch());
    let told = "k8s.pod.name=%F0%9F%98%80%0A,service.name=%00,cloud.region=%E2%80%AE".repeat(3);
    exchange.handle_response(Hop::Inner, &[HeaderValue::from_str(&told).unwrap()]);
    let report = Report::of(&exchange);
    let cost = measure(|| drop(TcpLabels::new(&report, LabelDialect::Ztunnel)));
    assert_eq!(cost.count_total, 1);
}
