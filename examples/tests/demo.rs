//! The demo, run as a person runs it. Its proxies listen on fixed addresses, so its runs follow one another in one test.

use std::collections::BTreeSet;
use std::process::{Command, Output, Stdio};
use std::{fs, thread};

use serde_json::Value;

#[test]
fn the_demo_knows_both_parties_with_baggage_and_loses_them_without() {
    let on = json(&["--json", "--requests", "60"]);
    assert_eq!(on["connections"], 60);
    assert_eq!(on["bytes_ok"], true);
    assert_eq!(on["unknown_labels"], 0);
    let pods = on["distribution"].as_object().expect("an object");
    assert_eq!(pods.len(), 3);
    for (pod, count) in pods {
        let share = count.as_u64().expect("a count") * 100 / 60;
        assert!((25..=42).contains(&share), "{pod} served {share} %");
    }

    // What each hop saw: the gateway's answer names the gateway, the destination's names a pod.
    let hops = list(&on, "hops");
    assert_eq!(hops.len(), 2);
    let (outer, inner) = (&hops[0], &hops[1]);
    assert_eq!(
        (&outer["hop"], &inner["hop"]),
        (&"outer".into(), &"inner".into())
    );
    assert!(text(&outer["response"]["baggage"]).contains("istio-eastwestgateway"));
    assert!(text(&inner["response"]["baggage"]).contains("k8s.deployment.name=stock-v"));
    assert!(outer["request"].get("x-forwarded-network").is_none());
    assert_eq!(inner["request"]["x-forwarded-network"], "network-a");
    assert_eq!(
        outer["request"]["traceparent"],
        inner["request"]["traceparent"]
    );

    // Both reporters name both parties, and never the gateway.
    let opened = across(&on, "istio_tcp_connections_opened_total");
    for reporter in ["source", "destination"] {
        let mine = opened
            .iter()
            .filter(|sample| sample["labels"]["reporter"] == reporter);
        let total: u64 = mine.clone().map(|sample| value(sample)).sum();
        assert_eq!(total, 60, "{reporter}");
        for sample in mine {
            assert_eq!(sample["labels"]["source_workload"], "checkout-v1");
            assert!(text(&sample["labels"]["destination_workload"]).starts_with("stock-v"));
            assert_eq!(sample["labels"]["connection_security_policy"], "mutual_tls");
        }
    }
    let received = across(&on, "istio_tcp_received_bytes_total");
    let moved: u64 = received.iter().map(|sample| value(sample)).sum();
    assert_eq!(
        Some(moved),
        on["bytes"].as_u64().map(|bytes| 2 * bytes),
        "both reporters count all bytes"
    );
    let closed = across(&on, "istio_tcp_connections_closed_total");
    assert_eq!(
        values(&closed),
        values(&opened),
        "the report waits for the proxies"
    );

    // All flows are whole, and each request is counted once, by whoever looks at requests.
    let flows = list(&on, "flows");
    assert_eq!(flows.len(), 5);
    for flow in flows {
        assert_eq!((&flow["calls"], &flow["failed"]), (&60.into(), &0.into()));
    }
    let services = |key: &str, value: bool| {
        let flows = flows.iter().filter(|flow| flow[key] == value);
        flows.count()
    };
    assert_eq!(services("crosses_networks", true), 3);
    let requests = samples(&on, "istio_requests_total");
    assert_eq!(values(&requests).iter().sum::<u64>(), 3 * 60);
    let asked = |source: &str, destination: &str| -> u64 {
        let edges = list(&on, "edges").iter();
        edges
            .filter(|edge| edge["protocol"] == "http" && edge["source"] == source)
            .filter(|edge| text(&edge["destination"]).starts_with(destination))
            .map(|edge| edge["count"].as_u64().expect("a count"))
            .sum()
    };
    assert_eq!(asked("checkout-v1.cluster-a", "reviews-v"), 60);
    assert_eq!(asked("checkout-v1.cluster-a", "catalog-v"), 60);
    assert_eq!(asked("istio-ingressgateway.cluster-a", "reviews-v"), 60);
    assert_eq!(list(&on, "proxies").len(), 13);

    let off = json(&["--json", "--requests", "30", "--no-baggage"]);
    assert_eq!(
        (&off["connections"], &off["bytes_ok"]),
        (&30.into(), &true.into())
    );
    assert!(off["unknown_labels"].as_u64().expect("a count") > 0);
    let opened = across(&off, "istio_tcp_connections_opened_total");
    let seen = |reporter: &str, label: &str| {
        let mut mine = opened
            .iter()
            .filter(|sample| sample["labels"]["reporter"] == reporter);
        mine.all(|sample| sample["labels"][label] == "unknown")
    };
    assert!(seen("source", "destination_workload"));
    assert!(seen("destination", "source_workload"));
    assert!(
        !seen("source", "destination_principal"),
        "what TLS proved is still known"
    );
    // Within a network the directory knows.
    let unknown: BTreeSet<_> = list(&off, "edges")
        .iter()
        .filter(|edge| !list(edge, "unknown").is_empty())
        .map(|edge| text(&edge["service"]))
        .collect();
    let host = |name: &str| format!("{name}.shop.svc.cluster.local");
    assert_eq!(
        unknown,
        BTreeSet::from([&*host("reviews"), &*host("stock")])
    );

    let plain = run(&["--requests", "3"]);
    assert!(plain.status.success());
    let report = String::from_utf8(plain.stdout).expect("UTF-8");
    assert!(report.ends_with("0 labels are `unknown`\n"), "{report}");
    let progress = String::from_utf8(plain.stderr).expect("UTF-8");
    assert!(progress.contains("3 of 3"), "{progress}");
    assert!(!progress.contains("ERROR"), "{progress}");

    // A reader that has seen enough (`| head -n 1`) is neither a failure nor a panic.
    let mut unread = demo(&["--requests", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the demo starts");
    drop(unread.stdout.take());
    let ended = unread.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0));
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(!told.contains("panicked"), "{told}");

    for arguments in [&["--ui", "127.0.0.1:0"][..], &["--keep"], &[]] {
        for signal in ["INT", "TERM", "HUP"] {
            no_key_is_left(arguments, signal);
        }
    }

    let wrong = run(&["--requests", "0"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--requests"));
}

/// Whoever is told to end as soon as there are keys takes them along, and says nothing of proxies that end.
fn no_key_is_left(arguments: &[&str], signal: &str) {
    let home = std::env::temp_dir().join(format!("demo-keys-{}", std::process::id()));
    fs::create_dir_all(&home).expect("a folder");
    let left = || fs::read_dir(&home).expect("the folder").count();
    let mut told = demo(arguments)
        .env("TMPDIR", &home)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the demo starts");
    while left() == 0 {
        let ended = told.try_wait().expect("a status");
        assert!(ended.is_none(), "{arguments:?} ended without keys");
        thread::yield_now();
    }
    let pid = told.id().to_string();
    let kill = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(kill.expect("kill").success());
    let ended = told.wait_with_output().expect("it ends");
    assert!(ended.status.code().is_some(), "{signal} killed it");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(!errors.contains("WARN"), "{arguments:?} {signal}: {errors}");
    assert_eq!(left(), 0, "{arguments:?} {signal}");
    fs::remove_dir(&home).expect("an empty folder");
}

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    demo(arguments).output().expect("the demo starts")
}

fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

fn list<'a>(report: &'a Value, key: &str) -> &'a Vec<Value> {
    report[key].as_array().expect("a list")
}

fn samples<'a>(report: &'a Value, name: &str) -> Vec<&'a Value> {
    let metrics = list(report, "metrics").iter();
    metrics.filter(|sample| sample["name"] == name).collect()
}

/// Those of the connections across networks at their two ends.
fn across<'a>(report: &'a Value, name: &str) -> Vec<&'a Value> {
    let is_at_an_end = |sample: &&Value| {
        sample["labels"]["destination_service"] == "stock.shop.svc.cluster.local"
            && sample["proxy"] != "istio-eastwestgateway"
    };
    let samples = samples(report, name).into_iter();
    samples.filter(is_at_an_end).collect()
}

fn values(samples: &[&Value]) -> Vec<u64> {
    samples.iter().map(|sample| value(sample)).collect()
}

fn value(sample: &Value) -> u64 {
    sample["value"].as_u64().expect("a value")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
