use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hbone::{Accept, DenyStatus, Reject, policy::Denied};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_hbone::{Acceptor, Connection, Http2Config, Incoming};

use crate::bounded::{bounded, most};
use crate::frames::{Act, Heads, acts, heads_in, payloads, perform, sent};
use crate::script::Script;
use crate::support::ends::acceptor;
use crate::support::io::{BoxIo, pipe};
use crate::support::pki::{CLIENT, Shown, workload};
use crate::support::raw::PREFACE;
use crate::support::script_tls::ScriptTls;

/// Any octets and pauses from a client behind a good handshake: the server ends soon after the client, holds no more memory than its limits
/// allow and the client has paid for, says little to who says little, and a tunnel reads what the DATA frames of its stream carried and
/// nothing else.
pub fn server_frames(data: &[u8]) {
    let mut script = Script::new(data);
    let kind = script.octet();
    let mut all = if kind % 16 == 15 {
        Vec::new()
    } else {
        vec![Act::Send([PREFACE, &SETTINGS].concat())]
    };
    let http2 = if kind < 128 {
        Http2Config::server()
    } else {
        narrow()
    };
    all.extend(acts(script, HEADS));
    let said = sent(&all);
    let frames = said.strip_prefix(PREFACE).unwrap_or_default();
    let tunnels = heads_in(frames).min(http2.concurrent_streams as usize);
    // Both stay here, so that they are not freed while memory is counted, nor copied.
    let (all, data): (Arc<[Act]>, _) = (all.into(), Arc::new(payloads(frames)));
    let server = ACCEPTOR.clone().with_http2(http2);
    let client = ScriptTls::new(CLIENT_CERTIFICATE.clone());
    bounded(most(&http2, tunnels, said.len()), async {
        let (near, far) = pipe();
        let data = Arc::clone(&data);
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
        let got = perform(near, Arc::clone(&all)).await;
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

/// Limits that a few frames come up against.
fn narrow() -> Http2Config {
    let mut narrow = Http2Config::server();
    narrow.stream_window = 64 << 10;
    narrow.connection_window = 256 << 10;
    narrow.frame_size = 32 << 10;
    narrow.header_list_size = 4 << 10;
    narrow.send_buffer = 32 << 10;
    narrow.concurrent_streams = 8;
    narrow
}

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

/// What DATA frames carry, by stream.
type Payloads = Arc<BTreeMap<u32, Vec<u8>>>;

async fn serve<IO>(mut connection: Connection<IO>, data: Payloads)
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let mut tunnels = JoinSet::new();
    while let Some(incoming) = connection.next().await {
        tunnels.spawn(tunnel(incoming, Arc::clone(&data)));
    }
    while let Some(tunnel) = tunnels.join_next().await {
        tunnel.expect("no panic");
    }
}

/// The port says what becomes of a CONNECT.
async fn tunnel(incoming: Incoming, data: Payloads) {
    let port = incoming.connect().authority.port();
    if port == 81 {
        return incoming.reject(&Reject::denied(Denied::All, DenyStatus::default()));
    }
    let Ok(mut tunnel) = incoming.accept(&Accept::default()) else {
        return;
    };
    let mut expected = data
        .get(&tunnel.info().stream)
        .map_or(&[][..], Vec::as_slice);
    if port == 82 {
        return;
    }
    while let Ok(Some(chunk)) = tunnel.read_chunk().await {
        let rest = expected.strip_prefix(&*chunk);
        expected = rest.expect("a tunnel reads what was sent on it");
        if port == 80 && tunnel.write_chunk(chunk).await.is_err() {
            break;
        }
    }
    let _ = tunnel.shutdown().await;
}
