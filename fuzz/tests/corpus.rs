//! Replays the committed corpus: each file through its target, without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn attributes_differential() {
    replay(
        "attributes_differential",
        hbone_fuzz::attributes_differential,
    );
}

#[test]
fn authority() {
    replay("authority", hbone_fuzz::authority);
}

#[test]
fn authorization() {
    replay("authorization", hbone_fuzz::authorization);
}

#[test]
fn baggage_parse() {
    replay("baggage_parse", hbone_fuzz::baggage_parse);
}

#[test]
fn baggage_roundtrip() {
    replay("baggage_roundtrip", hbone_fuzz::baggage_roundtrip);
}

#[test]
fn client_frames() {
    replay("client_frames", hbone_fuzz::client_frames);
}

#[test]
fn connect_head() {
    replay("connect_head", hbone_fuzz::connect_head);
}

#[test]
fn dial() {
    replay("dial", hbone_fuzz::dial);
}

#[test]
fn double() {
    replay("double", hbone_fuzz::double);
}

#[test]
fn exchange() {
    replay("exchange", hbone_fuzz::exchange);
}

#[test]
fn forwarded() {
    replay("forwarded", hbone_fuzz::forwarded);
}

#[test]
fn legacy_framing() {
    replay("legacy_framing", hbone_fuzz::legacy_framing);
}

#[test]
fn mesh_plan() {
    replay("mesh_plan", hbone_fuzz::mesh_plan);
}

#[test]
fn policy() {
    replay("policy", hbone_fuzz::policy);
}

#[test]
fn pool() {
    replay("pool", hbone_fuzz::pool);
}

#[test]
fn serve() {
    replay("serve", hbone_fuzz::serve);
}

#[test]
fn server_frames() {
    replay("server_frames", hbone_fuzz::server_frames);
}

#[test]
fn struct_codec() {
    replay("struct_codec", hbone_fuzz::struct_codec);
}

#[test]
fn traceparent() {
    replay("traceparent", hbone_fuzz::traceparent);
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let names = |folder: &str| -> BTreeSet<String> {
        let files = files(&root().join(folder)).into_iter();
        files
            .map(|path| {
                path.file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    };
    let known: BTreeSet<String> = hbone_fuzz::TARGETS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(names("corpus"), known);
    assert_eq!(names("fuzz_targets"), known);
}

fn replay(target: &str, run: fn(&[u8])) {
    let inputs = files(&root().join("corpus").join(target));
    assert!(!inputs.is_empty(), "no corpus of {target}");
    for input in inputs {
        println!("{}", input.display()); // shown if the target panics
        run(&fs::read(&input).expect("a file"));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// In order, so that two runs do the same.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}
