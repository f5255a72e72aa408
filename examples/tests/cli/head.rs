//! `hbone decode head` and `hbone encode head`.

use serde_json::json;

use crate::folder::Folder;
use crate::hbone::{assert_fails, hbone, text, value, values};

const REQUEST: &str = "\
:method: CONNECT
:authority: Echo.Default.svc.cluster.local:80
baggage: k8s.pod.name=web,service.name=shop
forwarded: for=10.0.0.1
x-forwarded-network: west
x-istio-source: waypoint
x-extra: 1
";

#[test]
fn a_request_in_text_is_read() {
    let said = value(&decode(REQUEST.as_bytes(), &[]));
    assert_eq!(
        said["request"],
        json!({
            "authority": "echo.default.svc.cluster.local:80",
            "baggage": ["k8s.pod.name=web,service.name=shop"],
            "forwarded": "for=10.0.0.1",
            "origin_network": "west",
            "source": "waypoint",
            "unknown": [{"name": "x-extra", "value": "1"}],
        })
    );
    assert_eq!(said["peer"]["workload"], "web");
    assert_eq!(
        said["fields"][1],
        json!({"name": ":authority", "value": "Echo.Default.svc.cluster.local:80"})
    );
    assert_eq!(
        (said.get("rejected"), said.get("unread"), said.get("stream")),
        (None, None, None)
    );
}

#[test]
fn an_answer_is_read_and_so_are_several_heads() {
    let heads = values(&decode(
        b":status: 503\r\n\r\n\r\n:status: 200\r\nbaggage: service.name=b\r\nbaggage:\r\n",
        &[],
    ));
    assert_eq!(heads[0]["response"], json!({"status": 503, "baggage": []}));
    assert_eq!(
        heads[1]["response"],
        json!({"status": 200, "baggage": ["service.name=b", ""]})
    );
    assert_eq!(heads[1]["peer"]["service"], "b");
}

#[test]
fn what_a_server_refuses_or_does_not_read_is_told() {
    let cases = [
        (
            ":method: GET\n:scheme: https\n:path: /\n:authority: a:1\n",
            405,
        ),
        (":method: CONNECT\n", 400),
        (":method: CONNECT\n:authority: a\n", 400),
        (":method: CONNECT\n:authority: a:0\n", 400),
        (
            ":method: CONNECT\n:authority: a:1\n:protocol: websocket\n",
            400,
        ),
        (":method: CONNECT\n:authority: a:1\nhost: b:1\n", 400),
    ];
    for (head, status) in cases {
        let said = value(&decode(head.as_bytes(), &[]));
        assert_eq!(said["rejected"]["status"], status, "{head}");
        assert_fails(
            &decode(head.as_bytes(), &["--strict"]),
            2,
            &format!("a server answers {status}"),
        );
    }
    let head = b":method: CONNECT\n:authority: a:1\nx-istio-source: me\ntraceparent: x\n";
    let said = value(&decode(head, &[]));
    assert_eq!(said["unread"].as_array().expect("a list").len(), 2);
    assert_eq!(said["unread"][1]["header"], "x-istio-source");
    assert_fails(&decode(head, &["--strict"]), 2, "`traceparent` is not read");
}

#[test]
fn what_is_no_head_is_told_with_its_place() {
    for (head, why) in [
        ("", "has no head"),
        ("\n\n", "has no head"),
        ("CONNECT a:1 HTTP/2\n", "line 1, `CONNECT a`"),
        ("hello\n", "line 1: no `name: value`"),
        (":method: CONNECT\n:authority\n", "line 2: no `name: value`"),
        (
            ":method: CONNECT\n:authority: a:1\n:path\n",
            "line 3: no `name: value`",
        ),
        ("a: b\n", "neither `:method` nor `:status`"),
        (":method: CONNECT\n:status: 200\n", "`:status` among"),
        (
            ":method: CONNECT\na: b\n:authority: c:1\n",
            "line 3, `:authority`: pseudo-headers stand before",
        ),
        (
            ":method: CONNECT\n:method: CONNECT\n",
            "line 2, `:method`: a pseudo-header stands there once",
        ),
        (":metho: CONNECT\n", "no such pseudo-header"),
        (":status: 99\n", "not a status"),
        (":status: 200\nA: b\n", "lower case"),
        (":status: 200\na b: c\n", "no name"),
        (":status: 200\na: b\x01\n", "no value"),
        (
            ":status: 200\nconnection: close\n",
            "no headers of a connection",
        ),
    ] {
        assert_fails(&decode(head.as_bytes(), &[]), 2, why);
    }
}

