//! What Kiali asks for its graph: kiali/kiali, `graph/telemetry/istio`, as of version 2. Which rows it then leaves out or joins is its own affair.
//!
//! The queries are those of an ambient mesh with all traffic shown (`Rates.Ambient` is `total`: reporters are the waypoints,
//! too, and ztunnels are not left out), for the namespaces of the demo.

use serde_json::Value;

use crate::graph::Graph;
use crate::server::Prometheus;

const NAMESPACES: [&str; 2] = ["shop", "istio-system"];
/// What is summed up, as the range of the graph.
const RANGE: &str = "60s";

/// `groupBy` of the HTTP part of `buildNamespaceTrafficMap` in `istio.go`.
const HTTP: &str = "source_cluster,source_workload_namespace,source_workload,source_canonical_service,\
    source_canonical_revision,destination_cluster,destination_service_namespace,destination_service,\
    destination_service_name,destination_workload_namespace,destination_workload,destination_canonical_service,\
    destination_canonical_revision,request_protocol,response_code,grpc_response_status,response_flags";
/// That of its TCP part.
const TCP: &str = "app,source_cluster,source_workload_namespace,source_workload,source_canonical_service,\
    source_canonical_revision,destination_cluster,destination_service_namespace,destination_service,\
    destination_service_name,destination_workload_namespace,destination_workload,destination_canonical_service,\
    destination_canonical_revision,response_flags";
/// That of `appendGraph` in `appender/security_policy.go`.
const POLICY: &str = "source_cluster,source_workload_namespace,source_workload,source_canonical_service,\
    source_canonical_revision,source_principal,destination_cluster,destination_service_namespace,\
    destination_service_name,destination_workload_namespace,destination_workload,destination_canonical_service,\
    destination_canonical_revision,destination_principal,connection_security_policy";
/// That of `appendGraph` in `appender/response_time.go`, with `le` before it for quantiles.
const TIMES: &str = "source_cluster,source_workload_namespace,source_workload,source_canonical_service,\
    source_canonical_revision,destination_cluster,destination_service_namespace,destination_service,\
    destination_service_name,destination_workload_namespace,destination_workload,destination_canonical_service,\
    destination_canonical_revision,request_protocol";

/// That of `appendGraph` in `appender/throughput.go`, in which no protocol is told apart.
const THROUGHPUT: &str = "source_cluster,source_workload_namespace,source_workload,source_canonical_service,\
    source_canonical_revision,destination_cluster,destination_service_namespace,destination_service,\
    destination_service_name,destination_workload_namespace,destination_workload,destination_canonical_service,\
    destination_canonical_revision";

/// `istio.go`, `buildNamespaceTrafficMap`: queries 0 to 3 of HTTP, 0 to 2 of each TCP metric, for each namespace.
pub(crate) fn graph(prometheus: &Prometheus) -> Graph {
    let mut graph = Graph::default();
    for namespace in NAMESPACES {
        for selector in [
            unserviced(namespace),
            // Ambient only: an ingress gateway that passes waypoints by.
            format!(
                r#"reporter="source",source_workload_namespace!="{namespace}",destination_workload_namespace="{namespace}""#
            ),
            incoming(namespace),
            outgoing(namespace),
        ] {
            let rows = prometheus.query(&summed("istio_requests_total", &selector, HTTP));
            graph.add(&rows, "http");
        }
        // `Rates.Tcp` is `total`.
        for metric in [
            "istio_tcp_received_bytes_total",
            "istio_tcp_sent_bytes_total",
        ] {
            for selector in [
                unserviced(namespace),
                incoming(namespace),
                outgoing(namespace),
            ] {
                graph.add(&prometheus.query(&summed(metric, &selector, TCP)), "tcp");
            }
        }
    }
    graph
}

