//! Servers that are wrong in one thing, and the cases that say so.

use hbone_examples::wire::{Flags, Frame, Kind, Setting};

use crate::broken::{server, server_with};
use crate::handshake::Mistake;
use crate::middle::{Event, Flaw, Passing, Post, Side, frames};

const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

#[test]
fn one_that_takes_clients_without_a_certificate() {
    let fails = ["a client without a certificate is refused"];
    server_with(Mistake::NoCertificate).fails(&["HBONE-I-004"], &fails);
}

#[test]
fn one_that_takes_certificates_of_any_signer() {
    let fails = ["a client's certificate signed by somebody else is refused"];
    server_with(Mistake::AnySigner).fails(&["HBONE-I-003"], &fails);
}

#[test]
fn one_that_lets_its_signer_speak_for_any_trust_domain() {
    let fails =
        ["a client's certificate of a trust domain that the signer does not speak for is refused"];
    server_with(Mistake::AnyDomain).fails(&["HBONE-I-003"], &fails);
}

#[test]
fn one_that_does_not_look_at_the_time() {
    let fails = [
        "a client's certificate that has expired is refused",
        "a client's certificate that is not yet valid is refused",
    ];
    server_with(Mistake::AnyTime).fails(&["HBONE-I-006"], &fails);
}

#[test]
fn one_that_takes_the_first_of_two_ids() {
    let fails = ["a client's certificate with two URIs, ours first is refused"];
    server_with(Mistake::FirstUri).fails(&["HBONE-I-001"], &fails);
}

#[test]
fn one_that_prefers_http_1() {
    let fails = [
        "of several protocols it selects h2",
        "a client that offers http/1.1 only is refused",
    ];
    server_with(Mistake::Http1).fails(&["HBONE-T-004"], &fails);
}

#[test]
fn one_that_speaks_tls_1_2() {
    server_with(Mistake::Tls12).fails(&["HBONE-T-003"], &["TLS 1.2 alone is refused"]);
}

#[test]
fn one_whose_certificate_depends_on_a_name() {
    server_with(Mistake::ServerName).fails(&["HBONE-T-005"], &["a server name changes nothing"]);
}

#[test]
fn one_that_takes_early_data() {
    server_with(Mistake::EarlyData).fails(&["HBONE-T-006"], &["no early data is offered"]);
}

#[test]
fn one_without_a_suite_that_everybody_has() {
    server_with(Mistake::OneSuite).fails(&["HBONE-T-008"], &["TLS_AES_128_GCM_SHA256 is spoken"]);
}

#[test]
fn one_that_answers_in_plain_text() {
    let fails = [
        "plain HTTP/1.1 is not answered",
        "plain HTTP/2 is not answered",
        "garbage is not answered, and harms nobody",
    ];
    server_with(Mistake::Plaintext).fails(&["HBONE-T-002"], &fails);
}

/// A flaw of the heads that the server sends.
fn answers(mut change: impl FnMut(&mut Passing) + Send + 'static) -> Flaw {
    frames(move |post, mut passing| {
        if passing.is(Side::Ours, Kind::HEADERS) && passing.status().is_some() {
            change(&mut passing);
        }
        post.forward(passing);
    })
}

/// A flaw in how the server reads requests.
fn requests(mut change: impl FnMut(&mut Passing) + Send + 'static) -> Flaw {
    frames(move |post, mut passing| {
        if passing.is(Side::Suite, Kind::HEADERS) && passing.fields.is_some() {
            change(&mut passing);
        }
        post.forward(passing);
    })
}

/// Another status in the place of one.
fn instead(of: u16, status: &'static str) -> Flaw {
    answers(move |answer| {
        if answer.status() == Some(of) {
            answer.set(":status", status);
        }
    })
}

#[test]
fn one_that_says_200_to_everybody() {
    let flaw = || {
        answers(|answer| {
            answer.set(":status", "200");
            answer.frame.flags &= !Flags::END_STREAM;
        })
    };
    let fails = [
        "a destination where nobody listens: 503",
        "a refusal ends the stream and has no baggage",
        "a denied destination: 403 or 401",
    ];
    server(flaw).fails(&["HBONE-S-002", "HBONE-S-009", "HBONE-S-010"], &fails);
}

#[test]
fn one_that_tells_denied_from_unknown_by_404() {
    let fails = ["a denied destination: 403 or 401"];
    server(|| instead(403, "404")).fails(&["HBONE-S-009"], &fails);
}

