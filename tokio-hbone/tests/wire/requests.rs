//! What a client may ask of our server, and must not.

use hbone::{Reason, Reject};
use tokio::io::AsyncWriteExt;
use tokio_hbone::Http2Config;

use crate::support::ends::{
    AUTHORITY, CONNECT, OK, accept_next, acceptor, read_all, script_to_server,
    script_to_server_with, tunnel_error,
};
use crate::support::frame::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, RST_STREAM, WINDOW_UPDATE, block,
};
use crate::support::raw::Raw;
use crate::support::soon;

const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test(start_paused = true)]
async fn other_methods_are_answered_with_405_and_reach_no_handler() {
    // [57]
    for method in ["GET", "POST", "PUT", "PRI"] {
        let (mut raw, mut incoming) = script_to_server().await;
        let head = [
            (":method", method),
            (":scheme", "https"),
            (":path", "/"),
            (":authority", AUTHORITY),
        ];
        raw.send([Frame::headers(1, &head)]).await;
        let answer = raw.expect(HEADERS).await;
        assert!(answer.has(END_STREAM), "{method}");
        let fields = raw.fields(&answer);
        let told = |name: &str, value: &str| {
            fields
                .iter()
                .any(|field| (&*field.0, &*field.1) == (name, value))
        };
        assert!(told(":status", "405"), "{fields:?}");
        assert!(told("allow", "CONNECT"), "{fields:?}");
        is_kept(&mut raw, &mut incoming).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_with_a_path_or_a_scheme_or_a_protocol_is_reset() {
    // [58] [59]
    let extra: [&[(&str, &str)]; 4] = [
        &[(":path", "/")],
        &[(":scheme", "https")],
        &[(":path", "/"), (":scheme", "https")],
        &[
            (":path", "/"),
            (":scheme", "https"),
            (":protocol", "connect-tcp"),
        ],
    ];
    for extra in extra {
        let (mut raw, mut incoming) = script_to_server().await;
        let head = [&CONNECT[..], extra].concat();
        raw.send([Frame::headers(1, &head)]).await;
        assert_eq!(raw.reset_of(1).await, PROTOCOL_ERROR, "{extra:?}");
        is_kept(&mut raw, &mut incoming).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_authority_is_refused_and_reaches_no_handler() {
    // [61] [62] [63] [64]
    let long = format!("{}:80", "a".repeat(8 << 10));
    let malformed = [
        "",
        ":80",
        "host",
        "1.2.3.4",
        "[::1]",
        "::1:80",
        "host:",
        "host:0",
        "host:99999",
        "host:+80",
        "host:-80",
        "host:080",
        "host:0x50",
        "host:80:80",
        "host:80/",
        "host:80/path",
        "host:80?x",
        "host:80#f",
        "user@10.0.0.1:80",
        "user:secret@10.0.0.1:80",
        "10.0.0.1:80@evil:80",
        "a@b@10.0.0.1:80",
        "[fe80::1%25eth0]:80",
        "[fe80::1%eth0]:80",
        "ho st:80",
        "host\t:80",
        "host\0:80",
        "h\u{f6}st:80",
        "*:80",
        "host,other:80",
        &long,
    ];
    for authority in malformed {
        let (mut raw, mut incoming) = script_to_server().await;
        let head = [(":method", "CONNECT"), (":authority", authority)];
        raw.send([Frame::headers(1, &head)]).await;
        let answer = raw.frame().await.expect("an answer");
        match answer.kind {
            HEADERS => {
                assert!(answer.has(END_STREAM), "{authority:?}");
                assert_eq!(raw.status(&answer), 400, "{authority:?}");
            }
            RST_STREAM => assert_eq!(answer.reason(), PROTOCOL_ERROR, "{authority:?}"),
            _ => panic!("{authority:?}: {answer:?}"),
        }
        is_kept(&mut raw, &mut incoming).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_without_or_with_two_authorities_is_refused() {
    let heads: [&[(&str, &str)]; 3] = [
        &[(":method", "CONNECT")],
        &[(":method", "CONNECT"), ("host", AUTHORITY)],
        &[
            (":method", "CONNECT"),
            (":authority", AUTHORITY),
            (":authority", "evil:80"),
        ],
    ];
    for head in heads {
        let (mut raw, mut incoming) = script_to_server().await;
        raw.send([Frame::headers(1, head)]).await;
        let answer = raw.frame().await.expect("an answer");
        match answer.kind {
            HEADERS => assert_eq!(raw.status(&answer), 400, "{head:?}"),
            RST_STREAM => assert_eq!(answer.reason(), PROTOCOL_ERROR, "{head:?}"),
            _ => panic!("{head:?}: {answer:?}"),
        }
        is_kept(&mut raw, &mut incoming).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_header_that_contradicts_the_authority_is_refused() {
    // [67]
    let (mut raw, mut incoming) = script_to_server().await;
    let head = [&CONNECT[..], &[("host", "evil:80")]].concat();
    raw.send([Frame::headers(1, &head)]).await;
    let answer = raw.expect(HEADERS).await;
    assert_eq!(raw.status(&answer), 400);
    is_kept(&mut raw, &mut incoming).await;
}

#[tokio::test(start_paused = true)]
async fn headers_of_one_connection_are_refused_and_strange_ones_are_ignored() {
    // [71]
    for (name, value) in [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
    ] {
        let (mut raw, mut incoming) = script_to_server().await;
        let head = [&CONNECT[..], &[(name, value)]].concat();
        raw.send([Frame::headers(1, &head)]).await;
        assert_eq!(raw.reset_of(1).await, PROTOCOL_ERROR, "{name}");
        is_kept(&mut raw, &mut incoming).await;
    }
    let (mut raw, mut incoming) = script_to_server().await;
    let strange = [
        ("expect", "100-continue"),
        ("te", "trailers"),
        ("proxy-authorization", "basic eA=="),
        ("x-unknown", "\u{ff}"),
    ];
    raw.send([Frame::headers(1, &[&CONNECT[..], &strange].concat())])
        .await;
    let _tunnel = accept_next(&mut incoming).await;
    let answer = raw.expect(HEADERS).await;
    assert_eq!(raw.status(&answer), 200);
}

#[tokio::test(start_paused = true)]
async fn a_length_on_a_connect_costs_that_stream_and_never_looks_like_an_end() {
    // [69]: h2 holds a request to the length that it claims.
    let (mut raw, mut incoming) = script_to_server().await;
    let head = [&CONNECT[..], &[("content-length", "1")]].concat();
    raw.send([Frame::headers(1, &head)]).await;
    let mut tunnel = accept_next(&mut incoming).await;
    raw.send([Frame::data(1, "too much")]).await;
    let error = read_all(&mut tunnel).await.expect_err("no end of file");
    tunnel_error(&error);
    assert_eq!(raw.reset_of(1).await, PROTOCOL_ERROR);
    is_kept(&mut raw, &mut incoming).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_over_the_limit_is_answered_with_431_and_four_times_over_closes() {
    // [31] [34]
    let (mut raw, mut incoming) = script_to_server().await;
    let baggage = "x".repeat(70 << 10);
    let head = [&CONNECT[..], &[("baggage", &*baggage)]].concat();
    raw.send(Frame::headers_in_parts(1, &head)).await;
    let answer = raw.expect(HEADERS).await;
    assert!(answer.has(END_STREAM));
    assert_eq!(raw.status(&answer), 431);
    is_kept(&mut raw, &mut incoming).await;

    let (mut raw, mut incoming) = script_to_server().await;
    let baggage = "x".repeat(300 << 10);
    let head = [&CONNECT[..], &[("baggage", &*baggage)]].concat();
    raw.send(Frame::headers_in_parts(1, &head)).await;
    assert_eq!(raw.go_away().await, ENHANCE_YOUR_CALM);
    assert!(soon(incoming.recv()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn thousands_of_tiny_headers_are_over_the_limit_by_their_number() {
    // [35]: RFC 9113 section 6.5.2 counts 32 bytes for each beside its text.
    let (mut raw, mut incoming) = script_to_server().await;
    let tiny = vec![("a", ""); 3000];
    raw.send(Frame::headers_in_parts(1, &[&CONNECT[..], &tiny].concat()))
        .await;
    let answer = raw.expect(HEADERS).await;
    assert_eq!(raw.status(&answer), 431);
    is_kept(&mut raw, &mut incoming).await;
}

#[tokio::test(start_paused = true)]
async fn a_small_block_that_unpacks_to_a_huge_head_closes_the_connection() {
    // [34]: one entry of the dynamic table, named four thousand times (RFC 7541 section 6.1).
    let (mut raw, mut incoming) = script_to_server().await;
    let mut bomb = block(&CONNECT).to_vec();
    bomb.extend_from_slice(&[0x40, 6]);
    bomb.extend_from_slice(b"cookie");
    // 3,500 as an integer with a prefix of seven bits: 127 + 3,373.
    bomb.extend_from_slice(&[127, 0xad, 0x1a]);
    bomb.resize(bomb.len() + 3_500, b'x');
    bomb.resize(bomb.len() + 4_000, 0x80 | 62);
    raw.send([Frame::new(HEADERS, END_HEADERS, 1, bomb)]).await;
    assert_eq!(raw.go_away().await, ENHANCE_YOUR_CALM);
    assert!(soon(incoming.recv()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn one_connect_more_than_the_limit_is_refused_alone() {
    // [50]
    let mut http2 = Http2Config::server();
    http2.concurrent_streams = 2;
    let acceptor = acceptor().with_http2(http2);
    let (mut raw, mut incoming) = script_to_server_with(acceptor, &[]).await;
    raw.send([1, 3, 5].map(|stream| Frame::headers(stream, &CONNECT)))
        .await;
    let first = accept_next(&mut incoming).await;
    let mut second = accept_next(&mut incoming).await;
    assert_eq!(raw.reset_of(5).await, REFUSED_STREAM);
    raw.send([Frame::last_data(3, "unharmed")]).await;
    assert_eq!(read_all(&mut second).await.expect("an end"), b"unharmed");
    // A place that is free again is given again.
    drop(first);
    raw.reset_of(1).await;
    raw.send([Frame::headers(7, &CONNECT)]).await;
    accept_next(&mut incoming).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_connect_is_answered_without_a_body() {
    // [75] [81]
    let rejects = [
        (Reject::UpstreamRefused, 503),
        (Reject::UpstreamTimeout, 503),
        (Reject::NotServedHere, 400),
        (Reject::NotReady, 503),
    ];
    for (reject, status) in rejects {
        let (mut raw, mut incoming) = script_to_server().await;
        raw.send([Frame::headers(1, &CONNECT)]).await;
        soon(incoming.recv())
            .await
            .expect("a CONNECT")
            .reject(&reject);
        let answer = raw.expect(HEADERS).await;
        assert!(answer.has(END_STREAM));
        let expected = vec![(":status".to_owned(), status.to_string())];
        assert_eq!(raw.fields(&answer), expected, "{reject:?}");
        is_kept(&mut raw, &mut incoming).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_comes_while_we_drain_may_be_repeated_elsewhere() {
    // [135]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let incoming = soon(incoming.recv()).await.expect("a CONNECT");
    incoming.reject(&Reject::Draining);
    assert_eq!(raw.reset_of(1).await, REFUSED_STREAM);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_up_stops_the_work_for_it() {
    // [29]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let waiting = soon(incoming.recv()).await.expect("a CONNECT");
    raw.send([Frame::reset(1, Reason::CANCEL.to_wire())]).await;
    soon(waiting.given_up()).await;
    waiting
        .accept(&hbone::Accept::default())
        .expect_err("nobody is there");
    is_kept(&mut raw, &mut incoming).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_stops_the_work_for_it() {
    // [29]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::headers(1, &CONNECT)]).await;
    let waiting = soon(incoming.recv()).await.expect("a CONNECT");
    let _io = raw.close().await;
    soon(waiting.given_up()).await;
    assert!(soon(incoming.recv()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_costs_its_own_stream() {
    // [74]
    let (mut raw, mut incoming) = script_to_server().await;
    raw.send([Frame::headers(1, &CONNECT), Frame::headers(3, &CONNECT)])
        .await;
    let unanswered = soon(incoming.recv()).await.expect("a CONNECT");
    let answered = accept_next(&mut incoming).await;
    for handler in [
        tokio::spawn(async move {
            let _held = unanswered;
            panic!("on purpose, before the answer");
        }),
        tokio::spawn(async move {
            let _held = answered;
            panic!("on purpose, after the answer");
        }),
    ] {
        soon(handler).await.expect_err("a panic");
    }
    assert_eq!(raw.reset_of(1).await, Reason::INTERNAL_ERROR.to_wire());
    assert_eq!(raw.reset_of(3).await, Reason::INTERNAL_ERROR.to_wire());
    is_kept(&mut raw, &mut incoming).await;
}

#[tokio::test(start_paused = true)]
async fn what_refused_clients_go_on_sending_leaves_the_window_of_the_connection_whole() {
    // [73]
    let (mut raw, mut incoming) = script_to_server().await;
    let chunk = vec![7; 1 << 14];
    let mut given_back = 0;
    let rounds = 1_500;
    for round in 0..rounds {
        let stream = 1 + 2 * round;
        raw.send([
            Frame::headers(stream, &CONNECT),
            Frame::data(stream, chunk.clone()),
        ])
        .await;
        let incoming = soon(incoming.recv()).await.expect("a CONNECT");
        incoming.reject(&Reject::UpstreamRefused);
        loop {
            let frame = raw.any_frame().await.expect("kept");
            match frame.kind {
                WINDOW_UPDATE if frame.stream == 0 => given_back += frame.reason(),
                HEADERS => break,
                GOAWAY => panic!("round {round}: {frame:?}"),
                _ => {}
            }
        }
    }
    for frame in raw.until_quiet().await {
        if frame.kind == WINDOW_UPDATE && frame.stream == 0 {
            given_back += frame.reason();
        }
    }
    // What h2 has not told us of yet is less than half of the window of 16 MiB.
    let sent = rounds << 14;
    assert!(given_back + (8 << 20) >= sent, "{given_back} of {sent}");
    is_kept_on(&mut raw, &mut incoming, 1 + 2 * rounds).await;
}

/// Another CONNECT on the connection is served.
async fn is_kept(raw: &mut Raw, incoming: &mut tokio::sync::mpsc::Receiver<tokio_hbone::Incoming>) {
    is_kept_on(raw, incoming, 101).await;
}

async fn is_kept_on(
    raw: &mut Raw,
    incoming: &mut tokio::sync::mpsc::Receiver<tokio_hbone::Incoming>,
    stream: u32,
) {
    raw.send([Frame::headers(stream, &CONNECT)]).await;
    let mut tunnel = accept_next(incoming).await;
    tunnel.write_all(b"alive").await.expect("a peer");
    loop {
        let frame = raw.frame().await.expect("a connection");
        match frame.kind {
            HEADERS if frame.stream == stream => {
                let expected = OK.map(|(name, value)| (name.to_owned(), value.to_owned()));
                assert_eq!(raw.fields(&frame), expected);
            }
            DATA if frame.stream == stream => {
                assert_eq!(frame.payload, "alive");
                return;
            }
            GOAWAY => panic!("{frame:?}"),
            _ => {}
        }
    }
}
