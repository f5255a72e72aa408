use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_hbone::Tunnel;

use crate::client::tunnel;
use crate::process::PATIENCE;
use crate::setting::{NEAR, Setting};

/// What is answered to these bytes, in a tunnel to the service beside the waypoint, until the waypoint has said all.
pub(crate) async fn raw(setting: &Setting, request: &[u8]) -> String {
    let mut tunnel = raw_tunnel(setting).await;
    // Who is refused in the middle need not hear the rest.
    let _ = tunnel.write_all(request).await;
    let _ = tunnel.shutdown().await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, tunnel.read_to_end(&mut answer))
        .await
        .expect("an end");
    String::from_utf8(answer).expect("text")
}

pub(crate) async fn raw_tunnel(setting: &Setting) -> Tunnel {
    tunnel(setting, &format!("{NEAR}:80")).await
}

/// Reads until `end` has come.
pub(crate) async fn read_until(tunnel: &mut Tunnel, end: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(end) {
            let chunk = tunnel.read_chunk().await.expect("more");
            let chunk = chunk.unwrap_or_else(|| panic!("it ended with {text:?}"));
            text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    };
    timeout(PATIENCE, reading).await.expect("it comes in time");
    text
}

/// Whether nothing comes for a moment.
pub(crate) async fn is_silent(tunnel: &mut Tunnel) -> bool {
    is_silent_for(tunnel, Duration::from_millis(200)).await
}

/// Whether nothing comes for this time.
pub(crate) async fn is_silent_for(tunnel: &mut Tunnel, time: Duration) -> bool {
    timeout(time, tunnel.read_chunk()).await.is_err()
}
