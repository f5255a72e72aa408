use std::sync::LazyLock;
use std::time::Duration;

use hbone::{Accept, DenyStatus, Reject, policy::Denied};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_hbone::{Acceptor, Connection, Incoming};

use crate::bounded::bounded;
use crate::frames::{Act, Heads, acts, payloads, perform, sent};
use crate::script::Script;
use crate::support::ends::acceptor;
use crate::support::io::{BoxIo, pipe};
use crate::support::pki::{CLIENT, Shown, workload};
use crate::support::raw::PREFACE;
use crate::support::script_tls::ScriptTls;

/// Any octets and pauses from a client behind a good handshake: the server ends soon after the client, uses no more memory than the client
/// has paid for, says little to who says little, and a tunnel reads what the DATA frames of its stream carried and nothing else.
pub fn server_frames(data: &[u8]) {
    let mut script = Script::new(data);
    let is_raw = script.below(16) == 15;
    let mut all = if is_raw {
        Vec::new()
    } else {
        vec![Act::Send([PREFACE, &SETTINGS].concat())]
    };
    all.extend(acts(script, HEADS));
    let said = sent(&all);
    let data = payloads(said.strip_prefix(PREFACE).unwrap_or_default());
    let (server, client) = (ACCEPTOR.clone(), ScriptTls::new(CLIENT_CERTIFICATE.clone()));
    let most = (2 << 20) + 400 * (8 << 10) + 16 * said.len() as u64;
    bounded(most, async move {
        let (near, far) = pipe();
        let serving = tokio::spawn(async move {
            let connection = server.accept(far).await;
            if let Ok(connection) = connection {
                serve(connection, data).await;
            }
        });
        let near = client
            .connect(Box::new(near) as BoxIo)
            .await
            .expect("a handshake");
        let got = perform(near, all).await;
        assert!(
            got <= 4_000 + 40 * said.len(),
            "{got} octets in answer to {}",
            said.len()
        );
        let over = timeout(Duration::from_secs(60), serving).await;
        over.expect("the connection is over").expect("no panic");
    });
}

static ACCEPTOR: LazyLock<Acceptor> = LazyLock::new(acceptor);
static CLIENT_CERTIFICATE: LazyLock<Shown> = LazyLock::new(|| workload(CLIENT));

/// An empty frame of type SETTINGS.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

const HEADS: Heads<'_> = &[
    &[(":method", "CONNECT"), (":authority", "10.0.0.1:80")],
    &[(":method", "CONNECT"), (":authority", "10.0.0.1:81")],
    &[(":method", "CONNECT"), (":authority", "10.0.0.1:82")],
    &[(":method", "CONNECT"), (":authority", "10.0.0.1:83")],
    &[
        (":method", "CONNECT"),
        (":authority", "echo.svc:80"),
        ("baggage", "k8s.pod.name=a"),
        ("forwarded", "for=10.0.0.9"),
    ],
    &[(":method", "CONNECT"), (":authority", "0x7f.1:80")],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "10.0.0.1:80"),
        (":path", "/"),
    ],
    &[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", "a:80"),
        (":path", "/"),
    ],
    &[(":method", "CONNECT")],
    &[
        (":method", "CONNECT"),
        (":authority", "10.0.0.1:80"),
        ("connection", "close"),
    ],
    &[("x", "trailers")],
];

async fn serve<IO>(mut connection: Connection<IO>, data: std::collections::BTreeMap<u32, Vec<u8>>)
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let mut tunnels = JoinSet::new();
    while let Some(incoming) = connection.next().await {
        tunnels.spawn(tunnel(incoming, data.clone()));
    }
    while let Some(tunnel) = tunnels.join_next().await {
        tunnel.expect("no panic");
    }
}

/// The port says what becomes of a CONNECT.
async fn tunnel(incoming: Incoming, data: std::collections::BTreeMap<u32, Vec<u8>>) {
    let port = incoming.connect().authority.port();
    if port == 81 {
        return incoming.reject(&Reject::denied(Denied::All, DenyStatus::default()));
    }
    let Ok(mut tunnel) = incoming.accept(&Accept::default()) else {
        return;
    };
    let expected = data.get(&tunnel.info().stream).cloned().unwrap_or_default();
    if port == 82 {
        return;
    }
    let mut read = Vec::new();
    while let Ok(Some(chunk)) = tunnel.read_chunk().await {
        read.extend_from_slice(&chunk);
        assert!(
            expected.starts_with(&read),
            "a tunnel reads what nobody sent on it"
        );
        if port == 80 && tunnel.write_chunk(chunk).await.is_err() {
            break;
        }
    }
    let _ = tunnel.shutdown().await;
}
