use serde_json::Value;

use crate::server::Prometheus;

const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/monitoring/dashboard.json");

/// Each query of the dashboard has data, and its panels do not cover one another.
pub(crate) fn has_data(prometheus: &Prometheus) {
    let text = std::fs::read_to_string(DASHBOARD).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a list");
    let mut queries = 0;
    for (index, panel) in panels.iter().enumerate() {
        for other in &panels[..index] {
            assert_ne!(panel["id"], other["id"]);
            assert!(
                !overlap(panel, other),
                "{} and {}",
                panel["title"],
                other["title"]
            );
        }
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            let rows = prometheus.query(&query.replace("$__rate_interval", "60s"));
            assert!(!rows.is_empty(), "{}: no data for {query}", panel["title"]);
            queries += 1;
        }
    }
    assert!(queries > 10, "{queries} queries");
    let title = |panel: &&Value| panel["title"] == "Unknown parties";
    let unknown = panels.iter().find(title).expect("the panel");
    let query = unknown["targets"][0]["expr"].as_str().expect("a query");
    let rows = prometheus.query(&query.replace("$__rate_interval", "60s"));
    // Of what failed, if anything did, nobody knows where it would have gone.
    let failed = r#"{__name__=~"istio_requests_total|istio_tcp_connections_failed_total",response_flags!="-"}"#;
    if prometheus.query(failed).is_empty() {
        assert_eq!(rows[0]["value"][1], "0", "{rows:?}");
    }
}

fn overlap(one: &Value, other: &Value) -> bool {
    let meets = |at: &str, size: &str| {
        let range = |panel: &Value| {
            let number = |key| panel["gridPos"][key].as_u64().expect("a number");
            (number(at), number(at) + number(size))
        };
        let ((a, b), (c, d)) = (range(one), range(other));
        a < d && c < b
    };
    meets("x", "w") && meets("y", "h")
}