#[test]
fn one_that_calls_the_unreachable_not_found() {
    let fails = ["a destination where nobody listens: 503"];
    server(|| instead(503, "404")).fails(&["HBONE-S-010"], &fails);
}

#[test]
fn one_that_says_200_before_it_has_dialled() {
    let flaw = || {
        frames(|post, passing| {
            let stream = passing.frame.stream;
            if passing.is(Side::Ours, Kind::HEADERS) {
                if passing.status() != Some(200) {
                    post.send(Side::Suite, Frame::reset(stream, CANCEL));
                }
                return;
            }
            if passing.is(Side::Suite, Kind::HEADERS) {
                post.send(Side::Suite, Frame::headers(stream, &[(":status", "200")]));
            }
            post.forward(passing);
        })
    };
    let fails = [
        "a destination where nobody listens: 503",
        "a denied destination: 403 or 401",
    ];
    server(flaw).fails(&["HBONE-S-009", "HBONE-S-010"], &fails);
}

#[test]
fn one_that_ends_the_connection_where_a_stream_would_do() {
    let flaw = || {
        frames(|post, passing| {
            if passing.status().is_some_and(|status| status >= 400) {
                post.send(Side::Suite, Frame::go_away(0, PROTOCOL_ERROR));
                post.end(Side::Suite, true);
                return;
            }
            post.forward(passing);
        })
    };
    let fails = [
        "GET is refused, and the connection kept",
        "POST is refused, and the connection kept",
        "HEAD is refused, and the connection kept",
        "OPTIONS is refused, and the connection kept",
        "connect is refused, and the connection kept",
    ];
    server(flaw).fails(&["HBONE-S-005"], &fails);
}

#[test]
fn one_that_takes_a_path_with_a_connect() {
    let flaw = || {
        requests(|request| {
            let fields = request.fields.iter_mut();
            fields.for_each(|fields| {
                fields.retain(|(name, _)| !matches!(&**name, ":path" | ":scheme" | ":protocol"));
            });
        })
    };
    let fails = [
        "CONNECT with :path and :scheme is refused, and the connection kept",
        "CONNECT with :path is refused, and the connection kept",
        "CONNECT with :scheme is refused, and the connection kept",
        "extended CONNECT is refused, and the connection kept",
    ];
    server(flaw).fails(&["HBONE-S-007"], &fails);
}

#[test]
fn one_that_overlooks_the_user_in_an_authority() {
    let flaw = || {
        requests(|request| {
            let authority = request.field(":authority").unwrap_or_default();
            if let Some((_, host)) = authority.rsplit_once('@') {
                let host = host.to_owned();
                request.set(":authority", &host);
            }
        })
    };
    let fails = [
        "a user: \"user@10.0.0.1:80\"",
        "a user and a password: \"user:secret@10.0.0.1:80\"",
        "two @: \"10.0.0.2:80@user@10.0.0.1:80\"",
    ];
    server(flaw).fails(&["HBONE-S-006"], &fails);
}

#[test]
fn one_that_describes_itself_in_a_refusal() {
    let flaw = || {
        frames(|post, mut passing| {
            if passing.status().is_some_and(|status| status >= 400) {
                let stream = passing.frame.stream;
                passing.set("baggage", "service.name=ours");
                passing.frame.flags &= !Flags::END_STREAM;
                post.forward(passing);
                post.send(Side::Suite, Frame::last_data(stream, "no healthy upstream"));
                return;
            }
            post.forward(passing);
        })
    };
    let fails = ["a refusal ends the stream and has no baggage"];
    server(flaw).fails(&["HBONE-S-002"], &fails);
}

#[test]
fn one_that_refuses_and_leaves_the_stream_open() {
    let flaw = || {
        frames(|post, mut passing| {
            if passing.is(Side::Ours, Kind::RST_STREAM) {
                return;
            }
            if passing.status().is_some_and(|status| status >= 400) {
                passing.frame.flags &= !Flags::END_STREAM;
            }
            post.forward(passing);
        })
    };
    let fails = ["a refusal ends the stream and has no baggage"];
    server(flaw).fails(&["HBONE-S-002"], &fails);
}

/// A body is a thing that it should not have, and may.
#[test]
fn one_that_says_why_in_a_body_is_not_broken() {
    let flaw = || {
        frames(|post, mut passing| {
            let refusal = passing.status().is_some_and(|status| status >= 400);
            if refusal {
                let stream = passing.frame.stream;
                passing.frame.flags &= !Flags::END_STREAM;
                post.forward(passing);
                post.send(Side::Suite, Frame::data(stream, "no healthy upstream"));
                post.send(Side::Suite, Frame::last_data(stream, ""));
                return;
            }
            post.forward(passing);
        })
    };
    server(flaw).fails(&["HBONE-S-002"], &[]);
}

