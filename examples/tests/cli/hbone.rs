use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Deserializer, Value};

/// Runs `hbone` with this standard input.
pub(crate) fn hbone(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hbone"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hbone is started");
    // A command that refuses its flags reads nothing.
    let _ = child.stdin.take().expect("standard input").write_all(input);
    child.wait_with_output().expect("hbone ends")
}

/// What it printed, which has to be all well.
pub(crate) fn text(output: &Output) -> String {
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The JSON values that it printed.
pub(crate) fn values(output: &Output) -> Vec<Value> {
    let text = text(output);
    Deserializer::from_str(&text)
        .into_iter()
        .map(|value| value.expect("JSON"))
        .collect()
}

/// The only JSON value that it printed.
pub(crate) fn value(output: &Output) -> Value {
    let mut values = values(output);
    assert_eq!(values.len(), 1);
    values.remove(0)
}

/// It failed with this code, printed nothing, and said why.
pub(crate) fn assert_fails(output: &Output, code: i32, why: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(why), "{stderr:?} does not say {why:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(output.stdout.is_empty());
}

/// Waits for something to come true.
#[track_caller]
pub(crate) fn eventually(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(10));
    }
}
