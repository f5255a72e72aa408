use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_hbone::Connector;

use crate::bounded::bounded;
use crate::frames::{Act, Heads, acts, payloads, perform, sent};
use crate::script::Script;
use crate::support::ends::{connector, route};
use crate::support::io::{BoxIo, pipe};
use crate::support::pki::{SERVER, Shown, workload};
use crate::support::script_tls::ScriptTls;

/// Any octets and pauses from a server behind a good handshake: opening a tunnel ends within its deadlines, a tunnel reads what the DATA
/// frames of its stream carried and nothing else, and the client uses no more memory than the server has paid for.
pub fn client_frames(data: &[u8]) {
    let mut script = Script::new(data);
    let mut all = match script.below(16) {
        15 => Vec::new(),
        14 => vec![Act::Send(SETTINGS.to_vec())],
        _ => vec![
            Act::Send(SETTINGS.to_vec()),
            Act::Wait(Duration::from_millis(1)),
        ],
    };
    all.extend(acts(script, HEADS));
    let said = sent(&all);
    let expected = payloads(&said).remove(&1).unwrap_or_default();
    let (client, server) = (
        CONNECTOR.clone(),
        ScriptTls::new(SERVER_CERTIFICATE.clone()),
    );
    let most = (2 << 20) + 16 * said.len() as u64;
    bounded(most, async move {
        let (near, far) = pipe();
        let answering = tokio::spawn(async move {
            if let Ok(far) = server.accept(Box::new(far) as BoxIo).await {
                perform(far, all).await;
            }
        });
        let route = route();
        let opened = timeout(Duration::from_secs(60), client.connect_over(near, &route)).await;
        match opened.expect("an end in time") {
            Ok(mut tunnel) => {
                let _ = timeout(Duration::from_secs(1), tunnel.write_all(b"asked")).await;
                let mut read = Vec::new();
                let reading = async {
                    while let Ok(Some(chunk)) = tunnel.read_chunk().await {
                        read.extend_from_slice(&chunk);
                        assert!(
                            expected.starts_with(&read),
                            "a tunnel reads what nobody sent on it"
                        );
                    }
                };
                timeout(Duration::from_secs(400), reading)
                    .await
                    .expect("the peer has left");
            }
            Err(error) => assert!(error.level == 0 && error.to_string().contains("hop")),
        }
        drop(client);
        answering.await.expect("no panic");
    });
}

static CONNECTOR: LazyLock<Connector> = LazyLock::new(connector);
static SERVER_CERTIFICATE: LazyLock<Shown> = LazyLock::new(|| workload(SERVER));

/// An empty frame of type SETTINGS.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

const HEADS: Heads<'_> = &[
    &[(":status", "200")],
    &[(":status", "200"), ("baggage", "k8s.pod.name=server")],
    &[(":status", "100")],
    &[(":status", "103")],
    &[(":status", "101")],
    &[(":status", "204")],
    &[(":status", "302"), ("location", "https://elsewhere/")],
    &[(":status", "503")],
    &[(":status", "999")],
    &[(":method", "CONNECT"), (":authority", "10.0.0.1:80")],
    &[("x", "trailers")],
];