#[test]
fn one_that_says_how_long_a_tunnel_is() {
    let flaw = || answers(|answer| answer.set("content-length", "0"));
    let fails = ["200 has neither content-length nor transfer-encoding"];
    server(flaw).fails(&["HBONE-S-012"], &fails);
}

#[test]
fn one_that_does_not_say_who_was_reached() {
    let flaw = || {
        answers(|answer| {
            let fields = answer.fields.iter_mut();
            fields.for_each(|fields| fields.retain(|(name, _)| name != "baggage"));
        })
    };
    server(flaw).fails(&["HBONE-S-012"], &["200 has baggage"]);
}

#[test]
fn one_that_puts_white_space_into_baggage() {
    let flaw = || answers(|answer| answer.set("baggage", "k8s.pod.name=ours, service.name=ours"));
    let fails = ["baggage is one line, without white space or properties"];
    server(flaw).fails(&["HBONE-B-001"], &fails);
}

#[test]
fn one_that_splits_baggage() {
    let flaw = || {
        answers(|answer| {
            answer.set("baggage", "k8s.pod.name=ours");
            let second = ("baggage".to_owned(), "service.name=ours".to_owned());
            answer.fields.get_or_insert_default().push(second);
        })
    };
    let fails = ["baggage is one line, without white space or properties"];
    server(flaw).fails(&["HBONE-B-001"], &fails);
}

#[test]
fn one_that_sends_data_before_its_answer() {
    let flaw = || {
        frames(|post, passing| {
            if passing.is(Side::Ours, Kind::HEADERS) {
                let early = Frame::data(passing.frame.stream, "early");
                post.send(Side::Suite, early);
            }
            post.forward(passing);
        })
    };
    server(flaw).is_not_even_tried("seen DATA before a head");
}

#[test]
fn one_that_leaks_the_head_to_the_application() {
    let flaw = || {
        frames(|post, passing| {
            let stream = passing.frame.stream;
            let begins = passing.is(Side::Suite, Kind::HEADERS);
            let told = format!(
                "baggage: {}\r\n",
                passing.field("baggage").unwrap_or_default()
            );
            post.forward(passing);
            if begins {
                post.send(Side::Ours, Frame::data(stream, told));
            }
        })
    };
    server(flaw).fails(&["HBONE-H-010"], &["none of it reaches the application"]);
}

#[test]
fn one_that_closes_both_halves_when_its_application_ends_one() {
    let flaw = || {
        frames(|post, passing| {
            let stream = passing.frame.stream;
            let ends = passing.is(Side::Ours, Kind::DATA) && passing.frame.has(Flags::END_STREAM);
            post.forward(passing);
            if ends {
                post.send(Side::Suite, Frame::reset(stream, 0));
                post.send(Side::Ours, Frame::reset(stream, CANCEL));
            }
        })
    };
    server(flaw).fails(&["HBONE-L-001"], &["the application ends its half first"]);
}

#[test]
fn one_that_ends_what_was_truncated() {
    let flaw = || {
        frames(|post, passing| {
            if passing.is(Side::Ours, Kind::RST_STREAM) {
                post.send(Side::Suite, Frame::last_data(passing.frame.stream, ""));
                return;
            }
            post.forward(passing);
        })
    };
    let fails = [
        "a reset of the application is a reset, not an end",
        "and its code is CONNECT_ERROR",
    ];
    server(flaw).fails(&["HBONE-L-003"], &fails);
}

const RESETS: [&str; 3] = [
    "RST_STREAM NO_ERROR resets the application's connection",
    "RST_STREAM CANCEL resets the application's connection",
    "RST_STREAM INTERNAL_ERROR resets the application's connection",
];

#[test]
fn one_that_takes_a_reset_for_an_end() {
    let flaw = || {
        frames(|post, passing| {
            if passing.is(Side::Suite, Kind::RST_STREAM) {
                post.send(Side::Ours, Frame::last_data(passing.frame.stream, ""));
                return;
            }
            post.forward(passing);
        })
    };
    server(flaw).fails(&["HBONE-L-002"], &RESETS);
}

#[test]
fn one_that_does_not_hear_a_reset() {
    let flaw = || {
        frames(|post, passing| {
            if !passing.is(Side::Suite, Kind::RST_STREAM) {
                post.forward(passing);
            }
        })
    };
    server(flaw).fails(&["HBONE-L-002"], &RESETS);
}

