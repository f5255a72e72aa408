//! `hbone completions`, `hbone man`, and `--help`.

use crate::folder::Folder;
use crate::hbone::{assert_fails, hbone, text};

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(
            text(&hbone(&["completions", shell], b"")).contains("hbone"),
            "{shell}"
        );
    }
    assert_fails(
        &hbone(&["completions", "sh"], b""),
        2,
        "possible values: bash",
    );
}

#[test]
fn the_manual_is_printed_or_written_a_page_a_command() {
    assert!(text(&hbone(&["man"], b"")).contains(".TH"));
    let folder = Folder::new();
    assert_eq!(
        text(&hbone(&["man", "--dir", &folder.file("man1")], b"")),
        ""
    );
    for page in ["hbone.1", "hbone-top.1", "hbone-decode-head.1"] {
        assert!(folder.path().join("man1").join(page).is_file(), "{page}");
    }
    std::fs::write(folder.file("file"), "").expect("a file");
    assert_fails(
        &hbone(&["man", "--dir", &folder.file("file")], b""),
        2,
        "can be written to",
    );
}

#[test]
fn help_tells_what_the_exit_codes_mean() {
    let help = text(&hbone(&["--help"], b""));
    assert!(help.contains("Exit codes:"), "{help}");
    for command in [
        "completions",
        "connect",
        "decode",
        "encode",
        "forward",
        "man",
        "pki",
        "serve",
        "top",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
    }
    for command in [
        "completions",
        "connect",
        "decode",
        "decode baggage",
        "decode head",
        "decode legacy",
        "encode",
        "encode baggage",
        "encode head",
        "encode legacy",
        "forward",
        "man",
        "pki",
        "serve",
        "top",
    ] {
        let words: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let help = text(&hbone(&words, b""));
        assert!(help.contains("Exit codes:\n  0  "), "{command}: {help}");
    }
}

#[test]
fn an_unknown_command_or_flag_is_told_with_code_2() {
    assert_fails(&hbone(&["decod"], b""), 2, "similar");
    assert_fails(
        &hbone(&["decode", "head", "--forms", "text"], b""),
        2,
        "--form",
    );
    assert_fails(&hbone(&[], b""), 2, "Usage");
}
