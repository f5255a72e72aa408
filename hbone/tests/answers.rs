//! What a CONNECT is answered, and how an answer is read. Fault rows 75, 76, 81, 83, 85 and 135 of `docs/faults.md`.

use hbone::policy::{Denied, DeniedRange};
use hbone::{Accept, AcceptedStatus, Answer, AuthorityError, DenyStatus, HeaderValues, Reject};
use http::{HeaderValue, Response, StatusCode, response};

fn parts(status: u16) -> response::Parts {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.into_parts().0
}

#[test]
fn a_200_with_its_lines_of_baggage_opens_a_tunnel() {
    let lines = ["k8s.cluster.name=c2", "", "service.name=echo"].map(HeaderValue::from_static);
    let accept = Accept::new(lines.iter().cloned().collect());
    let response = accept.to_response();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        response
            .headers()
            .keys()
            .map(|name| name.as_str())
            .eq(["baggage"])
    );
    let read = Accept::from_parts(&response.into_parts().0, AcceptedStatus::default());
    assert_eq!(read, Ok(accept));
    assert!(read.is_ok_and(|accept| accept.baggage.iter().eq(&lines)));
}

#[test]
fn an_answer_without_baggage_is_not_one_with_an_empty_line() {
    let silent = Accept::from_parts(&parts(200), AcceptedStatus::default()).expect("a tunnel");
    assert!(silent.baggage.is_empty());
    assert!(silent.to_response().headers().is_empty());
    let empty = Accept::new(HeaderValue::from_static("").into());
    assert_eq!(
        empty.to_response().headers().get("baggage"),
        Some(&HeaderValue::from_static(""))
    );
    assert_ne!(silent, empty);
}

// [83]
#[test]
fn other_2xx_open_a_tunnel_only_if_any_does() {
    for status in [201, 204, 206, 299] {
        let refused =
            Accept::from_parts(&parts(status), AcceptedStatus::Only200).expect_err("not 200");
        assert_eq!(refused.status().as_u16(), status);
        assert!(Accept::from_parts(&parts(status), AcceptedStatus::Any2xx).is_ok());
    }
    assert!(Accept::from_parts(&parts(200), AcceptedStatus::Any2xx).is_ok());
}

// [85]
#[test]
fn any_other_status_is_a_refusal_and_a_redirect_is_not_followed() {
    for status in [
        100, 101, 103, 199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 407, 429, 500, 503,
        599, 999,
    ] {
        for accepted in [AcceptedStatus::Only200, AcceptedStatus::Any2xx] {
            let refused = Accept::from_parts(&parts(status), accepted).expect_err("not 2xx");
            assert_eq!(refused.status().as_u16(), status);
        }
    }
    let denied = Accept::from_parts(&parts(403), AcceptedStatus::Only200).expect_err("not 200");
    assert_eq!(
        denied.to_string(),
        "the peer refused the tunnel with 403 Forbidden: its policy denies us the destination"
    );
}

// [75] [76]
#[test]
fn what_lies_behind_us_is_answered_503() {
    for reject in [
        Reject::DnsFailed,
        Reject::DnsTimeout,
        Reject::NoEndpoint,
        Reject::NoSuchPort,
        Reject::NotReady,
        Reject::SelfCall,
        Reject::TooManyTunnels,
        Reject::UnknownService,
        Reject::UpstreamFailed,
        Reject::UpstreamRefused,
        Reject::UpstreamTimeout,
        Reject::UpstreamUnreachable,
    ] {
        assert_eq!(
            reject.answer(),
            Answer::Status(StatusCode::SERVICE_UNAVAILABLE),
            "{reject}"
        );
    }
}

#[test]
fn what_the_peer_did_wrong_is_answered_400() {
    for reject in [
        Reject::BadAuthority(AuthorityError::PortZero),
        Reject::ExtendedConnect,
        Reject::HostMismatch,
        Reject::MissingAuthority,
        Reject::NotServedHere,
    ] {
        assert_eq!(
            reject.answer(),
            Answer::Status(StatusCode::BAD_REQUEST),
            "{reject}"
        );
    }
}

// [81]
#[test]
fn a_denial_is_answered_403_or_as_ztunnel_does() {
    let addr = "127.0.0.1".parse().expect("an address");
    for (denied, ztunnel) in [
        (Denied::All, 401),
        (Denied::NotListed, 401),
        (Denied::Name, 401),
        (
            Denied::Range {
                addr,
                range: DeniedRange::Loopback,
            },
            401,
        ),
        (Denied::Resolved(addr), 401),
        (Denied::Configured(addr), 401),
        (
            Denied::NotLocal {
                local: addr,
                asked: addr,
            },
            400,
        ),
        (Denied::PortZero, 400),
        (Denied::ReservedPort(15008), 503),
        (Denied::OwnListener(([10, 0, 0, 1], 9000).into()), 503),
    ] {
        assert_eq!(
            Reject::denied(denied, DenyStatus::default()).status(),
            StatusCode::FORBIDDEN,
            "{denied}"
        );
        assert_eq!(
            Reject::denied(denied, DenyStatus::Ztunnel)
                .status()
                .as_u16(),
            ztunnel,
            "{denied}"
        );
    }
}

// [135]
#[test]
fn a_head_of_too_many_fields_is_answered_431() {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    assert_eq!(Reject::TooManyHeaders.answer(), Answer::Status(status));
}

// [80]
#[test]
fn a_loop_is_answered_508() {
    assert_eq!(
        Reject::Loop.answer(),
        Answer::Status(StatusCode::LOOP_DETECTED)
    );
}

#[test]
fn while_draining_a_stream_is_refused_so_that_the_peer_tries_elsewhere() {
    assert_eq!(Reject::Draining.answer(), Answer::RefusedStream);
}

#[test]
fn a_rejection_tells_the_peer_a_status_and_nothing_else() {
    let denied = Reject::denied(Denied::ReservedPort(15008), DenyStatus::Forbidden);
    assert!(denied.to_response().headers().is_empty());
    assert_eq!(denied.to_response().status(), StatusCode::FORBIDDEN);
    assert!(Reject::UpstreamRefused.to_response().headers().is_empty());
}

#[test]
fn header_lines_are_equal_by_their_text_however_they_are_held() {
    let one = HeaderValues::from(HeaderValue::from_static("a"));
    assert_eq!(
        one,
        ["a"].map(HeaderValue::from_static).into_iter().collect()
    );
    assert_ne!(one, HeaderValues::new());
    assert_ne!(
        one,
        ["a", "a"]
            .map(HeaderValue::from_static)
            .into_iter()
            .collect()
    );
}
