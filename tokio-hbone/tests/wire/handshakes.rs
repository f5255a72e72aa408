//! Handshakes that are not what they should be: no TLS, no ALPN, no certificate, no haste.

use std::time::Duration;

use hbone::{DialCause, EstablishError, Stage, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use crate::support::ends::{acceptor, connector, route};
use crate::support::frame::Frame;
use crate::support::io::pipe;
use crate::support::pki::{CLIENT, SERVER, workload};
use crate::support::raw::{PREFACE, Raw};
use crate::support::script_tls::ScriptTls;
use crate::support::soon;

const LIMIT: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_closed_at_the_deadline() {
    // [1]
    let (_near, far) = pipe();
    let began = Instant::now();
    let error = soon(acceptor().with_timeouts(Timeouts::each(LIMIT)).accept(far)).await;
    assert!(is_timeout(&error.expect_err("silence"), Stage::Tls));
    at_the_deadline(began);
}

#[tokio::test(start_paused = true)]
async fn a_client_hello_that_drips_in_is_closed_at_the_same_deadline() {
    // [2]
    let (mut near, far) = pipe();
    let dripping = tokio::spawn(async move {
        // The beginning of a ClientHello of 512 bytes, whose rest never comes.
        let hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
        for byte in hello.iter().chain(std::iter::repeat(&0)) {
            if near.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let began = Instant::now();
    let error = soon(acceptor().with_timeouts(Timeouts::each(LIMIT)).accept(far)).await;
    assert!(is_timeout(&error.expect_err("too slow"), Stage::Tls));
    at_the_deadline(began);
    soon(dripping).await.expect("the connection was closed");
}

#[tokio::test(start_paused = true)]
async fn a_preface_that_drips_in_is_closed_at_the_same_deadline() {
    // [55]
    let (near, far) = pipe();
    let dripping = tokio::spawn(async move {
        let tls = ScriptTls::new(workload(CLIENT));
        let stream = tls.connect(Box::new(near) as _).await.expect("a handshake");
        let mut raw = Raw::over(stream);
        for byte in PREFACE {
            raw.send_bytes(&[*byte]).await;
            sleep(Duration::from_millis(100)).await;
        }
        raw.drain().await;
    });
    let began = Instant::now();
    let error = soon(acceptor().with_timeouts(Timeouts::each(LIMIT)).accept(far)).await;
    assert!(is_timeout(&error.expect_err("too slow"), Stage::Settings));
    at_the_deadline(began);
    soon(dripping).await.expect("the connection was closed");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_preface_is_refused() {
    // [55]
    let (near, far) = pipe();
    let client = async {
        let tls = ScriptTls::new(workload(CLIENT));
        let stream = tls.connect(Box::new(near) as _).await.expect("a handshake");
        let mut raw = Raw::over(stream);
        raw.send_bytes(b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n").await;
        raw.drain().await;
    };
    let acceptor = acceptor();
    let (accepted, ()) = tokio::join!(soon(acceptor.accept(far)), client);
    let error = accepted.expect_err("a wrong preface");
    let stage = Stage::Settings;
    assert!(
        matches!(&error, EstablishError::Http2 { stage: at, .. } if *at == stage),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn plaintext_is_refused_with_an_alert_or_a_close() {
    // [5]
    let h2c = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    for greeting in [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &h2c] {
        let (mut near, far) = pipe();
        let client = async {
            near.write_all(greeting).await.expect("a listener");
            let mut answer = Vec::new();
            soon(near.read_to_end(&mut answer)).await.expect("a close");
            // An alert record, or nothing.
            assert!(matches!(answer.first(), None | Some(21)), "{answer:?}");
        };
        let acceptor = acceptor();
        let accepting = async { soon(acceptor.accept(far)).await.expect_err("no TLS") };
        let (error, ()) = tokio::join!(accepting, client);
        assert!(matches!(error, EstablishError::Tls(_)), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_certificate_is_refused_before_any_http() {
    // [8]
    let error = server_refuses(ScriptTls::nobody()).await;
    assert!(matches!(error, EstablishError::Tls(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_without_the_right_protocol_is_refused() {
    // [7]
    for alpn in [&[][..], &["http/1.1"], &["h2c", "h3"]] {
        let tls = ScriptTls::new(workload(CLIENT)).with_alpn(alpn);
        let error = server_refuses(tls).await;
        assert_eq!(error, EstablishError::Alpn, "{alpn:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_the_right_protocol_is_refused() {
    // [7]
    for alpn in [&[][..], &["http/1.1"]] {
        let tls = ScriptTls::new(workload(SERVER)).with_alpn(alpn);
        let error = client_refuses(tls).await;
        assert_eq!(error, EstablishError::Alpn, "{alpn:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_of_tls_1_2_is_refused() {
    // [26]
    let tls = ScriptTls::new(workload(CLIENT)).with_tls12_only();
    let error = server_refuses(tls).await;
    assert!(matches!(error, EstablishError::Tls(_)), "{error:?}");
    let tls = ScriptTls::new(workload(SERVER)).with_tls12_only();
    let error = client_refuses(tls).await;
    assert!(matches!(error, EstablishError::Tls(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_acknowledges_our_settings_is_held_to_them() {
    // [40]
    let (near, far) = pipe();
    let mut incoming = crate::support::ends::incoming(far, acceptor());
    let tls = ScriptTls::new(workload(CLIENT));
    let stream = tls.connect(Box::new(near) as _).await.expect("a handshake");
    let mut raw = Raw::over(stream).that_never_acknowledges();
    raw.send_bytes(PREFACE).await;
    raw.send([Frame::settings(&[])]).await;
    let baggage = "x".repeat(70 << 10);
    let head = [
        &crate::support::ends::CONNECT[..],
        &[("baggage", &*baggage)],
    ]
    .concat();
    raw.send(Frame::headers_in_parts(1, &head)).await;
    let answer = raw.expect(crate::support::frame::HEADERS).await;
    assert_eq!(raw.status(&answer), 431);
    raw.send([Frame::headers(3, &crate::support::ends::CONNECT)])
        .await;
    crate::support::ends::accept_next(&mut incoming).await;
}

async fn server_refuses(tls: ScriptTls) -> EstablishError {
    let (near, far) = pipe();
    let client = async {
        if let Ok(stream) = tls.connect(Box::new(near) as _).await {
            let mut raw = Raw::over(stream);
            raw.send_bytes(PREFACE).await;
            raw.send([Frame::settings(&[])]).await;
            assert_eq!(raw.any_frame().await, None);
        }
    };
    let acceptor = acceptor();
    let accepting = async { soon(acceptor.accept(far)).await.expect_err("a bad client") };
    tokio::join!(accepting, client).0
}

async fn client_refuses(tls: ScriptTls) -> EstablishError {
    let (near, far) = pipe();
    let server = async {
        if let Ok(stream) = tls.accept(Box::new(far) as _).await {
            assert_eq!(Raw::over(stream).any_frame().await, None);
        }
    };
    let (connector, route) = (connector(), route());
    let connecting = async { soon(connector.connect_over(near, &route)).await };
    let (outcome, ()) = tokio::join!(connecting, server);
    match outcome.expect_err("a bad server").cause {
        DialCause::Establish(error) => error,
        other => panic!("{other:?}"),
    }
}

fn is_timeout(error: &EstablishError, at: Stage) -> bool {
    matches!(error, EstablishError::TimedOut { stage, after, .. } if *stage == at && *after == LIMIT)
}

/// The clock is stopped: it moves only to the next timer.
fn at_the_deadline(began: Instant) {
    let took = began.elapsed();
    assert!(took >= LIMIT && took <= LIMIT * 6 / 5, "{took:?}");
}
