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

/// `istio-service-dashboard.json`. First what its variables are chosen from: services, and the clients of one.
const SERVICE_VARIABLES: [&str; 4] = [
    r#"sum(istio_requests_total{}) by (destination_service) or sum(istio_tcp_sent_bytes_total{}) by (destination_service)"#,
    r#"sum(istio_requests_total{reporter=~"$qrep", destination_service="$service"}) by (source_cluster) or sum(istio_tcp_sent_bytes_total{reporter=~"$qrep", destination_service="$service"}) by (source_cluster)"#,
    r#"sum(istio_requests_total{reporter=~"$qrep", destination_service="$service"}) by (source_workload_namespace) or sum(istio_tcp_sent_bytes_total{reporter=~"$qrep", destination_service="$service"}) by (source_workload_namespace)"#,
    r#"sum(istio_requests_total{reporter=~"$qrep", destination_service="$service", source_workload_namespace=~"$srcns"}) by (source_workload) or sum(istio_tcp_sent_bytes_total{reporter=~"$qrep", destination_service="$service", source_workload_namespace=~"$srcns"}) by (source_workload)"#,
];

/// Of a service of HTTP: Client Request Volume, Client Success Rate, Client Request Duration; by source: Incoming Requests, Incoming
/// Success Rate, Incoming Request Duration, Incoming Request Size, Response Size. Of the two queries that each of these has, the one for
/// what is not `mutual_tls`: whoever tells as a source does not say how safe the connection was, here as in Istio.
///
/// The panels of its servers ask for `reporter="destination"` alone. In an ambient mesh nobody tells of HTTP as that, with Istio's waypoints
/// as little as with ours, so they are empty here, too.
const SERVICE_HTTP: [&str; 8] = [
    r#"round(sum(irate(istio_requests_total{reporter=~"$qrep",destination_service="$service"}[$__rate_interval])), 0.001)"#,
    r#"sum(irate(istio_requests_total{reporter=~"$qrep",destination_service="$service",response_code!~"5.*"}[$__rate_interval])) / (sum(irate(istio_requests_total{reporter=~"$qrep",destination_service="$service"}[$__rate_interval])) or on () vector(1))"#,
    r#"(histogram_quantile(0.50, sum(irate(istio_request_duration_milliseconds_bucket{reporter=~"$qrep",destination_service="$service"}[$__rate_interval])) by (le)) / 1000) or histogram_quantile(0.50, sum(irate(istio_request_duration_seconds_bucket{reporter=~"$qrep",destination_service="$service"}[$__rate_interval])) by (le))"#,
    r#"round(sum(irate(istio_requests_total{connection_security_policy!="mutual_tls",destination_service="$service",reporter=~"$qrep",source_workload=~"$srcwl",source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace, response_code), 0.001)"#,
    r#"sum(irate(istio_requests_total{reporter=~"$qrep", connection_security_policy!="mutual_tls", destination_service="$service",response_code!~"5.*", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace) / sum(irate(istio_requests_total{reporter=~"$qrep", connection_security_policy!="mutual_tls", destination_service="$service", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace)"#,
    r#"(histogram_quantile(0.95, sum(irate(istio_request_duration_milliseconds_bucket{reporter=~"$qrep", connection_security_policy!="mutual_tls", destination_service="$service", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace, le)) / 1000) or histogram_quantile(0.95, sum(irate(istio_request_duration_seconds_bucket{reporter=~"$qrep", connection_security_policy!="mutual_tls", destination_service="$service", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace, le))"#,
    r#"histogram_quantile(0.90, sum(irate(istio_request_bytes_bucket{reporter=~"$qrep", connection_security_policy!="mutual_tls", destination_service="$service", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace, le))"#,
    r#"histogram_quantile(0.90, sum(irate(istio_response_bytes_bucket{reporter=~"$qrep", connection_security_policy!="mutual_tls", destination_service="$service", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace, le))"#,
];