/// What the edges are adorned with: padlocks and principals, response times, throughput.
pub(crate) fn appenders_know_policy_principals_and_response_times(prometheus: &Prometheus) {
    // security_policy.go, appendGraph: the second query, with what it adds for ztunnels.
    let selector = r#"reporter=~"waypoint|destination",source_workload_namespace="shop""#;
    let requests = plain("istio_requests_total", selector, POLICY);
    let sent = plain("istio_tcp_sent_bytes_total", selector, POLICY);
    let ztunnel = r#"app="ztunnel",reporter="source",source_workload_namespace="shop""#;
    let by_ztunnel = plain("istio_tcp_received_bytes_total", ztunnel, POLICY);
    for query in [requests, sent, by_ztunnel] {
        let rows = prometheus.query(&format!("round(({query}),0.001)"));
        let reached = |row: &&Value| row["metric"]["destination_workload"] != "unknown";
        let rows: Vec<_> = rows.iter().filter(reached).collect();
        assert!(!rows.is_empty(), "{query}");
        for row in rows {
            let labels = &row["metric"];
            assert_eq!(
                labels["connection_security_policy"], "mutual_tls",
                "{labels}"
            );
            for principal in ["source_principal", "destination_principal"] {
                let value = labels[principal].as_str().unwrap_or_default();
                assert!(value.starts_with("spiffe://cluster.local/"), "{labels}");
            }
        }
    }
    for direction in [
        r#"reporter=~"destination|waypoint",destination_service_namespace="shop""#,
        r#"reporter=~"source|waypoint",source_workload_namespace="shop""#,
    ] {
        // response_time.go, appendGraph: the mean, and a quantile.
        let of = |part| {
            let metric = format!("istio_request_duration_milliseconds_{part}");
            format!("sum(rate({metric}{{{direction}}}[{RANGE}])) by ({TIMES})")
        };
        has_rows(prometheus, &format!("{} / {} > 0", of("sum"), of("count")));
        let buckets = "istio_request_duration_milliseconds_bucket";
        let rate = format!("sum(rate({buckets}{{{direction}}}[{RANGE}])) by (le,{TIMES})");
        has_rows(prometheus, &format!("histogram_quantile(0.95, {rate}) > 0"));
    }
    throughput(prometheus);
}

/// throughput.go, appendGraph: what comes into a namespace from others, and what leaves it. Bytes of requests are those that their
/// sources tell, bytes of responses those of their destinations; waypoints tell both.
fn throughput(prometheus: &Prometheus) {
    let (ingress, client) = (Some("istio-ingressgateway"), Some("checkout-v1"));
    for (kind, reporter, sources) in [
        ("request", "source", [ingress, client]),
        // What an ingress gateway is answered that passes the waypoint by, nobody tells who would be a destination.
        ("response", "destination", [None, client]),
    ] {
        let metric = format!("istio_{kind}_bytes_sum");
        let reporter = format!(r#"reporter=~"waypoint|{reporter}""#);
        let into = r#"source_workload_namespace!="shop",destination_service_namespace="shop""#;
        let out_of = r#"source_workload_namespace="shop""#;
        for (selector, source) in [into, out_of].into_iter().zip(sources) {
            let rate = format!("sum(rate({metric}{{{reporter},{selector}}}[{RANGE}]))");
            let query = format!("round({rate} by ({THROUGHPUT}) > 0,0.001)");
            let rows = prometheus.query(&query);
            let mut from: Vec<_> = rows.iter().map(|row| &row["metric"]).collect();
            from.retain(|labels| source.is_some_and(|source| labels["source_workload"] == source));
            assert_eq!(from.is_empty(), source.is_none(), "{query}: {rows:?}");
            for labels in from {
                // It leaves out what lacks a label, and does not believe in clusters that are unknown.
                for label in THROUGHPUT.split(',').map(str::trim) {
                    let value = labels[label].as_str().unwrap_or("absent");
                    assert!(
                        !["absent", "unknown"].contains(&value),
                        "{label} in {labels}"
                    );
                }
            }
        }
    }
}

fn has_rows(prometheus: &Prometheus, query: &str) {
    assert!(!prometheus.query(query).is_empty(), "nothing for {query}");
}

/// Query 0: what reached no workload.
fn unserviced(namespace: &str) -> String {
    format!(
        r#"reporter=~"waypoint|source",source_workload_namespace!="{namespace}",destination_workload_namespace="unknown",destination_workload="unknown",destination_service=~"^.+\\.{namespace}\\..+$""#
    )
}

fn incoming(namespace: &str) -> String {
    format!(r#"reporter=~"waypoint|destination",destination_workload_namespace="{namespace}""#)
}

fn outgoing(namespace: &str) -> String {
    format!(r#"reporter=~"waypoint|source",source_workload_namespace="{namespace}""#)
}

/// As `util.PromQuery` sends it: rounded, without idle edges.
fn summed(metric: &str, selector: &str, by: &str) -> String {
    format!("round({},0.001)", plain(metric, selector, by))
}

fn plain(metric: &str, selector: &str, by: &str) -> String {
    format!("sum(rate({metric}{{{selector}}} [{RANGE}])) by ({by}) > 0")
}
