//! `hbone decode legacy` and `hbone encode legacy`.

use std::process::Output;

use serde_json::{Value, json};

use crate::hbone::{assert_fails, hbone, text, value};

const PREAMBLE: &str = include_str!("../../../peer-meta/tests/data/preamble.hex");
const EXCHANGE: &str = include_str!("../../../peer-meta/tests/data/alpn_exchange.hex");
const WORKLOADS: &str = include_str!("../../../peer-meta/tests/data/workloads.json");

#[test]
fn a_preamble_is_read_and_what_follows_is_counted() {
    let said = value(&decode("preamble", &[PREAMBLE, "00 01 02"].concat(), &[]));
    assert_eq!(
        (&said["outcome"], &said["left"]),
        (&json!("found"), &json!(3))
    );
    let attributes = &said["metadata"]["attributes"];
    assert_eq!(
        (&attributes["workload"], &attributes["app"]),
        (&json!("cart-v2"), &json!("cart-app"))
    );
}

#[test]
fn an_exchange_is_read() {
    let said = value(&decode("exchange", EXCHANGE, &[]));
    assert_eq!(said["metadata"]["attributes"]["workload"], "echo");
    assert_eq!(said["left"], 0);
}

#[test]
fn every_header_of_the_table_is_read_and_written_again() {
    let workloads: Vec<Value> = serde_json::from_str(WORKLOADS).expect("the table");
    for workload in workloads.iter().take(8) {
        let header = workload["x_envoy_peer_metadata"]
            .as_str()
            .expect("a header");
        let said = decode("header", header, &[]);
        let told = &workload["workload"];
        let read = &value(&said)["metadata"]["attributes"];
        for key in [
            "cluster",
            "namespace",
            "workload",
            "instance",
            "region",
            "zone",
        ] {
            assert_eq!(
                read.get(key),
                told.get(key),
                "{key} of {}",
                workload["name"]
            );
        }
        let again = hbone(&["encode", "legacy", "header"], &said.stdout);
        assert_eq!(text(&again).trim_end(), header, "{}", workload["name"]);
    }
}

#[test]
fn what_is_written_is_read_again_in_every_carrier() {
    let metadata = json!({"metadata": {
        "attributes": {"workload": "w", "workload_type": "job", "cluster": "c"},
        "identity": "spiffe://td/ns/n/sa/s",
        "labels": {"colour": "red", "shape": "round"},
    }, "id": "proxy-1"});
    for flags in [
        &["header"][..],
        &["exchange"],
        &["preamble"],
        &["preamble", "--big-endian"],
    ] {
        let written = hbone(
            &[&["encode", "legacy"], flags].concat(),
            metadata.to_string().as_bytes(),
        );
        let arguments = [&["decode", "legacy"], flags, &["--label", "colour"]].concat();
        let said = value(&hbone(&arguments, &written.stdout));
        assert_eq!(
            said["metadata"]["attributes"]["workload_type"], "job",
            "{flags:?}"
        );
        assert_eq!(said["metadata"]["identity"], "spiffe://td/ns/n/sa/s");
        assert_eq!(
            said["metadata"]["labels"],
            json!({"colour": "red"}),
            "only what was asked for"
        );
    }
}

#[test]
fn raw_bytes_are_written_and_read() {
    let written = hbone(
        &["encode", "legacy", "exchange", "--raw"],
        br#"{"metadata": {}}"#,
    );
    assert_eq!(written.stdout[..4], [0x3d, 0x23, 0x04, 0x67]);
    let said = value(&hbone(
        &["decode", "legacy", "exchange", "--raw"],
        &written.stdout,
    ));
    assert_eq!(said["outcome"], "found");
}

#[test]
fn an_empty_preamble_says_that_there_is_no_peer() {
    let written = hbone(&["encode", "legacy", "preamble"], b"{}");
    assert_eq!(text(&written).trim_end(), "3412cdab00000000");
    let said = value(&decode("preamble", &text(&written), &[]));
    assert_eq!(
        said,
        json!({"outcome": "not_found", "metadata": null, "taken": 8, "left": 0})
    );
}

#[test]
fn what_is_no_metadata_is_told_with_its_place() {
    let preamble: String = PREAMBLE.split_whitespace().collect();
    let exchange: String = EXCHANGE.split_whitespace().collect();
    for (carrier, hex, why) in [
        ("preamble", "", "byte 0: no preamble"),
        ("preamble", "474554202f", "byte 0: no preamble"),
        ("preamble", "abcd123400000000", "byte 0: no preamble"),
        ("preamble", "3412cd", "byte 3: the stream ended"),
        ("preamble", &preamble[..400], "byte 200: the stream ended"),
        (
            "preamble",
            "3412cdabffffffff",
            "byte 4: peer metadata of 4294967295 bytes",
        ),
        (
            "preamble",
            "3412cdab01000000ff",
            "byte 8: peer metadata is not a protobuf",
        ),
        (
            "preamble",
            "3412cdab020000000a00",
            "byte 8: peer metadata has the wrong type URL",
        ),
        ("exchange", "00", "byte 0: the peer agreed"),
        ("exchange", &exchange[..100], "byte 50: the stream ended"),
        ("exchange", "3d230467ffffffff", "byte 4: peer metadata of"),
        (
            "exchange",
            "3d23046700000001ff",
            "byte 8: peer metadata is not a protobuf",
        ),
        ("exchange", "zz", "line 1, column 1: not a hex digit"),
        ("header", "%%%", "not base64"),
        ("header", "////", "not a protobuf"),
        ("header", "AA\nAA", "give one line"),
    ] {
        assert_fails(&decode(carrier, hex, &[]), 2, why);
    }
    for (carrier, input) in [
        ("header", &*"A".repeat(90_000)),
        ("preamble", "3412cdabffffffff"),
    ] {
        let told = decode(carrier, input, &[]);
        assert_fails(&told, 2, "is more than the 65536 that a reader takes");
        // There is no flag for that.
        assert!(!String::from_utf8_lossy(&told.stderr).contains("raise"));
    }
}

#[test]
fn an_exchange_without_the_metadata_is_silent_and_no_header_is_none() {
    // An Any that holds an empty Struct.
    let url = "type.googleapis.com/google.protobuf.Struct";
    let hex: String = url.bytes().map(|byte| format!("{byte:02x}")).collect();
    let said = value(&decode(
        "exchange",
        &format!("3d2304670000002c0a2a{hex}"),
        &[],
    ));
    assert_eq!(said["outcome"], "silent");
    assert_eq!(value(&decode("header", "\n", &[]))["outcome"], "not_found");
}

#[test]
fn what_cannot_be_encoded_is_told() {
    for json in [
        "",
        "[]",
        r#"{"metadata": {"colour": 1}}"#,
        r#"{"metadata": {"attributes": {"workload": "w"}}}"#,
    ] {
        assert_fails(
            &hbone(&["encode", "legacy", "header"], json.as_bytes()),
            2,
            "standard input is not",
        );
    }
    assert_fails(
        &hbone(&["encode", "legacy", "pigeon"], b""),
        2,
        "possible values",
    );
}

fn decode(carrier: &str, input: &str, flags: &[&str]) -> Output {
    hbone(
        &[&["decode", "legacy", carrier], flags].concat(),
        input.as_bytes(),
    )
}
