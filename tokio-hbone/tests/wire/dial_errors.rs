//! What a connect ends in when it fails: a typed error that names the hop.

use std::future::pending;
use std::time::Duration;

use hbone::policy::DestinationPolicy;
use hbone::{
    DialCause, DialError, DialLimits, EstablishError, IdentityMismatch, PeerIdentityFault,
    RequestError, Stage, Timeouts,
};
use http::StatusCode;
use tokio::net::TcpSocket;
use tokio_hbone::Acceptor;

use crate::support::ends::{client_tls, connector, hop, identity, serve, server_tls};
use crate::support::io::BoxIo;
use crate::support::pki::{
    CLIENT, MALLORY, SERVER, STRANGER, Shown, bundle, mesh_bundle, workload,
};
use crate::support::place::Place;
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;

const UNKNOWN_CA: u8 = 48;

#[tokio::test(start_paused = true)]
async fn another_workload_than_the_expected_one_is_named_with_its_hop() {
    for place in Place::ALL {
        let mallory = move |io| serve(io, acceptor_as(&workload(MALLORY)), anything());
        let error = fails(place, mallory).await;
        let DialCause::Establish(EstablishError::PeerIdentity(PeerIdentityFault::Mismatch(
            IdentityMismatch::Unexpected { expected, came },
        ))) = error.cause
        else {
            panic!("{place:?}: {error:?}");
        };
        assert_eq!(came, identity(MALLORY), "{place:?}");
        assert_eq!(expected, identity(place.expected()).into(), "{place:?}");
    }
}

