//! Replays the committed corpus: each file through its target, without a fuzzer.

use std::fs;
use std::path::Path;

#[test]
fn attributes_differential() {
    replay(
        "attributes_differential",
        hbone_fuzz::attributes_differential,
    );
}

#[test]
fn baggage_parse() {
    replay("baggage_parse", hbone_fuzz::baggage_parse);
}

#[test]
fn baggage_roundtrip() {
    replay("baggage_roundtrip", hbone_fuzz::baggage_roundtrip);
}

fn replay(target: &str, run: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut replayed = 0;
    for file in fs::read_dir(&directory).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display()); // shown if the target panics
        run(&fs::read(&path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "no corpus in {}", directory.display());
}
