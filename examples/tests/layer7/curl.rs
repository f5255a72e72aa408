//! curl, which others have written, at the ingress gateway: HTTP/1.1, HTTP/2, and both over TLS.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::Duration;

use crate::available::available;
use crate::server::Server;
use crate::setting::{NEAR, Setting};

#[tokio::test(flavor = "multi_thread")]
async fn curl_gets_and_sends_in_every_version() {
    let version = Command::new("curl").arg("--version").output();
    let version = version
        .map(|output| text(&output.stdout))
        .unwrap_or_default();
    if !available("curl with HTTP/2", version.contains("HTTP2")) {
        return;
    }
    let setting = Setting::new();
    setting.world.write(&setting.mesh(&[], &[(30, 1, true)]));
    let https = SocketAddr::new(setting.ingress().ip(), 8443);
    let flags = [
        "--https",
        &https.to_string(),
        "--https-cert",
        &setting.world.file("ingress.pem"),
        "--https-key",
        &setting.world.file("ingress.key"),
    ];
    let _ingress = setting.start_ingress(&flags).await;
    let _server = Server::start(&setting, 30, Duration::ZERO).await;
    let (plain, encrypted) = (
        format!("http://{}", setting.ingress()),
        format!("https://{https}"),
    );
    for (flag, at, version) in [
        ("--http1.1", &plain, "1.1"),
        ("--http2-prior-knowledge", &plain, "2"),
        ("--http1.1", &encrypted, "1.1"),
        ("--http2", &encrypted, "2"),
    ] {
        let got = curl(NEAR, &[flag, "-w", " %{http_version}", &format!("{at}/")]).await;
        assert_eq!(text(&got.stdout), format!("30 {version}"), "{flag} {at}");
        // More than curl sends before it has heard that it may.
        let body = "x".repeat(2 << 20);
        std::fs::write(setting.world.file("body"), &body).expect("a file");
        let file = format!("@{}", setting.world.file("body"));
        let sent = curl(NEAR, &[flag, "--data-binary", &file, &format!("{at}/echo")]).await;
        assert!(
            sent.stdout == body.as_bytes(),
            "{flag} {at}: {} bytes",
            sent.stdout.len()
        );
        let head = curl(
            NEAR,
            &[
                flag,
                "-H",
                "x-forwarded-for: 9.9.9.9",
                &format!("{at}/head"),
            ],
        )
        .await;
        let head = text(&head.stdout);
        assert!(
            !head.contains("9.9.9.9") && head.contains("x-forwarded-for: 127."),
            "{head}"
        );
        let scheme = at.split(':').next().unwrap_or_default();
        assert!(
            head.contains(&format!("x-forwarded-proto: {scheme}\n")),
            "{head}"
        );
    }
    let unknown = curl("nobody", &["-w", "%{http_code}", &format!("{plain}/")]).await;
    assert!(
        text(&unknown.stdout).ends_with("see --route\n404"),
        "{}",
        text(&unknown.stdout)
    );
}

async fn curl(host: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["-ksS", "--max-time", "60", "-H", &format!("Host: {host}")]);
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("curl runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