#[test]
fn a_message_cannot_move_the_cursor() {
    let output = decode(b":status: 200\n\x1b[31m: b\n", &[]);
    assert_fails(&output, 2, "line 2");
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn frames_and_blocks_are_read_back_as_they_were_written() {
    let both = [REQUEST, "\n:status: 200\nbaggage: service.name=b\n"].concat();
    let said = decode(both.as_bytes(), &[]);
    for form in ["text", "frames"] {
        let written = hbone(&["encode", "head", "--form", form], &said.stdout);
        let again = values(&decode(text(&written).as_bytes(), &["--form", form]));
        assert_eq!(again[0]["request"], values(&said)[0]["request"], "{form}");
        assert_eq!(again[1]["response"], values(&said)[1]["response"], "{form}");
    }
    let one = decode(REQUEST.as_bytes(), &[]);
    let block = hbone(&["encode", "head", "--form", "block", "--raw"], &one.stdout);
    let again = value(&decode(&block.stdout, &["--form", "block", "--raw"]));
    assert_eq!(again["request"], value(&one)["request"]);
}

#[test]
fn the_stream_of_a_head_is_written_and_read() {
    let head = br#"{"stream": 5, "end_stream": true, "response": {"status": 503}}"#;
    let written = hbone(&["encode", "head", "--form", "frames"], head);
    assert_eq!(&text(&written)[..18], "000005010500000005");
    let again = value(&decode(&written.stdout, &["--form", "frames"]));
    assert_eq!(
        (&again["stream"], &again["end_stream"]),
        (&json!(5), &json!(true))
    );
}

#[test]
fn frames_of_a_whole_connection_are_read() {
    let folder = Folder::new();
    let mut capture = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    capture.extend_from_slice(&frame(4, 0, 0, &[0, 3, 0, 0, 0, 100])); // SETTINGS
    // Padded by 2, with priority, split in three; `:status` 200 is index 8, and the custom field is put into the table.
    capture.extend_from_slice(&frame(1, 0x8 | 0x20, 1, &[2, 0, 0, 0, 0, 16, 0x88, 0, 0]));
    capture.extend_from_slice(&frame(9, 0, 1, &[0x40, 1, b'a', 1]));
    capture.extend_from_slice(&frame(9, 4, 1, b"b"));
    capture.extend_from_slice(&frame(1, 0x4 | 0x1, 3, &[0x88, 0x80 | 62]));
    capture.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0, 3, b'x']); // DATA, of which the capture has a byte
    std::fs::write(folder.file("capture"), capture).expect("a file");
    let heads = values(&hbone(
        &[
            "decode",
            "head",
            "--form",
            "frames",
            "--raw",
            &folder.file("capture"),
        ],
        b"",
    ));
    assert_eq!(
        (&heads[0]["stream"], &heads[0]["end_stream"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(heads[0]["fields"][1], json!({"name": "a", "value": "b"}));
    assert_eq!(heads[1]["fields"], heads[0]["fields"]);
    assert_eq!(
        (&heads[1]["stream"], &heads[1]["end_stream"]),
        (&json!(3), &json!(true))
    );
}

#[test]
fn what_are_no_frames_is_told_with_its_place() {
    for (bytes, why) in [
        (vec![0, 0, 1], "byte 0: 3 bytes are left"),
        (
            vec![0, 0, 2, 1, 4, 0, 0, 0, 1, 0x88],
            "byte 0: a frame of type 1 and 2 bytes, of which 1 are there",
        ),
        (
            frame(9, 4, 1, &[0x88]),
            "byte 0: a CONTINUATION without HEADERS",
        ),
        (frame(5, 4, 1, &[0, 0, 0, 2, 0x88]), "a PUSH_PROMISE"),
        (frame(1, 0, 1, &[0x88]), "the head at byte 0 is not ended"),
        (
            [frame(1, 0, 1, &[0x88]), frame(9, 4, 3, &[0x88])].concat(),
            "byte 10: a frame of type 9 on stream 3",
        ),
        (
            frame(1, 0x8 | 4, 1, &[9, 0x88]),
            "shorter than their padding",
        ),
        (frame(1, 0x20 | 4, 1, &[0, 0]), "shorter than their padding"),
        (frame(1, 4, 1, &[0x88, 0xff]), "byte 1 of its block"),
        (frame(4, 0, 0, &[]), "has no head"),
    ] {
        assert_fails(&decode(&bytes, &["--form", "frames", "--raw"]), 2, why);
    }
}

#[test]
fn a_block_that_is_no_hpack_is_told_with_its_place() {
    for (block, why) in [
        ("88 88 c5", "byte 2: no HPACK after 2 fields"),
        ("88 40 01 61 05 62", "byte 1: no HPACK after 1 fields"),
        ("80", "byte 0: no HPACK"),
        ("88 3f e1 ff ff ff 0f", "byte 1: no HPACK"),
        ("", "has no head"),
    ] {
        assert_fails(&decode(block.as_bytes(), &["--form", "block"]), 2, why);
    }
}

#[test]
fn a_block_that_stands_for_gigabytes_is_refused() {
    // A field that fills the table of 4096 bytes: 32, the name, and a value of 127 + 96 + 30 * 128 bytes.
    let mut bomb = vec![0x40, 1, b'a', 0x7f, 0x80 | 96, 30];
    bomb.extend_from_slice(&[b'v'; 4063]);
    bomb.extend_from_slice(&[0x80 | 62; 500_000]);
    assert_fails(
        &decode(&bomb, &["--form", "block", "--raw"]),
        2,
        "more than the 65536 that a head may have",
    );
}

#[test]
fn hex_is_taken_as_people_copy_it_and_a_slip_is_told() {
    for hex in [
        "88",
        " 8 8\n",
        "88:40:01:61:01:62",
        "8840 0161\t0162\r\n",
        "8840016101\n62",
    ] {
        let fields = &value(&decode(hex.as_bytes(), &["--form", "block"]))["fields"];
        assert_eq!(fields[0]["value"], "200");
    }
    for (hex, why) in [
        ("88\n40 0g", "line 2, column 5: not a hex digit"),
        ("0x88", "line 1, column 2: not a hex digit"),
        ("88 4", "one digit only"),
        ("\u{fe}", "line 1, column 1"),
    ] {
        assert_fails(&decode(hex.as_bytes(), &["--form", "block"]), 2, why);
    }
}

#[test]
fn what_cannot_be_encoded_is_told() {
    for (json, why) in [
        ("", "is empty"),
        ("{", "value 1"),
        ("[]", "value 1"),
        ("{}", "either \"request\" or \"response\""),
        (
            r#"{"request": {"authority": "a:1"}, "response": {"status": 200}}"#,
            "either",
        ),
        (r#"{"request": {"authority": "a"}}"#, "\"authority\" is `a`"),
        (r#"{"request": {}}"#, "authority"),
        (
            r#"{"request": {"authority": "a:1", "colour": 1}}"#,
            "colour",
        ),
        (
            r#"{"request": {"authority": "a:1", "baggage": ["a\nb"]}}"#,
            "cannot stand in a header",
        ),
        (
            r#"{"request": {"authority": "a:1", "source": "me"}}"#,
            "\"source\"",
        ),
        (
            r#"{"request": {"authority": "a:1", "traceparent": "00"}}"#,
            "\"traceparent\"",
        ),
        (
            r#"{"request": {"authority": "a:1", "origin_network": "a,b"}}"#,
            "\"origin_network\"",
        ),
        (
            r#"{"request": {"authority": "a:1", "forwarded": ";;="}}"#,
            "\"forwarded\"",
        ),
        (
            r#"{"request": {"authority": "a:1", "unknown": [{"name": "a b", "value": ""}]}}"#,
            "the name `a b`",
        ),
        (r#"{"response": {"status": 99}}"#, "\"status\""),
        (
            r#"{"response": {"status": 200}, "stream": 0}"#,
            "\"stream\"",
        ),
        (
            r#"{"response": {"status": 200}} {"response": {"status": 1}}"#,
            "value 2",
        ),
    ] {
        assert_fails(&hbone(&["encode", "head"], json.as_bytes()), 2, why);
    }
}

#[test]
fn a_file_that_is_not_there_or_too_large_is_told() {
    assert_fails(
        &hbone(&["decode", "head", "/nowhere/at/all"], b""),
        2,
        "cannot open /nowhere/at/all",
    );
    assert_fails(
        &decode(&vec![b'a'; (1 << 20) + 1], &[]),
        2,
        "larger than 1048576 bytes",
    );
}

fn decode(input: &[u8], flags: &[&str]) -> std::process::Output {
    hbone(&[&["decode", "head"], flags].concat(), input)
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("a short frame");
    [&[0, 0, len, kind, flags, 0, 0, 0, stream], payload].concat()
}
