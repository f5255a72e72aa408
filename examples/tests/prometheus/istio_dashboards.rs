//! What Istio's Grafana dashboards ask: istio/istio, `manifests/addons/dashboards`. Their variables stand for what a person would
//! choose in the demo.

use crate::server::Prometheus;

/// `lib/queries.libsonnet`, for the mesh dashboard (`istio-mesh.libsonnet`): `globalRequest`, `globalRequestSuccessRate`, `httpWorkloads`,
/// `tcpWorkloads`; and for ztunnel's (`ztunnel.libsonnet`): `connections` and `bytes`.
const GENERATED: [&str; 9] = [
    r#"round(sum by () (rate(istio_requests_total{reporter=~"source|waypoint"}[$__rate_interval])), 0.01)"#,
    r#"sum by () (rate(istio_requests_total{reporter=~"source|waypoint",response_code!~"5.."}[$__rate_interval])) / sum by () (rate(istio_requests_total{reporter=~"source|waypoint"}[$__rate_interval]))"#,
    r#"label_join(sum by (destination_workload,destination_workload_namespace,destination_service) (rate(istio_requests_total{reporter=~"source|waypoint"}[$__rate_interval])), "destination_workload_var", ".", "destination_workload", "destination_workload_namespace")"#,
    r#"label_join(histogram_quantile(0.99, sum by (le,destination_workload,destination_workload_namespace) (rate(istio_request_duration_milliseconds_bucket{reporter=~"source|waypoint"}[$__rate_interval]))), "destination_workload_var", ".", "destination_workload", "destination_workload_namespace")"#,
    r#"label_join(sum by (destination_workload,destination_workload_namespace,destination_service) (rate(istio_tcp_received_bytes_total{reporter=~"source|waypoint"}[$__rate_interval])), "destination_workload_var", ".", "destination_workload", "destination_workload_namespace")"#,
    r#"sum by (pod) (rate(istio_tcp_connections_opened_total{pod=~"ztunnel-.*"}[$__rate_interval]))"#,
    r#"-sum by (pod) (rate(istio_tcp_connections_closed_total{pod=~"ztunnel-.*"}[$__rate_interval]))"#,
    r#"sum by (pod) (rate(istio_tcp_sent_bytes_total{pod=~"ztunnel-.*"}[$__rate_interval]))"#,
    r#"sum by (pod) (rate(istio_tcp_received_bytes_total{pod=~"ztunnel-.*"}[$__rate_interval]))"#,
];

/// `istio-workload-dashboard.json`: Incoming Request Volume, Incoming Success Rate, Request Duration, TCP Server Traffic.
const WORKLOAD: [&str; 4] = [
    r#"round(sum(irate(istio_requests_total{reporter=~"$qrep",destination_workload_namespace=~"$namespace",destination_workload=~"$workload"}[5m])), 0.001)"#,
    r#"sum(irate(istio_requests_total{reporter=~"$qrep",destination_workload_namespace=~"$namespace",destination_workload=~"$workload",response_code!~"5.*"}[5m])) / sum(irate(istio_requests_total{reporter=~"$qrep",destination_workload_namespace=~"$namespace",destination_workload=~"$workload"}[5m]))"#,
    r#"(histogram_quantile(0.90, sum(irate(istio_request_duration_milliseconds_bucket{reporter=~"$qrep",destination_workload=~"$workload", destination_workload_namespace=~"$namespace"}[1m])) by (le)) / 1000) or histogram_quantile(0.90, sum(irate(istio_request_duration_seconds_bucket{reporter=~"$qrep",destination_workload=~"$workload", destination_workload_namespace=~"$namespace"}[1m])) by (le))"#,
    r#"sum(irate(istio_tcp_sent_bytes_total{reporter=~"$qrep", destination_workload_namespace=~"$namespace", destination_workload=~"$workload"}[1m])) + sum(irate(istio_tcp_received_bytes_total{reporter=~"$qrep", destination_workload_namespace=~"$namespace", destination_workload=~"$workload"}[1m]))"#,
];

/// What Istio's standard metrics are. OpenMetrics names the family of a counter without `_total`.
const KINDS: [(&str, &str); 8] = [
    ("istio_requests", "counter"),
    ("istio_request_duration_milliseconds", "histogram"),
    ("istio_request_bytes", "histogram"),
    ("istio_response_bytes", "histogram"),
    ("istio_tcp_sent_bytes", "counter"),
    ("istio_tcp_received_bytes", "counter"),
    ("istio_tcp_connections_opened", "counter"),
    ("istio_tcp_connections_closed", "counter"),
];

pub(crate) fn have_data(prometheus: &Prometheus) {
    for query in GENERATED {
        has_data(prometheus, &query.replace("$__rate_interval", "60s"));
    }
    for query in WORKLOAD {
        let query = query
            .replace("$qrep", "source|waypoint")
            .replace("$namespace", "shop");
        has_data(prometheus, &query.replace("$workload", "reviews-v1"));
    }
    for (family, kind) in KINDS {
        assert_eq!(prometheus.kind(family), kind, "{family}");
    }
    // A query that names two workloads by TCP has each once by each reporter.
    let by = r#"count by (reporter) (istio_tcp_connections_opened_total{destination_workload="stock-v1",source_workload="checkout-v1"})"#;
    assert_eq!(prometheus.query(by).len(), 2);
}

fn has_data(prometheus: &Prometheus, query: &str) {
    let rows = prometheus.query(query);
    let is_number = |row: &serde_json::Value| row["value"][1] != "NaN";
    assert!(rows.iter().any(is_number), "no data for {query}: {rows:?}");
}
