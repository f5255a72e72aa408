//! The simulation, run as a person runs it. What it finds is tested beside its code.

use std::fs::OpenOptions;
use std::process::{Command, Output, Stdio};

const SHORT: &[&str] = &["--minutes", "1", "--sources", "2", "--main-only"];

fn simulate(flags: &[&str], stdout: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulate"))
        .args(flags)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("it runs")
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_one_that_nobody_reads_is_no_failure() {
    let full = OpenOptions::new().write(true).open("/dev/full");
    let output = simulate(SHORT, full.expect("/dev/full").into());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot write to standard output"), "{told}");

    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = simulate(SHORT, writer.into());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*told), (Some(0), ""));
}

#[test]
fn a_mesh_without_time_or_sources_is_refused() {
    for flags in [["--minutes", "0"], ["--sources", "0"]] {
        let output = simulate(&flags, Stdio::null());
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
    }
}
