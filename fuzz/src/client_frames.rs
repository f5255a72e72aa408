use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_hbone::{Connector, Http2Config};

use crate::bounded::{bounded, most};
use crate::frames::{Act, Heads, acts, payloads, perform, sent};
use crate::script::Script;
use crate::support::ends::{connector, route};
use crate::support::io::{BoxIo, pipe};
use crate::support::pki::{SERVER, Shown, workload};
use crate::support::script_tls::ScriptTls;

/// Any octets and pauses from a server behind a good handshake: opening a tunnel ends within its deadlines, a tunnel reads what the DATA
/// frames of its stream carried and nothing else, and the client holds no more memory than its limits allow and the server has paid for.
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
    let payload = payloads(&said).remove(&1).unwrap_or_default();
    // It stays here, so that it is not freed while memory is counted.
    let all: Arc<[Act]> = all.into();
    let http2 = Http2Config::client();
    let client = CONNECTOR.clone().with_http2(http2);
    let server = ScriptTls::new(SERVER_CERTIFICATE.clone());
    bounded(most(&http2, 1, said.len()), async {
        let (near, far) = pipe();
        let acts = Arc::clone(&all);
        let answering = tokio::spawn(async move {
            if let Ok(far) = server.accept(Box::new(far) as BoxIo).await {
                perform(far, acts).await;
            }
        });
        let route = route();
        let opened = timeout(Duration::from_secs(60), client.connect_over(near, &route)).await;
        match opened.expect("an end in time") {
            Ok(mut tunnel) => {
                let _ = timeout(Duration::from_secs(1), tunnel.write_all(b"asked")).await;
                let mut expected = &payload[..];
                let reading = async {
                    while let Ok(Some(chunk)) = tunnel.read_chunk().await {
                        let rest = expected.strip_prefix(&*chunk);
                        expected = rest.expect("a tunnel reads what was sent on it");
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
