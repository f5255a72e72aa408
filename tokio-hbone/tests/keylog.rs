//! The TLS secrets of a connection go where SSLKEYLOGFILE says with the feature `keylog`, and nowhere without it.

#[path = "wire/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use support::ends::tunnel_pair;

/// Says that this process is the one that the variable was set for. A process cannot set its own variables without `unsafe`.
const CHILD: &str = "HBONE_TEST_KEYLOG_CHILD";

#[test]
fn secrets_are_written_with_the_feature_and_only_with_it() {
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keylog-{}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let status = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "a_tunnel_is_opened", "--nocapture"])
        .env("SSLKEYLOGFILE", &file)
        .env(CHILD, "1")
        .status()
        .expect("a child");
    assert!(status.success());
    let written = std::fs::read_to_string(&file);
    let _ = std::fs::remove_file(&file);
    if cfg!(feature = "keylog") {
        let written = written.expect("a key log");
        for label in ["CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
            // Both ends of the tunnel are in the child.
            assert_eq!(
                written
                    .lines()
                    .filter(|line| line.starts_with(label))
                    .count(),
                2
            );
        }
    } else {
        assert!(written.is_err(), "there is a key log");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_opened() {
    if std::env::var_os(CHILD).is_some() {
        drop(tunnel_pair().await);
    }
}