/// Of a service of TCP: what its workloads are chosen from; TCP Received Bytes, TCP Sent Bytes; by source and by workload of the service: Bytes Received from, and Sent to,
/// Incoming TCP Connection.
const SERVICE_TCP: [&str; 8] = [
    r#"sum(istio_requests_total{reporter="destination", destination_service="$service"}) by (destination_cluster) or sum(istio_tcp_sent_bytes_total{reporter="destination", destination_service="$service"}) by (destination_cluster)"#,
    r#"sum(istio_requests_total{reporter="destination", destination_service="$service", destination_cluster=~"$dstcluster", destination_workload_namespace=~"$dstns"}) by (destination_workload) or sum(istio_tcp_sent_bytes_total{reporter="destination", destination_service="$service", destination_cluster=~"$dstcluster", destination_workload_namespace=~"$dstns"}) by (destination_workload)"#,
    r#"sum(irate(istio_tcp_received_bytes_total{reporter=~"$qrep", destination_service="$service"}[$__rate_interval]))"#,
    r#"sum(irate(istio_tcp_sent_bytes_total{reporter=~"$qrep", destination_service="$service"}[$__rate_interval]))"#,
    r#"round(sum(irate(istio_tcp_received_bytes_total{reporter=~"$qrep", connection_security_policy="mutual_tls", destination_service="$service", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace), 0.001)"#,
    r#"round(sum(irate(istio_tcp_sent_bytes_total{connection_security_policy="mutual_tls", reporter=~"$qrep", destination_service="$service", source_workload=~"$srcwl", source_workload_namespace=~"$srcns"}[$__rate_interval])) by (source_workload, source_workload_namespace), 0.001)"#,
    r#"round(sum(irate(istio_tcp_received_bytes_total{reporter="destination", connection_security_policy="mutual_tls", destination_service="$service", destination_workload=~"$dstwl", destination_workload_namespace=~"$dstns"}[$__rate_interval])) by (destination_workload, destination_workload_namespace), 0.001)"#,
    r#"round(sum(irate(istio_tcp_sent_bytes_total{connection_security_policy="mutual_tls", reporter="destination", destination_service="$service", destination_workload=~"$dstwl", destination_workload_namespace=~"$dstns"}[$__rate_interval])) by (destination_workload, destination_workload_namespace), 0.001)"#,
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
    // Who tells is chosen from `source` and `destination`; `All` of a variable is whatever there is.
    for (service, qrep, queries) in [
        ("reviews", "source", &SERVICE_HTTP[..]),
        ("stock", "source", &SERVICE_TCP),
        ("stock", "destination", &SERVICE_TCP),
    ] {
        for query in SERVICE_VARIABLES.iter().chain(queries) {
            let query = query
                .replace("$__rate_interval", "60s")
                .replace("$service", &format!("{service}.shop.svc.cluster.local"))
                .replace("$qrep", qrep)
                .replace("$srcns", ".+")
                .replace("$srcwl", ".+")
                .replace("$dstcluster", ".+")
                .replace("$dstns", ".+")
                .replace("$dstwl", ".+");
            has_data(prometheus, &query);
        }
    }
    for (family, kind) in KINDS {
        assert_eq!(prometheus.kind(family), kind, "{family}");
    }
    // A query that names two workloads by TCP has each once by each reporter.
    let by = r#"count by (reporter) (istio_tcp_connections_opened_total{destination_workload="stock-v1",source_workload="checkout-v1"})"#;
    assert_eq!(prometheus.query(by).len(), 2);
}

fn has_data(prometheus: &Prometheus, query: &str) {
    // What is asked of the last two looks alone has no number if nothing came between them.
    prometheus.eventually(query, || {
        let rows = prometheus.query(query);
        let is_number = |row: &serde_json::Value| row["value"][1] != "NaN";
        rows.iter().any(is_number).then_some(())
    });
}
