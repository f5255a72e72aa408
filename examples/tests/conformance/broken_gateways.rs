//! Gateways that are wrong in one thing, and the cases that say so.

use bytes::Bytes;
use hbone_examples::wire::{Frame, Kind};

use crate::broken::{gateway, gateway_with_a_favourite};
use crate::middle::{Passing, Side, frames};

const CONNECT_ERROR: u32 = 10;

const PASSED_ON: [&str; 6] = [
    "every octet there is: passed on unchanged",
    "plain HTTP: passed on unchanged",
    "a record of TLS that is none: passed on unchanged",
    "the preface of HTTP/2: passed on unchanged",
    "a PROXY header: passed on unchanged",
    "200,000 octets: passed on unchanged",
];

/// The first bytes that the suite sends through a tunnel.
fn speaks(passing: &Passing) -> Option<&Bytes> {
    let data = passing.is(Side::Suite, Kind::DATA);
    data.then_some(&passing.frame.payload)
}

#[test]
fn one_that_takes_tls_alone() {
    let flaw = || {
        frames(|post, passing| {
            if speaks(&passing).is_some_and(|bytes| bytes.first() != Some(&22)) {
                let stream = passing.frame.stream;
                for side in [Side::Suite, Side::Ours] {
                    post.send(side, Frame::reset(stream, CONNECT_ERROR));
                }
                return;
            }
            post.forward(passing);
        })
    };
    let [octets, http, _, preface, proxy, many] = PASSED_ON;
    let fails = [
        octets,
        http,
        preface,
        proxy,
        many,
        "nothing is put before the first octet",
    ];
    gateway(flaw).fails(&["HBONE-G-003"], &fails);
}

#[test]
fn one_that_changes_an_octet() {
    let flaw = || {
        frames(|post, mut passing| {
            if let Some(bytes) = speaks(&passing) {
                let changed = bytes.iter().map(|octet| (*octet).min(0xfe));
                passing.frame.payload = changed.collect();
            }
            post.forward(passing);
        })
    };
    let [octets, _, record, ..] = PASSED_ON;
    gateway(flaw).fails(&["HBONE-G-003"], &[octets, record]);
}

#[test]
fn one_that_says_who_comes_before_the_first_octet() {
    let flaw = || {
        frames(|post, passing| {
            let stream = passing.frame.stream;
            let begins = passing.is(Side::Suite, Kind::HEADERS);
            post.forward(passing);
            if begins {
                let header = "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n";
                post.send(Side::Ours, Frame::data(stream, header));
            }
        })
    };
    let [_, http, ..] = PASSED_ON;
    let fails = [http, "nothing is put before the first octet"];
    gateway(flaw).fails(&["2.2", "2.7"], &fails);
}

#[test]
fn one_that_hears_an_endpoint_only_after_the_client() {
    let flaw = || {
        let mut spoken = false;
        frames(move |post, passing| {
            spoken |= speaks(&passing).is_some();
            if spoken || !passing.is(Side::Ours, Kind::DATA) {
                post.forward(passing);
            }
        })
    };
    let fails = ["an endpoint that speaks first is heard"];
    gateway(flaw).fails(&["HBONE-G-003"], &fails);
}

#[test]
fn one_that_answers_the_inner_handshake_itself() {
    let flaw = || {
        frames(|post, passing| {
            if speaks(&passing).is_some_and(|bytes| bytes.first() == Some(&22)) {
                // A fatal alert: handshake_failure.
                let alert = Frame::data(passing.frame.stream, vec![21, 3, 3, 0, 2, 2, 40]);
                post.send(Side::Suite, alert);
                return;
            }
            post.forward(passing);
        })
    };
    gateway(flaw).fails(&["HBONE-D-002"], &["an inner handshake passes"]);
}

const UNSERVED: [&str; 3] = [
    "a name that nobody has: 503",
    "an address of no service: 400",
    "a port that the service does not expose: 503",
];

#[test]
fn one_that_does_not_find_what_it_does_not_know() {
    let flaw = || {
        frames(|post, mut passing| {
            if passing.status().is_some_and(|status| status >= 400) {
                passing.set(":status", "404");
            }
            post.forward(passing);
        })
    };
    gateway(flaw).fails(&["HBONE-G-001"], &UNSERVED);
}

#[test]
fn one_that_has_a_route_for_everything() {
    let flaw = || {
        frames(|post, mut passing| {
            if passing.is(Side::Suite, Kind::HEADERS) {
                passing.set(":authority", "echo.shop.svc.cluster.local:80");
            }
            post.forward(passing);
        })
    };
    gateway(flaw).fails(&["HBONE-G-001"], &UNSERVED);
}

#[test]
fn one_that_compares_names_octet_by_octet() {
    let flaw = || {
        frames(|post, mut passing| {
            let authority = passing.field(":authority").unwrap_or_default();
            if authority.bytes().any(|octet| octet.is_ascii_uppercase()) {
                passing.set(":authority", "another.shop.svc.cluster.local:80");
            }
            post.forward(passing);
        })
    };
    let fails = ["its name in upper case and with a dot behind is the same"];
    gateway(flaw).fails(&["HBONE-C-012"], &fails);
}

#[test]
fn one_that_refuses_sources_that_it_does_not_know() {
    let flaw = || {
        frames(|post, passing| {
            let known = ["waypoint", "gateway", "sidecar"];
            let source = passing.field("x-istio-source");
            if source.is_some_and(|source| !known.contains(&source)) {
                let answer = Frame::last_headers(passing.frame.stream, &[(":status", "400")]);
                post.send(Side::Suite, answer);
                return;
            }
            post.forward(passing);
        })
    };
    let fails = [
        "from x-istio-source \"moon\": served",
        "from x-istio-source \"\": served",
        "a source that nobody knows: served",
    ];
    gateway(flaw).fails(&["HBONE-H-009"], &fails);
}

#[test]
fn one_that_puts_many_tunnels_into_one_connection() {
    let flaw = || {
        frames(|post, passing| {
            if passing.is(Side::Suite, Kind::HEADERS) && passing.frame.stream > 1 {
                let answer = Frame::headers(passing.frame.stream, &[(":status", "200")]);
                post.send(Side::Suite, answer);
                return;
            }
            post.forward(passing);
        })
    };
    let fails = ["each tunnel is a connection of its own"];
    gateway(flaw).fails(&["1.6"], &fails);
}

#[test]
fn one_that_always_chooses_the_same_endpoint() {
    let fails = ["each endpoint gets its share"];
    gateway_with_a_favourite().fails(&["HBONE-G-002"], &fails);
}
