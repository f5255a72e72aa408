//! What is printed, and to whom.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::folder::Folder;
use crate::hbone::assert_fails;

/// Commands that print something, and what they read.
const PRINTING: &[(&[&str], &str)] = &[
    (&["completions", "bash"], ""),
    (&["man"], ""),
    (&["decode", "baggage"], "k=v"),
    (&["decode", "head"], REQUEST),
    (&["encode", "baggage"], MEMBERS),
    (&["encode", "head"], AUTHORITY),
    (&["encode", "head", "--form", "frames"], AUTHORITY),
    (&["encode", "head", "--form", "block", "--raw"], AUTHORITY),
    (&["encode", "legacy", "header"], METADATA),
];
const AUTHORITY: &str = r#"{"request": {"authority": "10.0.0.1:80"}}"#;
const MEMBERS: &str = r#"{"members": [{"key": "k", "value": "v"}]}"#;
const METADATA: &str = r#"{"metadata": {"identity": "spiffe://a/ns/b/sa/c"}}"#;
const REQUEST: &str = ":method: CONNECT\n:authority: 10.0.0.1:80\n";

#[test]
fn whoever_has_read_enough_and_closes_the_pipe_is_no_failure() {
    for (arguments, input) in PRINTING {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        // Nobody reads from the beginning, so no write can come first.
        drop(reader);
        let output = printing_to(writer.into(), arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), &*said),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
    let folder = Folder::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let dir = folder.file("pki");
    let output = printing_to(writer.into(), &["pki", "--dir", &dir, "--leaf", "b/c"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*said), (Some(0), ""));
}

#[test]
fn an_output_that_takes_nothing_is_told_with_what_to_look_at() {
    for (arguments, input) in PRINTING {
        let full = OpenOptions::new().write(true).open("/dev/full");
        let output = printing_to(full.expect("/dev/full").into(), arguments, input);
        assert_fails(
            &output,
            1,
            "cannot write to standard output; check where it leads to",
        );
    }
}

fn printing_to(stdout: Stdio, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hbone"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("hbone is started");
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes());
    child.wait_with_output().expect("hbone ends")
}
