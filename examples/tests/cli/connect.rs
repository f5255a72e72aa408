//! What `hbone connect` says when it does not even begin.

use std::process::{Command, Output};

use serde_json::Value;

use crate::hbone::{assert_fails, hbone};

/// All that is needed, but no file of it is there.
const COMPLETE: &[&str] = &[
    "connect",
    "--cert",
    "c",
    "--key",
    "k",
    "--ca",
    "r",
    "--via",
    "127.0.0.1:1",
    "127.0.0.1:2",
];

/// With a number of threads that is none, it cannot start.
fn without_threads(flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hbone"))
        .args(COMPLETE)
        .args(flags)
        .env("TOKIO_WORKER_THREADS", "many")
        .output()
        .expect("hbone is started")
}

/// Standard error is one event of JSON, of an end with this code.
#[track_caller]
fn assert_told_in_json(output: &Output, code: i32, why: &str) {
    assert_fails(output, code, "");
    let told: Value = serde_json::from_slice(&output.stderr).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    assert_eq!(
        (&told["event"], &told["exit"]),
        (&"failed".into(), &code.into())
    );
    let message = told["message"].as_str().expect("a message");
    assert!(
        message.contains(why) && !message.contains("--help"),
        "{message}"
    );
}

#[test]
fn what_keeps_it_from_starting_is_told() {
    assert_fails(
        &without_threads(&[]),
        2,
        "hbone: TOKIO_WORKER_THREADS is \"many\"",
    );
    assert_told_in_json(
        &without_threads(&["--json"]),
        2,
        "TOKIO_WORKER_THREADS is \"many\"",
    );
}

#[test]
fn flags_that_cannot_be_understood_are_told_in_json_to_whoever_reads_that() {
    for (flags, why) in [
        (
            &["connect", "--json"][..],
            "arguments were not provided: --via <ADDR> --cert",
        ),
        (
            &["connect", "--json", "--via", "nowhere", "a:1"],
            "the authority has no port",
        ),
        (
            &["connect", "--json", "--colour"],
            "unexpected argument '--colour'",
        ),
        (
            &["connect", "--json", "--json"],
            "cannot be used multiple times",
        ),
    ] {
        assert_told_in_json(&hbone(flags, b""), 2, why);
    }
}

#[test]
fn whoever_reads_no_json_is_shown_the_usage() {
    for flags in [
        &["connect"][..],
        &["connect", "--", "--json"],
        // There, it is about standard output.
        &["top", "--json", "nowhere"],
    ] {
        let output = hbone(flags, b"");
        assert_fails(&output, 2, "error: ");
        assert_fails(&output, 2, "For more information, try '--help'.");
    }
    let help = hbone(&["connect", "--json", "--help"], b"");
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("Exit codes:"));
}