#[test]
fn one_that_ends_well_what_was_cut() {
    let flaw = || -> Flaw {
        Box::new(|post: &mut Post, event| match event {
            Event::Over(Side::Suite, _) => post.send(Side::Ours, Frame::last_data(1, "")),
            other => post.pass(other),
        })
    };
    let fails = [
        "a lost connection resets the application's",
        "close_notify in the middle resets the application's",
    ];
    server(flaw).fails(&["HBONE-L-004"], &fails);
}

#[test]
fn one_that_takes_trailers_for_an_end() {
    let flaw = || {
        frames(|post, passing| {
            let trailers = passing.fields.is_some() && passing.field(":method").is_none();
            if trailers && passing.is(Side::Suite, Kind::HEADERS) {
                post.send(Side::Ours, Frame::last_data(passing.frame.stream, ""));
                return;
            }
            post.forward(passing);
        })
    };
    server(flaw).fails(&["HBONE-L-005"], &["trailers break the tunnel"]);
}

#[test]
fn one_that_drops_what_came_before_a_reset() {
    let flaw = || -> Flaw {
        let mut held = None;
        Box::new(move |post: &mut Post, event| {
            let last = held.take();
            match event {
                Event::Frame(passing)
                    if passing.is(Side::Suite, Kind::DATA)
                        && passing.frame.has(Flags::END_STREAM) =>
                {
                    held = Some(passing);
                }
                Event::Frame(passing) if passing.is(Side::Suite, Kind::RST_STREAM) => {
                    post.forward(passing);
                }
                // Frames of the other side tell nothing about what comes next.
                Event::Frame(passing) if passing.from == Side::Ours => {
                    held = last;
                    post.forward(passing);
                }
                other => {
                    if let Some(last) = last {
                        post.forward(last);
                    }
                    post.pass(other);
                }
            }
        })
    };
    let fails = ["a reset after the end takes nothing away"];
    server(flaw).fails(&["HBONE-L-006"], &fails);
}

#[test]
fn one_that_sends_data_without_bytes() {
    let flaw = || {
        frames(|post, passing| {
            if passing.is(Side::Ours, Kind::DATA) {
                post.send(Side::Suite, Frame::data(passing.frame.stream, ""));
            }
            post.forward(passing);
        })
    };
    server(flaw).fails(&["HBONE-L-007"], &["no DATA without bytes is sent"]);
}

/// SETTINGS as the side has sent them, with another value for one of them.
pub(crate) fn resettled(from: Side, setting: u16, value: u32) -> Flaw {
    frames(move |post, mut passing| {
        if passing.is(from, Kind::SETTINGS) && !passing.frame.has(Flags::ACK) {
            let entries: Vec<_> = passing
                .frame
                .entries()
                .map(|(id, old)| (id, if id == setting { value } else { old }))
                .collect();
            passing.frame = Frame::settings(&entries);
        }
        post.forward(passing);
    })
}

#[test]
fn one_that_ignores_windows() {
    let flaw = || resettled(Side::Suite, Setting::INITIAL_WINDOW_SIZE, 1 << 20);
    let fails = ["a small window is kept to, byte for byte"];
    server(flaw).fails(&["HBONE-L-008"], &fails);
}

#[test]
fn one_that_never_opens_a_window_again() {
    let flaw = || {
        frames(|post, passing| {
            if !passing.is(Side::Ours, Kind::WINDOW_UPDATE) || passing.frame.stream == 0 {
                post.forward(passing);
            }
        })
    };
    let fails = ["windows are opened again as the application reads"];
    server(flaw).fails(&["HBONE-L-008"], &fails);
}

#[test]
fn one_with_a_small_window_for_the_connection() {
    let flaw = || {
        frames(|post, passing| {
            if !passing.is(Side::Ours, Kind::WINDOW_UPDATE) || passing.frame.stream != 0 {
                post.forward(passing);
            }
        })
    };
    let fails = ["the connection's window is four times a stream's"];
    server(flaw).fails(&["HBONE-T-012"], &fails);
}

#[test]
fn one_whose_tunnels_stop_each_other() {
    let flaw = || {
        let mut unread = 0;
        frames(move |post, passing| {
            let data = passing.is(Side::Suite, Kind::DATA);
            if data && passing.frame.stream == 1 {
                unread += passing.frame.payload.len();
            }
            // Whoever reads all tunnels in turn waits for the first one, which nobody empties.
            if !data || passing.frame.stream == 1 || unread < 1 << 20 {
                post.forward(passing);
            }
        })
    };
    let fails = ["a tunnel that nobody reads does not stop its sibling"];
    server(flaw).fails(&["HBONE-L-009"], &fails);
}

