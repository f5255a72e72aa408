//! How a CONNECT is answered, and what becomes of it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use hbone::{
    AcceptedStatus, DialCause, DialError, EstablishError, LinkFailure, Reason, RequestError,
    RequestLimits, Route, Stage,
};
use tokio::net::TcpListener;
use tokio_hbone::{Connector, Tunnel};

use crate::support::ends::{OK, connector, hop, read_all, route, scripted_server, tunnel_error};
use crate::support::frame::{
    END_HEADERS, Frame, GOAWAY, MAX_CONCURRENT_STREAMS, PUSH_PROMISE, block,
};
use crate::support::io::pipe;
use crate::support::pki::{SERVER, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn interim_answers_before_the_last_are_skipped() {
    // [82]
    let (outcome, _raw) = asked(connector(), async |raw, stream| {
        for status in ["100", "103"].iter().cycle().take(16) {
            raw.send([Frame::headers(stream, &[(":status", status)])])
                .await;
        }
        raw.send([Frame::headers(stream, &OK)]).await;
    })
    .await;
    outcome.expect("a tunnel");
}

#[tokio::test(start_paused = true)]
async fn too_many_interim_answers_are_an_error_and_a_reset() {
    // [82]
    let (outcome, mut raw) = asked(connector(), async |raw, stream| {
        let interim = Frame::headers(stream, &[(":status", "103")]);
        raw.send(std::iter::repeat_n(interim, 50_000)).await;
    })
    .await;
    let cap = RequestLimits::default().informational;
    assert_eq!(request_error(outcome), RequestError::Informational(cap));
    assert_eq!(raw.reset_of(1).await, Reason::ENHANCE_YOUR_CALM.to_wire());
}

#[tokio::test(start_paused = true)]
async fn a_switch_of_protocols_is_a_protocol_error() {
    // [82]
    let (outcome, mut raw) = asked(connector(), async |raw, stream| {
        raw.send([Frame::headers(stream, &[(":status", "101")])])
            .await;
    })
    .await;
    let error = request_error(outcome);
    assert!(
        matches!(error, RequestError::Unexpected(status) if status == 101),
        "{error:?}"
    );
    assert_eq!(raw.reset_of(1).await, Reason::PROTOCOL_ERROR.to_wire());
}

#[tokio::test(start_paused = true)]
async fn a_success_other_than_200_opens_a_tunnel_only_if_we_are_told_so() {
    // [83]
    for status in ["201", "204", "206", "299"] {
        let answer = async move |raw: &mut Raw, stream: u32| {
            raw.send([Frame::headers(stream, &[(":status", status)])])
                .await;
        };
        let (outcome, mut raw) = asked(connector(), answer).await;
        let error = request_error(outcome);
        assert!(
            matches!(error, RequestError::Refused(refused) if refused.status().as_str() == status),
            "{error:?}"
        );
        assert_eq!(raw.reset_of(1).await, Reason::CANCEL.to_wire());

        let mut limits = RequestLimits::default();
        limits.accepted = AcceptedStatus::Any2xx;
        let lenient = connector().with_request_limits(limits);
        let (outcome, _raw) = asked(lenient, answer).await;
        outcome.expect("a tunnel");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_its_status_and_costs_the_stream_alone() {
    // [85]
    for status in [
        "302", "400", "401", "403", "404", "407", "429", "500", "503",
    ] {
        let head = [(":status", status), ("location", "elsewhere:80")];
        let (outcome, mut raw) = asked(connector(), async |raw, stream| {
            raw.send([
                Frame::headers(stream, &head),
                Frame::data(stream, vec![b'x'; 10_000]),
            ])
            .await;
        })
        .await;
        let error = request_error(outcome);
        assert!(
            matches!(error, RequestError::Refused(refused) if refused.status().as_str() == status),
            "{error:?}"
        );
        assert_eq!(raw.reset_of(1).await, Reason::CANCEL.to_wire());

        let (outcome, _raw) = asked(connector(), async |raw, stream| {
            raw.send([Frame::last_headers(stream, &head)]).await;
        })
        .await;
        assert!(matches!(request_error(outcome), RequestError::Refused(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_instead_of_an_answer_is_told_with_its_reason() {
    // [88]
    for reason in (0..=14).map(Reason::from_wire) {
        let (outcome, _raw) = asked(connector(), async |raw, stream| {
            raw.send([Frame::reset(stream, reason.to_wire())]).await;
        })
        .await;
        assert_eq!(request_error(outcome), RequestError::Reset(reason));
    }
}

#[tokio::test]
async fn a_refused_stream_is_tried_again_once_on_another_connection() {
    // [88]
    let (outcome, connections) = served_by_turns(|turn| match turn {
        0 => Frame::reset(1, Reason::REFUSED_STREAM.to_wire()),
        _ => Frame::headers(1, &OK),
    })
    .await;
    outcome.expect("a tunnel");
    assert_eq!(connections, 2);

    let (outcome, connections) =
        served_by_turns(|_| Frame::reset(1, Reason::REFUSED_STREAM.to_wire())).await;
    let error = request_error(outcome);
    assert_eq!(error, RequestError::Reset(Reason::REFUSED_STREAM));
    assert_eq!(connections, 2);
}

#[tokio::test]
async fn a_goaway_that_leaves_the_connect_out_is_tried_again_once() {
    // [89]
    let (outcome, connections) = served_by_turns(|turn| match turn {
        0 => Frame::go_away(0, Reason::NO_ERROR.to_wire()),
        _ => Frame::headers(1, &OK),
    })
    .await;
    outcome.expect("a tunnel");
    assert_eq!(connections, 2);
}

#[tokio::test]
async fn what_the_peer_may_have_acted_on_is_never_tried_again() {
    // [88] [89]
    let (outcome, connections) =
        served_by_turns(|_| Frame::reset(1, Reason::CANCEL.to_wire())).await;
    assert!(matches!(request_error(outcome), RequestError::Reset(_)));
    assert_eq!(connections, 1);

    let (outcome, connections) =
        served_by_turns(|_| Frame::last_headers(1, &[(":status", "503")])).await;
    assert!(matches!(request_error(outcome), RequestError::Refused(_)));
    assert_eq!(connections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_goaway_that_covers_the_connect_still_lets_it_be_answered() {
    // [89]
    let (outcome, mut raw) = asked(connector(), async |raw, stream| {
        raw.send([
            Frame::go_away((1 << 31) - 1, Reason::NO_ERROR.to_wire()),
            Frame::go_away(stream, Reason::NO_ERROR.to_wire()),
            Frame::headers(stream, &OK),
        ])
        .await;
    })
    .await;
    let mut tunnel = outcome.expect("a tunnel");
    raw.send([Frame::last_data(1, "in peace")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"in peace");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_before_the_answer_is_told_so() {
    let (outcome, _) = lost_after(async |raw| drop(raw.close().await)).await;
    assert!(
        matches!(request_error(outcome), RequestError::Lost(_)),
        "closed"
    );
    let (outcome, _) = lost_after(async |mut raw: Raw| {
        // A GOAWAY that covers the CONNECT, and then the end.
        raw.send([Frame::go_away(1, Reason::INTERNAL_ERROR.to_wire())])
            .await;
        drop(raw.close().await);
    })
    .await;
    assert!(
        matches!(request_error(outcome), RequestError::Lost(_)),
        "covered"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_too_many_header_bytes_is_an_error_of_the_stream() {
    // [92]
    let baggage = "x".repeat(20 << 10);
    let (outcome, mut raw) = asked(connector(), async |raw, stream| {
        let head = [(":status", "200"), ("baggage", &*baggage)];
        raw.send(Frame::headers_in_parts(stream, &head)).await;
    })
    .await;
    let error = request_error(outcome);
    assert!(matches!(error, RequestError::Malformed(_)), "{error:?}");
    let frames = raw.until_quiet().await;
    // The stream is reset; the connection is only closed because nobody uses it any more.
    let go_away = frames.iter().find(|frame| frame.kind == GOAWAY);
    assert_eq!(go_away.map_or(0, Frame::reason), 0, "{frames:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_four_times_the_limit_costs_the_connection() {
    // [92]
    let baggage = "x".repeat(100 << 10);
    let (outcome, _raw) = asked(connector(), async |raw, stream| {
        let head = [(":status", "200"), ("baggage", &*baggage)];
        raw.send(Frame::headers_in_parts(stream, &head)).await;
    })
    .await;
    let error = request_error(outcome);
    assert!(
        matches!(error, RequestError::Lost(LinkFailure::Http2(_))),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_allows_no_stream_is_waited_for_and_not_for_ever() {
    // [93]
    let (near, far) = pipe();
    let script = tokio::spawn(async move {
        let tls = ScriptTls::new(workload(SERVER));
        let mut raw = Raw::server(far, &tls, &[(MAX_CONCURRENT_STREAMS, 0)]).await;
        raw.drain().await;
    });
    let outcome = connector().connect_over(near, &route()).await;
    let cause = outcome.expect_err("no stream").cause;
    assert!(
        matches!(
            cause,
            DialCause::Establish(EstablishError::TimedOut {
                stage: Stage::Settings,
                ..
            })
        ),
        "{cause:?}"
    );
    soon(script).await.expect("the connection was closed");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_allows_a_stream_a_little_later_gets_one() {
    // [93] [94]
    let (near, far) = pipe();
    let script = async {
        let tls = ScriptTls::new(workload(SERVER));
        let mut raw = Raw::server(far, &tls, &[(MAX_CONCURRENT_STREAMS, 0)]).await;
        raw.until_quiet().await;
        raw.send([Frame::settings(&[(MAX_CONCURRENT_STREAMS, 1)])])
            .await;
        let stream = raw.connect().await;
        raw.send([Frame::headers(stream, &OK)]).await;
        raw
    };
    let (connector, route) = (connector(), route());
    let (outcome, _raw) = tokio::join!(connector.connect_over(near, &route), script);
    outcome.expect("a tunnel");
}

#[tokio::test(start_paused = true)]
async fn a_length_on_the_answer_costs_that_tunnel_and_never_looks_like_an_end() {
    // [69]: h2 holds a tunnel to the length that its answer claims.
    let (outcome, mut raw) = asked(connector(), async |raw, stream| {
        let head = [(":status", "200"), ("content-length", "0")];
        raw.send([Frame::headers(stream, &head), Frame::data(stream, "x")])
            .await;
    })
    .await;
    if let Ok(mut tunnel) = outcome {
        let error = read_all(&mut tunnel).await.expect_err("no end of file");
        tunnel_error(&error);
    }
    assert_eq!(raw.reset_of(1).await, Reason::PROTOCOL_ERROR.to_wire());

    let (outcome, mut raw) = asked(connector(), async |raw, stream| {
        let head = [(":status", "200"), ("content-length", "9")];
        raw.send([Frame::headers(stream, &head)]).await;
    })
    .await;
    let mut tunnel = outcome.expect("a tunnel");
    raw.send([Frame::last_data(1, "too few")]).await;
    let error = read_all(&mut tunnel).await.expect_err("no end of file");
    tunnel_error(&error);
}

#[tokio::test(start_paused = true)]
async fn a_push_promise_is_an_error_of_the_connection() {
    // [49]
    let (outcome, mut raw) = asked(connector(), async |raw, stream| {
        let mut payload = 2_u32.to_be_bytes().to_vec();
        payload.extend_from_slice(&block(&[
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/"),
            (":authority", "pushed"),
        ]));
        raw.send([Frame::new(PUSH_PROMISE, END_HEADERS, stream, payload)])
            .await;
    })
    .await;
    assert!(matches!(request_error(outcome), RequestError::Lost(_)));
    assert_eq!(raw.go_away().await, Reason::PROTOCOL_ERROR.to_wire());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_makes_no_sense_is_an_error_and_never_a_hang() {
    let nonsense: [Frame; 6] = [
        Frame::headers(1, &[("baggage", "no status")]),
        Frame::headers(1, &[(":status", "20")]),
        Frame::headers(1, &[(":status", "200"), (":status", "200")]),
        Frame::headers(1, &[(":status", "200"), ("Upper", "case")]),
        Frame::headers(1, &[(":status", "200"), ("connection", "close")]),
        Frame::data(1, "before the answer"),
    ];
    for frame in nonsense {
        let (outcome, _raw) = asked(connector(), async |raw, _| {
            raw.send([frame.clone()]).await;
        })
        .await;
        let error = request_error(outcome);
        assert!(
            matches!(error, RequestError::Malformed(_) | RequestError::Lost(_)),
            "{frame:?}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_dropped_at_any_point_closes_what_it_had_opened() {
    // [98]
    let mut finished = false;
    for polls in 1.. {
        let (near, far) = pipe();
        let script = tokio::spawn(async move {
            let tls = ScriptTls::new(workload(SERVER));
            let Ok(stream) = tls.accept(Box::new(far) as _).await else {
                return;
            };
            let mut raw = Raw::over(stream);
            raw.send([Frame::settings(&[])]).await;
            // Whatever comes, it comes to an end.
            raw.answer_and_drain().await;
        });
        {
            let (connector, route) = (connector(), route());
            let mut connecting = pin!(connector.connect_over(near, &route));
            for _ in 0..polls {
                let mut cx = Context::from_waker(Waker::noop());
                if let Poll::Ready(outcome) = connecting.as_mut().poll(&mut cx) {
                    drop(outcome.expect("a tunnel"));
                    finished = true;
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        soon(script).await.expect("the connection was closed");
        if finished {
            return;
        }
        assert!(polls < 1000, "never connected");
    }
}

/// Connects to a scripted server that does `answer` once it has the CONNECT.
async fn asked(
    connector: Connector,
    answer: impl AsyncFnOnce(&mut Raw, u32),
) -> (Result<Tunnel, DialError>, Raw) {
    let (near, far) = pipe();
    let route = route();
    let script = async {
        let mut raw = scripted_server(far).await;
        let stream = raw.connect().await;
        answer(&mut raw, stream).await;
        raw
    };
    tokio::join!(soon(connector.connect_over(near, &route)), script)
}

async fn lost_after(end: impl AsyncFnOnce(Raw)) -> (Result<Tunnel, DialError>, ()) {
    let (near, far) = pipe();
    let (connector, route) = (connector(), route());
    let script = async {
        let mut raw = scripted_server(far).await;
        raw.connect().await;
        end(raw).await;
    };
    tokio::join!(soon(connector.connect_over(near, &route)), script)
}

/// Connects by TCP to a server that answers the CONNECT of each connection with the frame for its turn. How it ended, and
/// how many connections there were.
async fn served_by_turns(
    answer: impl Fn(usize) -> Frame + Send + 'static,
) -> (Result<Tunnel, DialError>, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (count, mut connections) = tokio::sync::watch::channel(0);
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            let turn = open.len();
            count.send_replace(turn + 1);
            let mut raw = scripted_server(socket).await;
            raw.connect().await;
            raw.send([answer(turn)]).await;
            open.push(raw);
        }
    });
    let route = Route::new(address, hop("10.0.0.1:80", SERVER));
    let outcome = soon(connector().connect(&route)).await;
    server.abort();
    let connections = *connections.borrow_and_update();
    (outcome, connections)
}

#[track_caller]
fn request_error(outcome: Result<Tunnel, DialError>) -> RequestError {
    match outcome.expect_err("no tunnel").cause {
        DialCause::Request(error) => error,
        other => panic!("{other:?}"),
    }
}