/// HBONE-I-007.
#[tokio::test(start_paused = true)]
async fn our_certificate_refused_after_our_side_of_the_handshake_is_named_with_its_hop() {
    for place in Place::ALL {
        // The server is who it should be, but its bundle for our trust domain is another authority's.
        let wary = move |io| async move {
            let tls = server_tls(
                &workload(place.expected()),
                bundle("cluster.local", &STRANGER),
            );
            serve(io, Acceptor::new(tls), anything()).await;
        };
        let error = fails(place, wary).await;
        let DialCause::Establish(EstablishError::CertificateRefused { alert, late: true }) =
            error.cause
        else {
            panic!("{place:?}: {error:?}");
        };
        assert_eq!(alert.to_wire(), UNKNOWN_CA, "{place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn our_certificate_refused_after_the_settings_is_told_from_a_lost_connection() {
    for place in Place::ALL {
        // A server may send SETTINGS ahead of looking at our certificate, and then the CONNECT is on its way.
        let hasty = move |io: BoxIo| async move {
            let mut raw = scripted(place, io).await;
            raw.connect().await;
            let _io = raw.alert(UNKNOWN_CA).await;
            pending().await
        };
        let error = fails(place, hasty).await;
        let DialCause::Request(RequestError::CertificateRefused(alert)) = error.cause else {
            panic!("{place:?}: {error:?}");
        };
        assert_eq!(alert.to_wire(), UNKNOWN_CA, "{place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_outside_of_the_policy_is_refused_with_the_status_and_the_hop() {
    for place in Place::ALL {
        let denying = move |io| {
            let acceptor = acceptor_as(&workload(place.expected()));
            serve(io, acceptor, DestinationPolicy::deny_all())
        };
        let error = fails(place, denying).await;
        let DialCause::Request(RequestError::Refused(refused)) = error.cause else {
            panic!("{place:?}: {error:?}");
        };
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_speaks_tls_is_a_timeout_of_the_handshake() {
    // [3]
    for place in Place::ALL {
        let error = fails(place, |io| async move {
            let _io = io;
            pending().await
        })
        .await;
        let DialCause::Establish(EstablishError::TimedOut { stage, after, .. }) = error.cause
        else {
            panic!("{place:?}: {error:?}");
        };
        assert_eq!((stage, after), (Stage::Tls, Timeouts::default().tls));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_sends_settings_is_a_timeout_of_the_settings() {
    // [4]
    for place in Place::ALL {
        let error = fails(place, move |io| async move {
            let tls = ScriptTls::new(workload(place.expected()));
            let mut raw = Raw::over(tls.accept(io).await.expect("a handshake"));
            raw.drain().await;
        })
        .await;
        let DialCause::Establish(EstablishError::TimedOut { stage, after, .. }) = error.cause
        else {
            panic!("{place:?}: {error:?}");
        };
        assert_eq!(
            (stage, after),
            (Stage::Settings, Timeouts::default().settings)
        );
    }
}

/// HBONE-C-011.
#[tokio::test(start_paused = true)]
async fn a_connect_that_is_never_answered_is_a_timeout_of_the_answer_and_is_cancelled() {
    // [87]
    for place in Place::ALL {
        let (reset, was_reset) = tokio::sync::oneshot::channel();
        let error = fails(place, move |io| async move {
            let mut raw = scripted(place, io).await;
            let stream = raw.connect().await;
            let _ = reset.send(raw.reset_of(stream).await);
        })
        .await;
        assert!(
            matches!(error.cause, DialCause::Request(RequestError::TimedOut(_))),
            "{place:?}: {error:?}"
        );
        assert_eq!(was_reset.await, Ok(CANCEL), "{place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_whole_walk_has_a_deadline_of_its_own() {
    let mut limits = DialLimits::default();
    limits.total = Duration::from_secs(3);
    let connector = connector().with_dial_limits(limits);
    for place in Place::ALL {
        let began = tokio::time::Instant::now();
        let dialled = place.dial(&connector, |io| async move {
            let _io = io;
            pending().await
        });
        let error = dialled.await.expect_err("nobody answers");
        assert_eq!((error.level, error.hops), place.named(), "{error}");
        assert_eq!(error.cause, DialCause::TimedOut(limits.total), "{place:?}");
        assert!(began.elapsed() < limits.total * 2, "{place:?}");
    }
}

#[tokio::test]
async fn a_refused_tcp_connection_is_named_with_its_stage() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    // Bound and not listening: nobody else can take the port meanwhile.
    let address = socket.local_addr().expect("an address");
    let route = hbone::Route::new(address, hop("10.0.0.1:80", SERVER));
    let error = connector().connect(&route).await.expect_err("refused");
    assert_eq!(
        error.to_string(),
        format!(
            "the only hop (1 of 1): the connection to {address} failed while connecting by TCP: connection refused"
        )
    );
    let DialCause::Establish(EstablishError::Io {
        stage,
        kind,
        address: to,
        ..
    }) = error.cause
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        (error.level, stage, kind, to),
        (
            0,
            Stage::Tcp,
            std::io::ErrorKind::ConnectionRefused,
            Some(address)
        )
    );
}

#[tokio::test]
async fn a_tcp_connection_that_nobody_answers_is_a_timeout_that_names_the_address() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let listener = socket.listen(0).expect("a listener");
    let address = listener.local_addr().expect("an address");
    // Linux takes one connection more than the backlog says, and then drops every SYN.
    let mut fillers = Vec::new();
    for _ in 0..4 {
        fillers.push(tokio::spawn(tokio::net::TcpStream::connect(address)));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;

    let mut timeouts = Timeouts::default();
    timeouts.tcp = Duration::from_millis(300);
    let connector = connector().with_timeouts(timeouts);
    let route = hbone::Route::new(address, hop("10.0.0.1:80", SERVER));
    let error = connector.connect(&route).await.expect_err("no answer");
    let expected = EstablishError::TimedOut {
        stage: Stage::Tcp,
        after: timeouts.tcp,
        address: Some(address),
    };
    assert_eq!(error.cause, DialCause::Establish(expected));
}

#[tokio::test(start_paused = true)]
async fn the_words_of_an_error_name_the_hop_and_the_next_step() {
    let denying = |io| {
        serve(
            io,
            acceptor_as(&workload(SERVER)),
            DestinationPolicy::deny_all(),
        )
    };
    let error = fails(Place::Inner, denying).await.to_string();
    assert!(error.contains("the inner hop (2 of 2)"), "{error}");
    assert!(error.contains("policy denies us"), "{error}");
}

const CANCEL: u32 = 8;

async fn fails<F>(place: Place, peer: impl FnOnce(BoxIo) -> F + Send + 'static) -> DialError
where
    F: Future<Output = ()> + Send + 'static,
{
    let connector = tokio_hbone::Connector::new(client_tls(&workload(CLIENT), mesh_bundle()));
    let error = place.dial(&connector, peer).await;
    let error = error.expect_err("the peer is bad");
    assert_eq!((error.level, error.hops), place.named(), "{error}");
    error
}

async fn scripted(place: Place, io: BoxIo) -> Raw {
    Raw::server(io, &ScriptTls::new(workload(place.expected())), &[]).await
}

fn acceptor_as(shown: &Shown) -> Acceptor {
    Acceptor::new(server_tls(shown, mesh_bundle()))
}

fn anything() -> DestinationPolicy {
    DestinationPolicy::allow_any_destination()
}
