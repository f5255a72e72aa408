//! h2load at the ingress gateway: as many requests as there is room for, and none that fails.

use std::process::Command;
use std::time::Duration;

use crate::available::available;
use crate::server::Server;
use crate::setting::{FAR, Setting};

/// How long; more by `H2LOAD_SECONDS`.
const SECONDS: &str = "2";

#[tokio::test(flavor = "multi_thread")]
async fn no_request_of_many_to_another_network_fails() {
    let version = Command::new("h2load").arg("--version").output();
    if !available("h2load", version.is_ok()) {
        return;
    }
    let setting = Setting::new();
    let mesh = setting.mesh(&[(10, 1, true), (11, 1, true)], &[]);
    let _gateway = setting
        .world
        .start(&mesh, &["--believe", "gateway=*"])
        .await;
    let _ingress = setting
        .start_ingress(&["--route", &format!("*={FAR}")])
        .await;
    let _servers = [
        Server::start(&setting, 10, Duration::ZERO).await,
        Server::start(&setting, 11, Duration::ZERO).await,
    ];
    let seconds = std::env::var("H2LOAD_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    let mut command = Command::new("h2load");
    command.args(["-D", &seconds, "-c", "4", "-m", "8"]);
    command.arg(format!("http://{}/", setting.ingress()));
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("h2load runs");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text}");
    assert!(text.contains("0 failed, 0 errored, 0 timeout"), "{text}");
    assert!(!text.contains(" 0 2xx"), "{text}");
    assert!(text.contains("2xx, 0 3xx, 0 4xx, 0 5xx"), "{text}");
}
