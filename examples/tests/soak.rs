//! The soak program: a short run holds, and each of its checks fails when there is a reason.

use std::process::Command;

use serde_json::Value;

/// Whether it said that all is well, and its report.
fn soak(sabotage: &[&str]) -> (bool, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["--seconds", "3", "--tunnels", "40", "--json"])
        .args(sabotage)
        .output()
        .expect("a program");
    let report = serde_json::from_slice(&output.stdout).expect("JSON");
    (output.status.success(), report)
}

fn failed_checks(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().expect("checks");
    let failed = checks.iter().filter(|check| check["holds"] == false);
    failed
        .map(|check| check["name"].as_str().expect("a name"))
        .collect()
}

#[track_caller]
fn finds(sabotage: &str, check: &str) {
    let (well, report) = soak(&["--sabotage", sabotage]);
    let failed = failed_checks(&report);
    assert!(failed.contains(&check), "{report:#}");
    assert!(!well, "{report:#}");
}

#[test]
fn a_short_run_finds_nothing_wrong() {
    let (well, report) = soak(&[]);
    assert_eq!(failed_checks(&report), Vec::<&str>::new(), "{report:#}");
    assert!(well);
    assert!(
        report["tunnels"]["ended"]["whole"].as_u64() > Some(0),
        "{report:#}"
    );
}

#[test]
fn a_wrong_byte_is_found() {
    finds("byte", "corrupt bytes");
}

#[test]
fn a_part_taken_for_the_whole_is_found() {
    finds("cut", "corrupt bytes");
}

#[test]
fn a_tunnel_that_fails_without_a_fault_is_found() {
    finds("error", "unexpected ends");
}

#[test]
fn a_descriptor_that_is_kept_is_found() {
    finds("descriptor", "descriptors");
}

#[test]
fn memory_that_is_kept_is_found() {
    finds("memory", "memory");
}

#[test]
fn a_task_that_is_kept_is_found() {
    finds("task", "tasks");
}