#[test]
fn one_that_serves_more_streams_than_it_announces() {
    let flaw = || resettled(Side::Ours, Setting::MAX_CONCURRENT_STREAMS, 5);
    let fails = ["one CONNECT more than announced is refused alone"];
    server(flaw).fails(&["HBONE-S-015"], &fails);
}

#[test]
fn one_that_ends_the_connection_for_one_stream_too_many() {
    let flaw = || {
        frames(|post, passing| {
            let refused = passing.frame.code() == Some(REFUSED_STREAM);
            if refused && passing.is(Side::Ours, Kind::RST_STREAM) {
                post.send(Side::Suite, Frame::go_away(0, PROTOCOL_ERROR));
                post.end(Side::Suite, true);
                return;
            }
            post.forward(passing);
        })
    };
    let fails = ["one CONNECT more than announced is refused alone"];
    server(flaw).fails(&["HBONE-S-015"], &fails);
}

#[test]
fn one_that_does_not_answer_pings() {
    let flaw = || {
        frames(|post, passing| {
            if !passing.is(Side::Suite, Kind::PING) {
                post.forward(passing);
            }
        })
    };
    server(flaw).fails(&["HBONE-T-013"], &["PING is answered with its payload"]);
}

#[test]
fn one_that_does_not_acknowledge_settings() {
    let flaw = || {
        frames(|post, passing| {
            if !passing.is(Side::Ours, Kind::SETTINGS) || !passing.frame.has(Flags::ACK) {
                post.forward(passing);
            }
        })
    };
    server(flaw).fails(&["2"], &["SETTINGS are sent, and ours acknowledged"]);
}

#[test]
fn one_that_knows_all_types_of_frames() {
    let flaw = || {
        frames(|post, passing| {
            if passing.from == Side::Suite && passing.frame.kind > Kind::CONTINUATION {
                post.send(Side::Suite, Frame::go_away(0, PROTOCOL_ERROR));
                post.end(Side::Suite, true);
                return;
            }
            post.forward(passing);
        })
    };
    let fails = ["a frame of unknown type is ignored"];
    server(flaw).fails(&["HBONE-T-015"], &fails);
}

#[test]
fn one_that_bears_rapid_resets() {
    let flaw = || -> Flaw {
        let mut held: Option<Passing> = None;
        Box::new(move |post: &mut Post, event| match event {
            Event::Frame(passing) if passing.is(Side::Suite, Kind::HEADERS) => {
                held = Some(passing);
            }
            Event::Frame(passing)
                if passing.is(Side::Suite, Kind::RST_STREAM)
                    && held
                        .as_ref()
                        .is_some_and(|held| held.frame.stream == passing.frame.stream) =>
            {
                held = None;
            }
            Event::Frame(passing) if passing.from == Side::Ours => post.forward(passing),
            other => {
                if let Some(held) = held.take() {
                    post.forward(held);
                }
                post.pass(other);
            }
        })
    };
    let fails = ["ten thousand CONNECTs, each reset at once"];
    server(flaw).fails(&["HBONE-Q-003"], &fails);
}

#[test]
fn one_that_waits_for_the_end_of_a_field_section_for_ever() {
    let flaw = || {
        frames(|post, passing| {
            let open = !passing.frame.has(Flags::END_HEADERS);
            let part = matches!(passing.frame.kind, Kind::HEADERS | Kind::CONTINUATION);
            if passing.from == Side::Suite && part && open {
                return;
            }
            post.forward(passing);
        })
    };
    let fails = ["CONTINUATION without end"];
    server(flaw).fails(&["11.2"], &fails);
}

#[test]
fn one_that_compares_addresses_as_text() {
    let flaw = || {
        frames(|post, passing| {
            // What is mapped is not on its list, and so it connects.
            let authority = passing.field(":authority").unwrap_or_default();
            if authority.starts_with("[::ffff:") {
                let answer = Frame::headers(passing.frame.stream, &[(":status", "200")]);
                post.send(Side::Suite, answer);
                return;
            }
            post.forward(passing);
        })
    };
    let fails = [
        "the same, mapped into IPv6: [::ffff:169.254.169.254]:80",
        "the same, mapped and in hexadecimal: [::ffff:a9fe:a9fe]:80",
    ];
    server(flaw).fails(&["HBONE-Q-002"], &fails);
}
