//! `hbone decode baggage` and `hbone encode baggage`, run as a person runs them.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

#[test]
fn decoding_prints_members_what_was_skipped_and_the_peer() {
    let output = decode(
        b"userId=Am%C3%A9lie;p;q=, bad,k8s.pod.name=p\r\nk= \"x\",service.name=s%20t",
        &[],
    );
    let expected = json!({
        "members": [
            {"key": "userId", "value": "Am\u{e9}lie", "properties": [{"key": "p"}, {"key": "q", "value": ""}]},
            {"key": "k8s.pod.name", "value": "p", "properties": []},
            {"key": "service.name", "value": "s t", "properties": []},
        ],
        "skipped": [
            {"line": 0, "offset": 25, "reason": "missing_equals"},
            {"line": 1, "offset": 3, "reason": "invalid_value"},
        ],
        "truncated": false,
        "istio": {"workload": "p", "workload_type": "pod", "service": "s t", "app": "s t"},
    });
    assert_eq!(as_json(&output), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn no_input_is_no_line_and_an_empty_line_is_one() {
    let nothing = json!({"members": [], "skipped": [], "truncated": false, "istio": {}});
    for input in [&b""[..], b"\n", b"\r\n\n"] {
        assert_eq!(as_json(&decode(input, &[])), nothing);
    }
    assert_eq!(as_json(&decode(b"", &["--strict"])), nothing);
    assert_fails(&decode(b"\n", &["--strict"]), "empty_member");
    assert_eq!(
        as_json(&decode(b"a=1\n", &["--strict"]))["members"][0]["key"],
        "a",
        "the last line end adds no line"
    );
}

#[test]
fn strict_decoding_exits_with_2_and_the_first_error() {
    let output = decode(b"a=1\nb=2,c d=3,e", &["--strict"]);
    assert_fails(&output, "invalid_key");
    assert_fails(&output, "line 1, byte 5");
    assert_fails(&decode(b"a=%zz", &["--strict"]), "invalid_percent");
}

#[test]
fn octets_that_are_not_utf_8_spoil_one_member_only() {
    let decoded = as_json(&decode(b"a=\xff\xfe,b=%FF\n\x80,c=3", &[]));
    assert_eq!(decoded["members"].as_array().unwrap().len(), 2);
    assert_eq!(decoded["members"][0]["value"], "\u{fffd}");
    assert_eq!(
        decoded["skipped"][1],
        json!({"line": 1, "offset": 0, "reason": "missing_equals"})
    );
    assert_fails(&decode(b"a=\xff", &["--strict"]), "invalid_value");
}

#[test]
fn limits_truncate_and_every_skipped_member_is_listed() {
    let many: Vec<String> = (0..65).map(|index| format!("k{index}=v")).collect();
    let decoded = as_json(&decode(many.join("\n").as_bytes(), &[]));
    assert_eq!(
        (
            decoded["members"].as_array().unwrap().len(),
            &decoded["truncated"]
        ),
        (64, &json!(true))
    );
    assert_fails(
        &decode(many.join(",").as_bytes(), &["--strict"]),
        "too_many_members",
    );
    let decoded = as_json(&decode("bad,".repeat(1000).as_bytes(), &[]));
    assert_eq!(
        (
            decoded["skipped"].as_array().unwrap().len(),
            &decoded["truncated"]
        ),
        (1000, &json!(false))
    );
}

#[test]
fn what_is_printed_cannot_move_the_cursor_or_turn_the_text() {
    let output = decode(b"k=%1B[31m%7F%C2%9B%E2%80%AE%F3%A0%80%81", &[]);
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(
        printed
            .chars()
            .all(|character| character == '\n' || character.is_ascii() && !character.is_control())
    );
    assert_eq!(
        as_json(&output)["members"][0]["value"],
        "\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{e0001}"
    );
}

#[test]
fn every_parse_vector_that_fits_lines_of_text_decodes_as_it_says() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../baggage/tests/data/baggage_parse.json")).unwrap();
    let mut run = 0;
    for vector in vectors {
        let lines: Vec<String> = serde_json::from_value(vector["input_headers"].clone()).unwrap();
        if lines
            .iter()
            .any(|line| line.contains('\n') || line.ends_with('\r'))
        {
            continue;
        }
        let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let decoded = as_json(&decode(input.as_bytes(), &[]));
        let mut members = vector["expect"]["members"].clone();
        for member in members.as_array_mut().unwrap() {
            for property in member["properties"].as_array_mut().unwrap() {
                property
                    .as_object_mut()
                    .unwrap()
                    .retain(|_, value| !value.is_null());
            }
        }
        assert_eq!(decoded["members"], members, "{}", vector["id"]);
        if let Some(peer) = vector.get("istio") {
            assert_eq!(&decoded["istio"], peer, "{}", vector["id"]);
        }
        let strict = decode(input.as_bytes(), &["--strict"]);
        match vector["strict"].as_str().unwrap() {
            "ok" => assert_eq!(strict.status.code(), Some(0), "{}", vector["id"]),
            error => assert_fails(&strict, error),
        }
        run += 1;
    }
    assert!(run > 100);
}

#[test]
fn encoding_prints_one_header_line() {
    let output = encode(&json!({"members": [
        {"key": "k", "value": "a b,é=%", "properties": [{"key": "p"}, {"key": "q", "value": null}, {"key": "r", "value": ""}]},
        {"key": "z", "value": ""},
    ]}));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "k=a%20b%2C%C3%A9%3D%25;p;q;r=,z=\n"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_decoded_can_be_encoded_again() {
    let decoded = decode(b"a=%C3%A9 ; p = 1, b=100%, junk", &[]);
    let output = hbone(&["encode", "baggage"], &decoded.stdout);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "a=%C3%A9;p=1,b=100%25\n"
    );
}

#[test]
fn a_member_that_cannot_be_encoded_exits_with_2_and_nothing_is_printed() {
    for key in ["", "a b", "é", "a=b"] {
        let output =
            encode(&json!({"members": [{"key": "a", "value": ""}, {"key": key, "value": ""}]}));
        assert_fails(&output, "invalid_key");
    }
    let property = json!({"members": [{"key": "a", "value": "", "properties": [{"key": "b c"}]}]});
    assert_fails(&encode(&property), "invalid_property");
    assert_fails(
        &encode(&json!({"members": [{"key": "a", "value": "x".repeat(8191)}]})),
        "too_large",
    );
    for input in ["", "{}", "[]", "{\"members\": [{\"key\": \"a\"}]}"] {
        assert_fails(
            &hbone(&["encode", "baggage"], input.as_bytes()),
            "standard input",
        );
    }
}

#[test]
fn a_member_that_does_not_fit_is_left_out_with_a_warning() {
    let output = encode(
        &json!({"members": [{"key": "k", "value": " ".repeat(2731)}, {"key": "z", "value": "1"}]}),
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "z=1\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("too_large"));
}

#[test]
fn no_members_print_nothing_for_no_header_is_to_be_sent() {
    let output = encode(&json!({"members": []}));
    assert_eq!((output.status.code(), output.stdout), (Some(0), Vec::new()));
}

fn decode(input: &[u8], flags: &[&str]) -> Output {
    hbone(&[&["decode", "baggage"], flags].concat(), input)
}

fn encode(input: &Value) -> Output {
    hbone(&["encode", "baggage"], input.to_string().as_bytes())
}

fn hbone(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hbone"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn as_json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assert_fails(output: &Output, why: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(why), "{stderr}");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
}
