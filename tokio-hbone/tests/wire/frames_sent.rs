//! What we put on the wire: heads, DATA and windows.

use std::io::IoSlice;

use bytes::Bytes;
use hbone::{Accept, Connect, ExpectedIdentities, HeaderValues, Hop, Route};
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_hbone::{Connector, Http2Config};

use crate::support::ends::{
    AUTHORITY, CONNECT, connector, identity, script_to_server, script_to_tunnel, scripted_server,
    tunnel_to_script, tunnel_to_script_with,
};
use crate::support::frame::{DATA, END_STREAM, Frame, HEADERS, INITIAL_WINDOW_SIZE, WINDOW_UPDATE};
use crate::support::io::pipe;
use crate::support::pki::SERVER;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_connect_has_its_method_its_authority_and_what_it_was_given() {
    let mut connect = Connect::new(AUTHORITY.parse().expect("an authority"));
    connect.baggage = HeaderValues::from_iter([
        HeaderValue::from_static("k8s.namespace.name=a"),
        HeaderValue::from_static(""),
    ]);
    let hop = Hop::new(connect, ExpectedIdentities::from(identity(SERVER)));
    let route = Route::new("127.0.0.1:15008".parse().expect("an address"), hop);
    let (near, far) = pipe();
    let script = async {
        let mut raw = scripted_server(far).await;
        let head = raw.expect(HEADERS).await;
        assert!(!head.has(END_STREAM));
        raw.fields(&head)
    };
    let connector = connector();
    let fields = tokio::select! {
        fields = script => fields,
        _ = connector.connect_over(near, &route) => panic!("never answered"),
    };
    let expected = [
        (":method", "CONNECT"),
        (":authority", AUTHORITY),
        ("baggage", "k8s.namespace.name=a"),
        ("baggage", ""),
    ];
    assert_eq!(fields, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn an_accepted_connect_is_answered_with_200_and_no_length() {
    // [69]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let baggage = HeaderValues::from_iter([HeaderValue::from_static("service.name=b")]);
    let incoming = soon(incoming.recv()).await.expect("a CONNECT");
    let _tunnel = incoming.accept(&Accept::new(baggage)).expect("a client");
    let head = raw.expect(HEADERS).await;
    assert!(!head.has(END_STREAM));
    let expected = [(":status", "200"), ("baggage", "service.name=b")];
    assert_eq!(
        raw.fields(&head),
        expected.map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn empty_writes_and_storms_of_flushes_send_no_empty_data() {
    // [125]
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    for _ in 0..200 {
        assert_eq!(soon(tunnel.write(b"")).await.expect("a tunnel"), 0);
        tunnel.flush().await.expect("a tunnel");
        tunnel.write_chunk(Bytes::new()).await.expect("a tunnel");
        let nothing = [IoSlice::new(b""), IoSlice::new(b"")];
        let written = soon(tunnel.write_vectored(&nothing)).await;
        assert_eq!(written.expect("a tunnel"), 0);
    }
    let frames = raw.until_quiet().await;
    assert!(frames.iter().all(|frame| frame.kind != DATA), "{frames:?}");
    for _ in 0..20 {
        tunnel.write_all(b"a").await.expect("a tunnel");
        tunnel.flush().await.expect("a tunnel");
        tunnel.flush().await.expect("a tunnel");
        tokio::task::yield_now().await;
    }
    tunnel.shutdown().await.expect("a tunnel");
    // `bytes_of` refuses an empty DATA frame that does not end the stream.
    assert_eq!(raw.bytes_of(stream).await, [b'a'; 20]);
}

/// HBONE-L-010.
#[tokio::test(start_paused = true)]
async fn a_lone_small_write_is_sent_without_waiting_for_more() {
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let began = tokio::time::Instant::now();
    tunnel.write_all(b"hi").await.expect("a tunnel");
    let frame = raw.expect(DATA).await;
    assert_eq!((frame.stream, &frame.payload[..]), (stream, &b"hi"[..]));
    assert_eq!(began.elapsed(), std::time::Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_zero_costs_no_byte_and_no_frame() {
    // [53]
    let (mut tunnel, mut raw, stream) =
        tunnel_to_script_with(connector(), &[(INITIAL_WINDOW_SIZE, 0)]).await;
    let writing = tokio::spawn(async move {
        tunnel.write_all(b"in the end").await.expect("a tunnel");
        tunnel.shutdown().await.expect("a tunnel");
        tunnel
    });
    let frames = raw.until_quiet().await;
    assert!(frames.iter().all(|frame| frame.kind != DATA), "{frames:?}");
    raw.send([Frame::window_update(stream, 1 << 16)]).await;
    assert_eq!(raw.bytes_of(stream).await, b"in the end");
    drop(soon(writing).await);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_opens_by_one_byte_gets_one_byte_and_no_empty_frame() {
    // [52]
    let (mut tunnel, mut raw, stream) =
        tunnel_to_script_with(connector(), &[(INITIAL_WINDOW_SIZE, 0)]).await;
    let writing = tokio::spawn(async move {
        tunnel.write_all(b"drop by drop").await.expect("a tunnel");
        tunnel
    });
    let mut got = Vec::new();
    while got.len() < 12 {
        raw.send([Frame::window_update(stream, 1)]).await;
        let frame = raw.expect(DATA).await;
        assert_eq!(frame.payload.len(), 1);
        got.extend_from_slice(&frame.payload);
    }
    assert_eq!(got, b"drop by drop");
    drop(soon(writing).await);
}

#[tokio::test(start_paused = true)]
async fn an_initial_window_that_shrinks_below_what_is_in_flight_loses_nothing() {
    // [39]
    let (mut tunnel, mut raw, stream) = tunnel_to_script().await;
    let writing = tokio::spawn(async move {
        tunnel.write_all(&[1; 100_000]).await.expect("a tunnel");
        tunnel.shutdown().await.expect("a tunnel");
        tunnel
    });
    let mut got = 0;
    for frame in raw.until_quiet().await {
        got += if frame.kind == DATA {
            frame.payload.len()
        } else {
            0
        };
    }
    assert_eq!(got, 65_535);
    // The window of the stream is now 65,535 below zero.
    raw.send([
        Frame::settings(&[(INITIAL_WINDOW_SIZE, 0)]),
        Frame::window_update(0, 1 << 20),
        Frame::window_update(stream, 65_535),
    ])
    .await;
    let frames = raw.until_quiet().await;
    assert!(frames.iter().all(|frame| frame.kind != DATA), "{frames:?}");
    raw.send([Frame::window_update(stream, 1 << 20)]).await;
    got += raw.bytes_of(stream).await.len();
    assert_eq!(got, 100_000);
    drop(soon(writing).await);
}

#[tokio::test(start_paused = true)]
async fn the_window_is_given_back_when_the_application_has_read_and_not_before() {
    let mut http2 = Http2Config::client();
    http2.stream_window = 1 << 16;
    http2.connection_window = 1 << 18;
    let connector: Connector = connector().with_http2(http2);
    let (mut tunnel, mut raw, stream) = tunnel_to_script_with(connector, &[]).await;
    raw.until_quiet().await;
    let quarter = vec![9; 1 << 14];
    raw.send((0..4).map(|_| Frame::data(stream, quarter.clone())))
        .await;
    let frames = raw.until_quiet().await;
    assert_eq!(windows(&frames, stream), 0, "{frames:?}");

    let mut half = vec![0; 1 << 15];
    soon(tunnel.read_exact(&mut half))
        .await
        .expect("half of it");
    let frames = raw.until_quiet().await;
    assert_eq!(windows(&frames, stream), 1 << 15, "{frames:?}");

    soon(tunnel.read_exact(&mut half)).await.expect("the rest");
    let frames = raw.until_quiet().await;
    assert_eq!(windows(&frames, stream), 1 << 15, "{frames:?}");
}

#[tokio::test(start_paused = true)]
async fn the_window_of_the_connection_is_whole_again_after_a_tunnel_is_dropped_unread() {
    // [73]
    let (mut raw, tunnel) = script_to_tunnel().await;
    raw.until_quiet().await;
    let chunk = vec![9; 1 << 14];
    raw.send((0..128).map(|_| Frame::data(1, chunk.clone())))
        .await;
    drop(tunnel);
    raw.send((0..512).map(|_| Frame::data(1, chunk.clone())))
        .await;
    let given_back = windows(&raw.until_quiet().await, 0);
    // Ten mebibytes went in; h2 keeps back less than half of the window of sixteen.
    assert!(given_back > 2 << 20, "{given_back}");
}

fn windows(frames: &[Frame], stream: u32) -> u32 {
    frames
        .iter()
        .filter(|frame| frame.kind == WINDOW_UPDATE && frame.stream == stream)
        .map(|frame| frame.reason())
        .sum()
}
