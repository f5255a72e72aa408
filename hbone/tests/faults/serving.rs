//! Section 3 of docs/faults.md: what a server makes of a CONNECT.

use std::io::ErrorKind;

use hbone::policy::{AllowEntry, DeniedRange, DestinationPolicy, Opening};
use hbone::{Half, Loss, Reason, Reject, SocketAction, StreamAction};
use http::{Method, Request, StatusCode};

use super::world::server::Answer;
use super::world::{Server, ms};

fn policy() -> DestinationPolicy {
    DestinationPolicy::allow_list([
        AllowEntry::to_addresses(["10.0.0.0/8".parse().unwrap()]),
        AllowEntry::to_names_below(["shop.svc".parse().unwrap()]),
    ])
}

fn server() -> Server {
    Server::new(11, policy()).host("10.0.0.7:80")
}

/// The status of the answer to one CONNECT, which must be a rejection.
fn status(server: &mut Server, authority: &str) -> StatusCode {
    let stream = server.connect(authority);
    server.run(ms(20_000));
    match server.answer(stream) {
        Answer::Rejected(reject) => reject.status(),
        other => panic!("expected a rejection of {authority}, not {other:?}"),
    }
}

#[test]
fn only_connect_is_served() {
    // [57]
    let mut server = server();
    for method in [Method::GET, Method::POST, Method::PUT] {
        let request = Request::builder()
            .method(method)
            .uri("10.0.0.7:80")
            .body(())
            .unwrap();
        let stream = server.request(request);
        assert_eq!(server.answer(stream), &Answer::Rejected(Reject::NotConnect));
    }
    let good = server.connect("10.0.0.7:80");
    server.run(ms(10));
    assert_eq!(server.answer(good), &Answer::Accepted);
}

#[test]
fn a_malformed_authority_is_a_bad_request_and_reaches_nobody() {
    // [61] to [64]
    let mut server = server();
    let malformed = [
        "10.0.0.7",
        "10.0.0.7:0",
        "10.0.0.7:99999",
        "10.0.0.7:+80",
        "10.0.0.7:080",
        "10.0.0.7:0x50",
        "user@10.0.0.7:80",
        "10.0.0.7:80@evil:80",
        "[fe80::1%25eth0]:80",
    ];
    for authority in malformed {
        assert_eq!(
            status(&mut server, authority),
            StatusCode::BAD_REQUEST,
            "{authority}"
        );
    }
    assert!(server.dials.is_empty() && server.queries.is_empty());
}

#[test]
fn a_disguised_address_is_what_it_is() {
    // [65]
    let allow_all = DestinationPolicy::allow_any_destination();
    let mut server = Server::new(1, allow_all);
    for authority in [
        "127.0.0.1:80",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[::127.0.0.1]:80",
        "[64:ff9b::7f00:1]:80",
        "0.0.0.0:80",
        "[::]:80",
        "169.254.169.254:80",
    ] {
        assert_eq!(
            status(&mut server, authority),
            StatusCode::FORBIDDEN,
            "{authority}"
        );
    }
    for authority in ["0177.0.0.1:80", "2130706433:80", "0x7f.1:80", "127.1:80"] {
        assert_eq!(
            status(&mut server, authority),
            StatusCode::BAD_REQUEST,
            "{authority}"
        );
    }
    assert!(server.dials.is_empty() && server.queries.is_empty());
}

#[test]
fn a_connect_that_ends_its_own_half_is_served_all_the_same() {
    // [68]
    let mut server = server();
    let stream = server.connect("10.0.0.7:80");
    server.run(ms(10));
    server.tunnel(stream).handle_end_stream();
    server.run(ms(10));
    assert_eq!(server.streams[stream].socket, [SocketAction::ShutdownWrite]);
    assert_eq!(
        server.tunnel(stream).outbound(),
        Half::Open,
        "the answer still flows"
    );
}

#[test]
fn an_upstream_that_cannot_be_reached_is_a_503_in_time_with_its_reason() {
    // [75]; the last one is silent
    let mut server = server()
        .host_that("10.0.0.1:80", ms(1), Err(ErrorKind::ConnectionRefused))
        .host_that("10.0.0.2:80", ms(1), Err(ErrorKind::HostUnreachable));
    let cases = [
        ("10.0.0.1:80", Reject::UpstreamRefused),
        ("10.0.0.2:80", Reject::UpstreamUnreachable),
        ("10.0.0.3:80", Reject::UpstreamTimeout),
    ];
    for (authority, reason) in cases {
        let stream = server.connect(authority);
        server.run(ms(5_001));
        assert_eq!(server.answer(stream), &Answer::Rejected(reason.clone()));
        assert_eq!(reason.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            server.streams[stream].tunnel.is_none(),
            "never a 200 before"
        );
    }
    assert_eq!(server.under_way(), 0, "the silent dial was dropped");
}

#[test]
fn a_name_that_does_not_resolve_is_a_503_in_time() {
    // [76]; the last one is silent
    let mut server = server();
    server
        .names
        .insert("gone.shop.svc:80".to_owned(), Err(Reject::DnsFailed));
    server
        .names
        .insert("empty.shop.svc:80".to_owned(), Ok(vec![]));
    for name in [
        "gone.shop.svc:80",
        "empty.shop.svc:80",
        "silent.shop.svc:80",
    ] {
        assert_eq!(
            status(&mut server, name),
            StatusCode::SERVICE_UNAVAILABLE,
            "{name}"
        );
    }
    assert_eq!(server.queries.len(), 3);
    assert!(server.dials.is_empty());
}

