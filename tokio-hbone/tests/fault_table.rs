//! What `docs/faults.md` says about tests is so: each fault on the wire has one that cites its number.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A fault of sections 1 to 7, and the files that are said to test it.
struct Row {
    number: u32,
    tests: Vec<String>,
}

#[test]
fn every_fault_on_the_wire_is_cited_by_the_tests_that_the_table_names() {
    let rows = rows();
    assert!(rows.len() > 100, "only {} rows were found", rows.len());
    let mut wrong = String::new();
    for Row { number, tests } in rows {
        if tests.is_empty() {
            let _ = writeln!(wrong, "{number} names no test");
        }
        for test in tests {
            let text = std::fs::read_to_string(path(&test)).unwrap_or_default();
            if !cites(&text, number) {
                let _ = writeln!(
                    wrong,
                    "{number} names {test}, which has no comment with [{number}]"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "docs/faults.md is not so:\n{wrong}");
}

fn rows() -> Vec<Row> {
    let table = std::fs::read_to_string(root().join("docs/faults.md")).expect("the table");
    let mut is_of_the_wire = false;
    let mut rows = Vec::new();
    for line in table.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let section = title.split_once('.').map(|(section, _)| section);
            is_of_the_wire = section.is_some_and(|section| matches!(section.parse(), Ok(1..=7)));
        }
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let number = cells.next().and_then(|cell| cell.parse().ok());
        if let Some(number) = number.filter(|_| is_of_the_wire) {
            let tests = cells.nth(3).unwrap_or_default();
            // What is between backquotes.
            let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned);
            rows.push(Row {
                number,
                tests: tests.collect(),
            });
        }
    }
    rows
}

/// Whether a comment has the number in brackets.
fn cites(text: &str, number: u32) -> bool {
    let cited = format!("[{number}]");
    let mut comments = text.lines().filter_map(|line| line.split_once("//"));
    comments.any(|(_, comment)| comment.contains(&cited))
}

/// Tests of another crate begin with its name.
fn path(test: &str) -> PathBuf {
    let (krate, file) = match test.split_once('/') {
        Some((krate @ ("hbone" | "peer-meta" | "examples"), file)) => (krate, file),
        _ => ("tokio-hbone", test),
    };
    root().join(krate).join("tests").join(file)
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("a workspace")
}
