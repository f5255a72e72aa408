//! `hbone pki`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use tokio_hbone::tls::{ClientTls, Credentials, TrustBundles};

use crate::folder::Folder;
use crate::hbone::{assert_fails, hbone, text, value};

#[test]
fn a_root_and_leaves_are_written_and_fit_together() {
    for intermediate in [&[][..], &["--intermediate"]] {
        let folder = Folder::new();
        let dir = folder.file("pki");
        let arguments = [
            "pki",
            "--dir",
            &dir,
            "--trust-domain",
            "td",
            "--leaf",
            "shop/cart",
            "--leaf",
            "shop/stock",
            "--json",
        ];
        let report = value(&hbone(&[&arguments, intermediate].concat(), b""));
        assert_eq!(
            report["leaves"][1]["identity"],
            "spiffe://td/ns/shop/sa/stock"
        );
        let read =
            |path: &serde_json::Value| fs::read(path.as_str().expect("a path")).expect("a file");
        let root = read(&report["ca"]);
        for leaf in report["leaves"].as_array().expect("leaves") {
            let chain = read(&leaf["cert"]);
            let certificates = String::from_utf8_lossy(&chain)
                .matches("BEGIN CERTIFICATE")
                .count();
            assert_eq!(certificates, 1 + intermediate.len());
            let credentials =
                Credentials::from_pem(&chain, &read(&leaf["key"])).expect("a key for its chain");
            let bundles = TrustBundles::new().with_pem("td", &root).expect("a root");
            let provider = Arc::new(aws_lc_rs::default_provider());
            ClientTls::new(provider, credentials, bundles).expect("a client");
        }
    }
}

#[test]
fn only_the_owner_may_read_a_key() {
    let folder = Folder::new();
    let mode = |name: &str| {
        fs::metadata(folder.file(name))
            .expect("a file")
            .permissions()
            .mode()
            & 0o777
    };
    text(&pki(&folder, &[]));
    assert_eq!(mode("shop.cart.key"), 0o600);
    fs::set_permissions(
        folder.file("shop.cart.key"),
        fs::Permissions::from_mode(0o666),
    )
    .expect("a mode");
    text(&pki(&folder, &["--force"]));
    assert_eq!(
        mode("shop.cart.key"),
        0o600,
        "the mode of what is replaced is not kept"
    );
}

#[test]
fn what_is_there_is_replaced_only_by_force() {
    let folder = Folder::new();
    fs::write(folder.file("shop.cart.key"), "mine").expect("a file");
    assert_fails(&pki(&folder, &[]), 2, "shop.cart.key is there already");
    assert_eq!(
        fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "nothing was written"
    );
    text(&pki(&folder, &["--force"]));
    assert!(
        fs::read_to_string(folder.file("shop.cart.key"))
            .expect("a file")
            .contains("PRIVATE KEY")
    );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3);
}

#[test]
fn a_link_is_not_followed() {
    let folder = Folder::new();
    let victim = Folder::new();
    symlink(victim.file("gone"), folder.file("shop.cart.key")).expect("a link");
    assert_fails(&pki(&folder, &[]), 2, "is there already");
    text(&pki(&folder, &["--force"]));
    assert!(!victim.path().join("gone").exists());
}

#[test]
fn the_files_and_the_next_commands_are_named() {
    let folder = Folder::new();
    let said = text(&pki(&folder, &["--intermediate"]));
    for part in [
        "root.pem",
        "shop.cart.pem",
        "shop.cart.key",
        "spiffe://cluster.local/ns/shop/sa/cart",
        "hbone serve --cert",
        "hbone connect --cert",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn the_next_commands_can_be_copied_into_a_shell_whatever_the_folder_is_called() {
    for name in ["a folder", "it's $HOME; `false`", "tab\tand \u{1b}[31mred"] {
        let folder = Folder::new();
        let dir = folder.file(name);
        let said = text(&hbone(&["pki", "--dir", &dir, "--leaf", "a/b"], b""));
        assert!(!said.contains(['\t', '\u{1b}']), "{said:?}");
        let copied: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("--cert"))
            .collect();
        assert_eq!(copied.len(), 2, "{said}");
        for command in copied {
            // hbone WHAT --cert FILE --key FILE --ca FILE ...
            let script = format!("set -- {command}; test -f \"$4\" -a -f \"$6\" -a -f \"$8\"");
            let shell = Command::new("bash").args(["-c", &script]).status();
            assert!(shell.expect("bash").success(), "{command}");
        }
    }
}

#[test]
fn a_folder_that_json_cannot_tell_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let dir = folder.path().join(OsStr::from_bytes(b"\xff"));
    let pki = |json: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbone"));
        command.args(["pki", "--leaf", "a/b", "--dir"]).arg(&dir);
        command.args(json).output().expect("hbone is started")
    };
    assert_fails(&pki(&["--json"]), 2, "leave --json away");
    assert!(!dir.exists());
    assert!(text(&pki(&[])).contains("\\377"));
}

#[test]
fn what_names_no_workload_is_told() {
    let folder = Folder::new();
    let dir = folder.file("pki");
    let run = |arguments: &[&str]| hbone(&[&["pki", "--dir", &dir], arguments].concat(), b"");
    for (arguments, why) in [
        (&[][..], "--leaf <NS/SA>"),
        (
            &["--leaf", "shop"],
            "give the namespace and the service account",
        ),
        (&["--leaf", "shop/"], "--leaf shop/"),
        (&["--leaf", "/cart"], "--leaf /cart"),
        (&["--leaf", "../../etc/passwd"], "--leaf ../../etc/passwd"),
        (&["--leaf", "shop/.."], "--leaf shop/.."),
        (&["--leaf", "shop/ca rt"], "--leaf shop/ca rt"),
        (&["--leaf", "a/b", "--leaf", "a/b"], "name each once"),
        (&["--leaf", "a/b", "--days", "0"], "1..=3650"),
        (
            &["--leaf", "a/b", "--trust-domain", "Not A Domain"],
            "--trust-domain",
        ),
    ] {
        assert_fails(&run(arguments), 2, why);
        assert!(!folder.path().join("pki").exists(), "{arguments:?}");
    }
    fs::write(folder.file("pki"), "").expect("a file");
    assert_fails(&run(&["--leaf", "a/b"]), 2, "cannot make the folder");
}

fn pki(folder: &Folder, flags: &[&str]) -> std::process::Output {
    let dir = folder.path().to_str().expect("a path of text");
    hbone(
        &[&["pki", "--dir", dir, "--leaf", "shop/cart"], flags].concat(),
        b"",
    )
}