#[test]
fn a_name_cannot_lead_to_what_is_denied_by_address() {
    // [77]
    let mut server = server().name(
        "evil.shop.svc:80",
        &[
            "127.0.0.1:80",
            "169.254.169.254:80",
            "[::1]:80",
            "[fe80::1]:80",
            "0.0.0.0:80",
        ],
    );
    assert_eq!(
        status(&mut server, "evil.shop.svc:80"),
        StatusCode::FORBIDDEN
    );
    assert!(server.dials.is_empty());
}

/// HBONE-S-003.
#[test]
fn what_is_dialled_is_the_address_that_was_checked() {
    // [77]
    let mut server = server()
        .host("10.0.0.8:80")
        .name("cart.shop.svc:80", &["127.0.0.1:80", "10.0.0.8:80"]);
    let stream = server.connect("cart.shop.svc:80");
    // The resolver changes its mind behind the answer that counts.
    server.after(ms(2), |server| {
        server.names.insert(
            "cart.shop.svc:80".to_owned(),
            Ok(vec!["127.0.0.1:80".parse().unwrap()]),
        );
    });
    server.run(ms(100));
    assert_eq!(server.answer(stream), &Answer::Accepted);
    assert_eq!(server.dials, ["10.0.0.8:80".parse().unwrap()]);
    assert_eq!(server.queries.len(), 1);
}

#[test]
fn a_proxy_cannot_be_made_to_call_itself() {
    // [79]
    let own = policy().own_listener("0.0.0.0:9901".parse().unwrap());
    let mut server =
        Server::new(1, own).name("self.shop.svc:80", &["10.0.0.7:15001", "10.0.0.7:9901"]);
    for authority in [
        "10.0.0.7:15008",
        "10.0.0.7:15000",
        "10.0.0.7:9901",
        "self.shop.svc:80",
    ] {
        assert_eq!(
            status(&mut server, authority),
            StatusCode::FORBIDDEN,
            "{authority}"
        );
    }
    assert!(server.dials.is_empty());
}

/// HBONE-Q-009.
#[test]
fn who_is_denied_learns_nothing_and_asks_nobody() {
    // [81]
    let mut server = Server::new(1, DestinationPolicy::deny_all());
    for authority in ["10.0.0.7:80", "cart.shop.svc:80", "nowhere.shop.svc:80"] {
        let stream = server.connect(authority);
        server.run(ms(0));
        match server.answer(stream) {
            Answer::Rejected(reject) => assert_eq!(reject.status(), StatusCode::FORBIDDEN),
            other => panic!("expected a denial, not {other:?}"),
        }
    }
    assert!(server.dials.is_empty() && server.queries.is_empty());
}

#[test]
fn an_opened_range_is_opened_for_its_name_only() {
    let local = policy().open(Opening::Range(DeniedRange::Loopback));
    let mut server = Server::new(1, local)
        .host("127.0.0.1:80")
        .name("test.shop.svc:80", &["127.0.0.1:80"]);
    let stream = server.connect("test.shop.svc:80");
    server.run(ms(10));
    assert_eq!(server.answer(stream), &Answer::Accepted);
    assert_eq!(
        status(&mut server, "127.0.0.1:80"),
        StatusCode::FORBIDDEN,
        "no entry lists the address"
    );
}

#[test]
fn ten_thousand_resets_leave_no_dial_behind() {
    // [28], [29]: every upstream is silent
    let mut server = server();
    for _ in 0..100 {
        for _ in 0..100 {
            let stream = server.connect("10.0.0.66:80");
            server.after(ms(1), move |server| server.reset(stream, Reason::CANCEL));
        }
        server.run(ms(2));
        assert_eq!(server.under_way(), 0);
        server.streams.clear();
    }
    assert_eq!(server.drain.streams(), 0);
    assert_eq!(server.dials.len(), 10_000);
}

#[test]
fn a_connection_that_is_lost_takes_its_dials_and_tunnels_with_it() {
    let mut server = server();
    let open = server.connect("10.0.0.7:80");
    let dialling = server.connect("10.0.0.66:80");
    server.run(ms(10));
    server.lose(Loss::Closed);
    server.run(ms(10));
    assert_eq!(server.under_way(), 0);
    assert_eq!(
        server.streams[dialling].answer, None,
        "nobody is there to be answered"
    );
    assert_eq!(server.streams[open].socket, [SocketAction::Reset]);
}

#[test]
fn an_upstream_that_resets_is_no_end_of_file_to_the_peer() {
    // [111]
    let mut server = server();
    let stream = server.connect("10.0.0.7:80");
    server.run(ms(10));
    server
        .tunnel(stream)
        .handle_socket_error(ErrorKind::ConnectionReset);
    server.run(ms(10));
    assert_eq!(
        server.streams[stream].said,
        [StreamAction::Reset(Reason::CONNECT_ERROR)]
    );
    assert_eq!(server.drain.streams(), 0);
}
