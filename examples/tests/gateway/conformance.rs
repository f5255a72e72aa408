//! The gateway under the conformance suite, which plays its clients and its endpoint.

use std::process::Command;

use crate::world::{SERVICE, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_finds_nothing_to_object_to() {
    let world = World::new();
    let _gateway = world.start(&world.mesh(&[(10, 1, true)]), &[]).await;
    // The suite is client and endpoint with one certificate, so it is the endpoint's.
    let mut suite = Command::new(env!("CARGO_BIN_EXE_conformance"));
    suite
        .args(["gateway", "--target", &world.gateway().to_string()])
        .args([
            "--cert",
            &world.file("echo.pem"),
            "--key",
            &world.file("echo.key"),
            "--ca",
            &world.file("root.pem"),
        ])
        .args([
            "--authority",
            SERVICE,
            "--closed-port",
            "81",
            "--patience",
            "20",
        ])
        .args(["--endpoint", &format!("{}:{}", world.ip(10), hbone::PORT)]);
    let run = tokio::task::spawn_blocking(move || suite.output());
    let output = run.await.expect("no panic").expect("the suite");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && report.contains(" 0 failed, 0 warned"),
        "{report}"
    );
}
