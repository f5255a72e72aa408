//! A real Prometheus scrapes the demo with the configuration of `examples/monitoring`, and is asked what Kiali, Istio's Grafana
//! dashboards and our own ask it.

mod demo;
mod graph;
mod istio_dashboards;
mod kiali;
mod our_dashboard;
mod server;

use std::collections::BTreeSet;

use demo::Demo;
use graph::{Edge, Graph, Party};
use server::Prometheus;

/// One test: the demo has fixed addresses, so its runs follow one another.
#[test]
fn prometheus_kiali_and_grafana_see_every_edge_with_both_parties_and_lose_one_across_networks_without_baggage()
 {
    let Some(program) = server::program() else {
        return;
    };
    demo::scrape_configuration_names_every_proxy();

    let demo = Demo::start(&[]);
    let prometheus = Prometheus::start(&program, "on");
    let expected = all_edges();
    let graph = prometheus.eventually("every edge with both parties", || {
        let graph = kiali::graph(&prometheus);
        expected.is_subset(&graph.known).then_some(graph)
    });
    assert_eq!(
        graph.unknown,
        BTreeSet::new(),
        "somebody is unknown to somebody"
    );
    assert_eq!(graph.known, expected, "there is an edge that nobody made");
    kiali::appenders_know_policy_principals_and_response_times(&prometheus);
    istio_dashboards::have_data(&prometheus);
    our_dashboard::has_data(&prometheus);
    drop((prometheus, demo));

    let demo = Demo::start(&["--no-baggage"]);
    let prometheus = Prometheus::start(&program, "off");
    let (across, within): (BTreeSet<_>, BTreeSet<_>) =
        expected.into_iter().partition(Edge::crosses_networks);
    let lost = one_sided(&across);
    let Graph { known, unknown } = prometheus.eventually("every edge, some with one party", || {
        let graph = kiali::graph(&prometheus);
        let whole = within.is_subset(&graph.known) && lost.is_subset(&graph.unknown);
        whole.then_some(graph)
    });
    let kept: Vec<_> = known.intersection(&across).collect();
    assert!(kept.is_empty(), "known across networks: {kept:?}");
    assert_eq!(unknown, lost);
    drop((prometheus, demo));
}

/// Who talks to whom, as node proxies, waypoints and gateways count it.
fn all_edges() -> BTreeSet<Edge> {
    let a = |workload| Party::new(workload, "cluster-a");
    let b = |workload| Party::new(workload, "cluster-b");
    let (checkout, ingress) = (a("checkout-v1"), a("istio-ingressgateway"));
    let (for_reviews, for_catalog) = (a("reviews-waypoint"), a("catalog-waypoint"));
    let gateway = b("istio-eastwestgateway");
    let stock = ["stock-v1", "stock-v2", "stock-v3"].map(b);
    let reviews = ["reviews-v1", "reviews-v2"].map(b);
    let catalog = ["catalog-v1", "catalog-v2"].map(a);
    let mut edges = BTreeSet::new();
    let mut add = |source: &Party, destinations: &[Party], protocol| {
        for destination in destinations {
            edges.insert(Edge::new(source, destination, protocol));
        }
    };
    // Requests: of which waypoints tell that they came from the client.
    add(&checkout, &reviews, "http");
    add(&checkout, &catalog, "http");
    add(&ingress, &reviews, "http");
    // Connections: what carries requests is one for node proxies.
    add(&checkout, &stock, "tcp");
    add(
        &checkout,
        &[a("cart-v1"), for_reviews.clone(), for_catalog.clone()],
        "tcp",
    );
    add(&for_catalog, &catalog, "tcp");
    add(&for_reviews, &reviews, "tcp");
    add(&ingress, &reviews, "tcp");
    // The gateway tells of itself and whom it chose.
    add(&gateway, &stock, "tcp");
    add(&gateway, &reviews, "tcp");
    edges
}

/// What is left of edges across networks: to each end that counts, the other one is unknown.
fn one_sided(across: &BTreeSet<Edge>) -> BTreeSet<Edge> {
    let unknown = Party::new("unknown", "unknown");
    let client = Party::new("checkout-v1", "cluster-a");
    let mut left = BTreeSet::new();
    for edge in across {
        // Node proxies count connections, at both ends; gateways and waypoints count the requests that they send on.
        let is_connection = edge.protocol == "tcp";
        if is_connection {
            left.insert(Edge::new(&unknown, &edge.destination, "tcp"));
        }
        if !is_connection || edge.source == client {
            left.insert(Edge::new(&edge.source, &unknown, &edge.protocol));
        }
    }
    left
}
