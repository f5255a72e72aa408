//! HTTP/2 settings that are nothing and everything, one beside any other, at either end.

use hbone::Accept;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};
use tokio_hbone::{Acceptor, Connector, Http2Config};

use crate::support::ends::{acceptor, connector, incoming, route};
use crate::support::io::pipe;
use crate::support::{soon, tasks, tasks_end};

/// One extreme of a setting.
type Extreme = (&'static str, fn(&mut Http2Config));

const EXTREMES: [Extreme; 18] = [
    ("as it is", |_| {}),
    ("no stream window", |http2| http2.stream_window = 0),
    ("a stream window of a byte", |http2| http2.stream_window = 1),
    ("all stream window", |http2| http2.stream_window = u32::MAX),
    ("no connection window", |http2| http2.connection_window = 0),
    ("a connection window of a byte", |http2| {
        http2.connection_window = 1
    }),
    ("all connection window", |http2| {
        http2.connection_window = u32::MAX
    }),
    ("no frame", |http2| http2.frame_size = 0),
    ("any frame", |http2| http2.frame_size = u32::MAX),
    ("no head", |http2| http2.header_list_size = 0),
    ("a head of a byte", |http2| http2.header_list_size = 1),
    ("any head", |http2| http2.header_list_size = u32::MAX),
    ("no buffer", |http2| http2.send_buffer = 0),
    ("any buffer", |http2| http2.send_buffer = usize::MAX),
    ("no stream", |http2| http2.concurrent_streams = 0),
    ("a stream", |http2| http2.concurrent_streams = 1),
    ("all streams", |http2| http2.concurrent_streams = u32::MAX),
    ("no budget", |http2| http2.small_frame_budget = 0),
];

#[tokio::test(start_paused = true)]
async fn any_two_extremes_of_either_end_serve_or_refuse_and_leave_nothing() {
    for (at, (one, first)) in EXTREMES.iter().enumerate() {
        for (other, second) in EXTREMES.iter().skip(at) {
            let what = format!("{one}, {other}");
            let set = |mut http2: Http2Config| {
                first(&mut http2);
                second(&mut http2);
                http2
            };
            let (server, client) = (set(Http2Config::server()), set(Http2Config::client()));
            let at_server = use_up(acceptor().with_http2(server), connector(), bytes(server)).await;
            let has_room = server.header_list_size > 1 && server.concurrent_streams > 0;
            assert_eq!(at_server, has_room, "server: {what}");
            let at_client = use_up(acceptor(), connector().with_http2(client), bytes(client)).await;
            assert_eq!(at_client, client.header_list_size > 1, "client: {what}");
        }
    }
}

/// How many bytes go there and back.
const fn bytes(http2: Http2Config) -> usize {
    // Each of them takes a frame.
    if http2.stream_window <= 1 || http2.send_buffer <= 1 {
        return 100;
    }
    // So does each past the window that every connection begins with (RFC 9113 section 6.9.2).
    match http2.connection_window {
        0 | 1 => 65_535 + 100,
        _ => 100 << 10,
    }
}

/// A tunnel that is used, and the end of its connection; `false` if there was none.
async fn use_up(acceptor: Acceptor, connector: Connector, bytes: usize) -> bool {
    let before = tasks();
    let (near, far) = pipe();
    let mut incoming = incoming(far, acceptor);
    tokio::spawn(async move {
        while let Some(asked) = incoming.recv().await {
            if let Ok(tunnel) = asked.accept(&Accept::default()) {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = split(tunnel);
                    let _ = copy(&mut reader, &mut writer).await;
                    let _ = writer.shutdown().await;
                });
            }
        }
    });
    let connected = soon(connector.connect_over(near, &route())).await;
    let has_worked = connected.is_ok();
    if let Ok(tunnel) = connected {
        let (mut reader, mut writer) = split(tunnel);
        let writing = async {
            writer.write_all(&vec![7; bytes]).await?;
            writer.shutdown().await
        };
        let mut all = Vec::new();
        let (wrote, read) =
            soon(async { tokio::join!(writing, reader.read_to_end(&mut all)) }).await;
        wrote.expect("room");
        assert_eq!(read.expect("all of it"), bytes);
    }
    tasks_end(before).await;
    has_worked
}
