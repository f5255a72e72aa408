//! Tests cite the rows of docs/faults.md by number, in brackets in a comment. What is cited must be there, and what this crate has to
//! survive must be cited.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Who in the `Where` column lives in this crate.
const OURS: [&str; 16] = [
    "AcceptedStatus",
    "Authority",
    "Connect",
    "DestinationPolicy",
    "Dial",
    "Drain",
    "Establish",
    "HalfClose",
    "Identity",
    "Keepalive",
    "Lifecycle",
    "Pool",
    "Request",
    "ResetBudget",
    "Serve",
    "mesh",
];

/// The rows of the tables of faults, and whether this crate has a part in each. The table of tests by row has fewer columns.
fn rows() -> Vec<(u32, bool)> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    let text = fs::read_to_string(table).unwrap();
    let row = |line: &str| {
        let cells: Vec<_> = line.strip_prefix("| ")?.split(" | ").collect();
        let [number, _, _, .., whose] = cells[..] else {
            return None;
        };
        let number = number.parse().ok()?;
        let is_ours = OURS
            .iter()
            .any(|machine| whose.contains(&format!("`{machine}`")));
        Some((number, is_ours))
    };
    text.lines().filter_map(row).collect()
}

fn cited() -> BTreeSet<u32> {
    let mut cited = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                for line in fs::read_to_string(path).unwrap().lines() {
                    cited.extend(citations(line));
                }
            }
        }
    }
    cited
}

/// Bracketed numbers, and ranges of them with `to` between, in the comment of a line.
fn citations(line: &str) -> Vec<u32> {
    let Some((_, comment)) = line.split_once("//") else {
        return Vec::new();
    };
    let mut numbers = Vec::new();
    let mut is_range = false;
    for part in comment.split('[').skip(1) {
        let Some((number, rest)) = part.split_once(']') else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        match numbers.last() {
            Some(&from) if is_range => numbers.extend(from + 1..=number),
            _ => numbers.push(number),
        }
        is_range = rest.trim() == "to";
    }
    numbers
}

#[test]
fn every_row_that_is_ours_is_cited_by_a_test() {
    let cited = cited();
    let missing: Vec<_> = rows()
        .into_iter()
        .filter(|(number, is_ours)| *is_ours && !cited.contains(number))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_citation_is_a_row() {
    let rows: BTreeSet<_> = rows().into_iter().map(|(number, _)| number).collect();
    assert!(rows.len() > 100, "the table was read: {}", rows.len());
    let unknown: Vec<_> = cited()
        .into_iter()
        .filter(|number| !rows.contains(number))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn rows_stand_once_and_in_order() {
    let numbers: Vec<_> = rows().into_iter().map(|(number, _)| number).collect();
    assert!(numbers.is_sorted_by(|before, after| before < after));
}
