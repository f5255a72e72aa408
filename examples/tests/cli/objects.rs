//! What `encode` reads: objects, each field of which means something.

use crate::hbone::{assert_fails, hbone, text};

#[test]
fn a_field_that_means_nothing_is_named() {
    for (command, input, field) in [
        (
            "baggage",
            r#"{"members":[{"key":"k","value":"v","propertie":[]}]}"#,
            "propertie",
        ),
        ("baggage", r#"{"members":[],"member":[]}"#, "member"),
        (
            "baggage",
            r#"{"members":[{"key":"k","value":"v","properties":[{"key":"p","valu":"1"}]}]}"#,
            "valu",
        ),
        (
            "head",
            r#"{"request":{"authority":"a:80"},"end_strem":true}"#,
            "end_strem",
        ),
        (
            "head",
            r#"{"request":{"authority":"a:80","bagage":[]}}"#,
            "bagage",
        ),
        ("legacy", r#"{"metadata":{},"idd":"a"}"#, "idd"),
        ("legacy", r#"{"metadata":{"lables":{}}}"#, "lables"),
    ] {
        let told = format!("unknown field `{field}`");
        assert_fails(&encode(command, input), 2, &told);
    }
}

#[test]
fn a_list_is_no_object() {
    for (command, input) in [
        ("baggage", "[]"),
        ("baggage", r#"[[["k","v"]]]"#),
        ("baggage", r#"{"members":[["k","v"]]}"#),
        (
            "baggage",
            r#"{"members":[{"key":"k","value":"v","properties":[["p","1"]]}]}"#,
        ),
        ("head", r#"[1,true,{"authority":"a:80"}]"#),
        ("head", r#"{"request":["a:80"]}"#),
        ("head", r#"{"response":[200]}"#),
        (
            "head",
            r#"{"request":{"authority":"a:80","unknown":[["a","b"]]}}"#,
        ),
        ("legacy", "[]"),
        ("legacy", r#"{"metadata":[]}"#),
        ("legacy", r#"{"metadata":{"attributes":["c1"]}}"#),
    ] {
        let output = encode(command, input);
        assert_fails(&output, 2, "invalid type: sequence, expected an object");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!told.contains("struct"), "{told}");
    }
}

#[test]
fn what_is_no_head_in_json_is_told_with_what_one_is() {
    for input in [r#"{"request":"#, r#"{"response":{"status":"200"}}"#] {
        assert_fails(
            &encode("head", input),
            2,
            r#"is not {"request": {"authority": "HOST:PORT"}}"#,
        );
    }
    let told = r#""status" is 99; give one from 100 to 999"#;
    assert_fails(&encode("head", r#"{"response":{"status":99}}"#), 2, told);
    let told = "cannot read /; name a readable file, or `-` for standard input";
    assert_fails(&hbone(&["decode", "head", "/"], b""), 2, told);
}

#[test]
fn what_decode_prints_is_read() {
    for (command, wire) in [
        ("baggage", "k=v;p=1,bad,k8s.pod.name=p"),
        (
            "head",
            ":method: CONNECT\n:authority: 10.0.0.1:80\nbaggage: k8s.pod.name=p\nforwarded: !\n",
        ),
    ] {
        let meant = text(&hbone(&["decode", command], wire.as_bytes()));
        text(&encode(command, &meant));
    }
}

fn encode(what: &str, input: &str) -> std::process::Output {
    let carrier = (what == "legacy").then_some("header");
    let words: Vec<_> = ["encode", what].into_iter().chain(carrier).collect();
    hbone(&words, input.as_bytes())
}
