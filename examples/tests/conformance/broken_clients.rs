//! Clients that are wrong in one thing, and the cases that say so.

use hbone_examples::wire::{Flags, Frame, Kind, Setting};

use crate::broken::{client, client_with};
use crate::broken_servers::resettled;
use crate::handshake::Mistake;
use crate::middle::{Event, Flaw, Passing, Post, Side, frames};

const REFUSED_STREAM: u32 = 7;

#[test]
fn one_that_shows_no_certificate() {
    client_with(Mistake::NoCertificate).fails(&["HBONE-T-002"], &["a certificate is shown"]);
}

#[test]
fn one_that_takes_any_server_of_its_trust_domain() {
    let fails = ["a server's certificate with an id that was not expected is refused"];
    client_with(Mistake::AnyIdentity).fails(&["HBONE-I-005"], &fails);
}

#[test]
fn one_that_takes_certificates_of_any_signer() {
    let fails = ["a server's certificate signed by somebody else is refused"];
    client_with(Mistake::AnySigner).fails(&["HBONE-I-003"], &fails);
}

#[test]
fn one_that_does_not_look_at_the_time() {
    let fails = [
        "a server's certificate that has expired is refused",
        "a server's certificate that is not yet valid is refused",
    ];
    client_with(Mistake::AnyTime).fails(&["HBONE-I-006"], &fails);
}

#[test]
fn one_that_takes_the_first_of_two_ids() {
    let fails = ["a server's certificate with two URIs, the expected one first is refused"];
    client_with(Mistake::FirstUri).fails(&["HBONE-I-001"], &fails);
}

#[test]
fn one_that_sends_a_server_name() {
    client_with(Mistake::ServerName).fails(&["HBONE-T-005"], &["no server name is sent"]);
}

#[test]
fn one_that_also_offers_http_1() {
    let fails = [
        "h2 is offered, and nothing else",
        "a server that selects no protocol is refused",
    ];
    client_with(Mistake::Http1).fails(&["HBONE-T-004"], &fails);
}

#[test]
fn one_that_takes_a_server_without_h2() {
    let fails = ["a server that selects no protocol is refused"];
    client_with(Mistake::AnyProtocol).fails(&["HBONE-T-004"], &fails);
}

#[test]
fn one_that_speaks_tls_1_2() {
    client_with(Mistake::Tls12).fails(&["HBONE-T-003"], &["a server of TLS 1.2 is refused"]);
}

#[test]
fn one_without_a_suite_that_everybody_has() {
    client_with(Mistake::OneSuite).fails(&["HBONE-T-008"], &["TLS_AES_128_GCM_SHA256 is offered"]);
}

/// A flaw of the heads that the client sends.
fn requests(mut change: impl FnMut(&mut Passing) + Send + 'static) -> Flaw {
    frames(move |post, mut passing| {
        if passing.is(Side::Ours, Kind::HEADERS) && passing.fields.is_some() {
            change(&mut passing);
        }
        post.forward(passing);
    })
}

/// A flaw in how the client reads answers.
fn answers(mut change: impl FnMut(&mut Passing) + Send + 'static) -> Flaw {
    frames(move |post, mut passing| {
        if passing.is(Side::Suite, Kind::HEADERS) && passing.status().is_some() {
            change(&mut passing);
        }
        post.forward(passing);
    })
}

#[test]
fn one_that_asks_for_a_path() {
    let flaw = || {
        requests(|request| {
            let fields = request.fields.get_or_insert_default();
            fields.insert(1, (":scheme".into(), "https".into()));
            fields.insert(2, (":path".into(), "/".into()));
        })
    };
    let fails = ["a CONNECT with :method and :authority alone"];
    client(flaw).fails(&["HBONE-C-001", "HBONE-C-002"], &fails);
}

#[test]
fn one_that_asks_for_something_else() {
    let flaw = || requests(|request| request.set(":authority", "10.0.0.3:8080"));
    let fails = ["the authority is the one that was asked for"];
    client(flaw).fails(&["HBONE-C-001", "HBONE-C-002"], &fails);
}

#[test]
fn one_that_ends_its_half_with_the_request() {
    let flaw = || requests(|request| request.frame.flags |= Flags::END_STREAM);
    client(flaw).fails(&["HBONE-C-005"], &["the stream stays open"]);
}

#[test]
fn one_that_says_how_long_a_tunnel_is() {
    let flaw = || requests(|request| request.set("content-length", "0"));
    let fails = ["no content-length, and nothing about the connection"];
    client(flaw).fails(&["HBONE-C-007"], &fails);
}

#[test]
fn one_that_does_not_wait_for_the_200() {
    let flaw = || {
        frames(|post, passing| {
            if passing.is(Side::Suite, Kind::HEADERS) {
                return;
            }
            if passing.is(Side::Ours, Kind::HEADERS) {
                let answer = Frame::headers(passing.frame.stream, &[(":status", "200")]);
                post.send(Side::Ours, answer);
            }
            post.forward(passing);
        })
    };
    let fails = ["nothing of the application is sent before the 200"];
    client(flaw).fails(&["HBONE-C-006"], &fails);
}

#[test]
fn one_that_puts_white_space_into_baggage() {
    let flaw = || requests(|request| request.set("baggage", "k8s.pod.name=c, service.name=c"));
    let fails = ["baggage is one line, without white space or properties"];
    client(flaw).fails(&["HBONE-B-001"], &fails);
}

#[test]
fn one_that_writes_fields_in_its_own_way() {
    let flaw = || {
        requests(|request| {
            request.set("forwarded", "for=10.0.0.1, for=10.0.0.2");
            request.set(
                "traceparent",
                "00-9CADE301B39B321E8EA3952C07C362C2-0B0DB53071936BD0-00",
            );
            request.set("x-istio-source", "ztunnel");
            request.set("x-istio-origin-network", "west");
        })
    };
    let fails = [
        "forwarded is one element, with for",
        "traceparent is of version 00",
        "the source is one of the three",
        "names that only comments know are not sent",
    ];
    client(flaw).fails(
        &["HBONE-H-004", "HBONE-H-006", "HBONE-H-009", "HBONE-H-012"],
        &fails,
    );
}

#[test]
fn one_that_takes_every_answer_for_a_tunnel() {
    let flaw = || answers(|answer| answer.set(":status", "200"));
    let fails = [
        "of a body none reaches the application",
        "403 is a refusal",
        "503 is a refusal",
    ];
    client(flaw).fails(&["4.5", "4.17", "4.22"], &fails);
}

#[test]
fn one_that_takes_101_for_a_tunnel() {
    let flaw = || {
        answers(|answer| {
            if answer.status() == Some(101) {
                answer.set(":status", "200");
            }
        })
    };
    client(flaw).fails(&["HBONE-C-008"], &["101 is an error"]);
}

#[test]
fn one_that_does_not_know_interim_answers() {
    let flaw = || {
        frames(|post, passing| {
            if passing
                .status()
                .is_some_and(|status| status < 200 && status != 101)
            {
                post.send(Side::Ours, Frame::reset(passing.frame.stream, 1));
                return;
            }
            post.forward(passing);
        })
    };
    client(flaw).fails(&["HBONE-C-008"], &["100 and 103 before it are skipped"]);
}

#[test]
fn one_that_follows_redirects() {
    let flaw = || {
        let mut asked = None;
        frames(move |post, mut passing| {
            if passing.is(Side::Ours, Kind::HEADERS) && passing.fields.is_some() {
                asked.clone_from(&passing.fields);
            }
            // To where it is sent, on the next stream; whatever is said there, it has its tunnel.
            if passing
                .status()
                .is_some_and(|status| (300..400).contains(&status))
                && let Some(asked) = asked.take()
            {
                let fields: Vec<_> = asked.iter().map(|(a, b)| (&**a, &**b)).collect();
                let again = Frame::headers(passing.frame.stream + 2, &fields);
                post.send(Side::Suite, again);
                passing.set(":status", "200");
            }
            post.forward(passing);
        })
    };
    client(flaw).fails(&["HBONE-C-009"], &["301 is a refusal"]);
}

#[test]
fn one_that_repeats_what_may_have_happened() {
    let flaw = || {
        let mut asked = None;
        frames(move |post, passing| {
            if passing.is(Side::Ours, Kind::HEADERS) {
                asked.clone_from(&passing.fields);
            }
            let refused = passing.frame.code() == Some(REFUSED_STREAM);
            if passing.is(Side::Suite, Kind::RST_STREAM)
                && !refused
                && let Some(asked) = asked.take()
            {
                let fields: Vec<_> = asked.iter().map(|(a, b)| (&**a, &**b)).collect();
                let again = Frame::headers(passing.frame.stream + 2, &fields);
                post.send(Side::Suite, again);
                return;
            }
            post.forward(passing);
        })
    };
    let fails = [
        "after CANCEL nothing is repeated",
        "after a GOAWAY that covers it nothing is repeated",
    ];
    client(flaw).fails(&["HBONE-C-010"], &fails);
}

#[test]
fn one_that_never_repeats() {
    let flaw = || {
        frames(|post, mut passing| {
            if passing.is(Side::Suite, Kind::RST_STREAM) {
                passing.frame = Frame::reset(passing.frame.stream, 2);
            }
            post.forward(passing);
        })
    };
    let fails = ["REFUSED_STREAM is repeated on another connection"];
    client(flaw).fails(&["HBONE-C-010"], &fails);
}

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
    let fails = [
        "RST_STREAM NO_ERROR is no end of file",
        "RST_STREAM CANCEL is no end of file",
        "RST_STREAM INTERNAL_ERROR is no end of file",
        "RST_STREAM CONNECT_ERROR is no end of file",
    ];
    client(flaw).fails(&["HBONE-L-002"], &fails);
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
        "a lost connection is no end of file",
        "close_notify in the middle is no end of file",
    ];
    client(flaw).fails(&["HBONE-L-004"], &fails);
}

#[test]
fn one_that_takes_trailers_for_an_end() {
    let flaw = || {
        frames(|post, passing| {
            let trailers = passing.fields.is_some() && passing.status().is_none();
            if trailers && passing.is(Side::Suite, Kind::HEADERS) {
                post.send(Side::Ours, Frame::last_data(passing.frame.stream, ""));
                return;
            }
            post.forward(passing);
        })
    };
    client(flaw).fails(&["HBONE-L-005"], &["trailers break the tunnel"]);
}

#[test]
fn one_that_closes_both_halves_when_the_server_ends_one() {
    let flaw = || {
        let mut over = false;
        frames(move |post, passing| {
            let stream = passing.frame.stream;
            if over && passing.is(Side::Ours, Kind::DATA) {
                return;
            }
            over |= passing.from == Side::Suite
                && matches!(passing.frame.kind, Kind::DATA | Kind::HEADERS)
                && passing.frame.has(Flags::END_STREAM);
            post.forward(passing);
            if over {
                post.send(Side::Suite, Frame::last_data(stream, ""));
            }
        })
    };
    let fails = [
        "the server ends its half first",
        "a 200 that ends the stream leaves our half open",
    ];
    client(flaw).fails(&["5.3", "5.4"], &fails);
}

#[test]
fn one_that_passes_padding_on() {
    let flaw = || {
        frames(|post, mut passing| {
            if passing.is(Side::Suite, Kind::DATA) {
                passing.frame.flags &= !Flags::PADDED;
            }
            post.forward(passing);
        })
    };
    client(flaw).fails(&["HBONE-L-001"], &["padding is not passed on"]);
}

#[test]
fn one_that_drops_what_came_before_a_reset() {
    let flaw = || -> Flaw {
        let mut held: Option<Passing> = None;
        Box::new(move |post: &mut Post, event| match event {
            Event::Frame(passing)
                if passing.is(Side::Suite, Kind::DATA) && passing.frame.has(Flags::END_STREAM) =>
            {
                held = Some(passing);
            }
            Event::Frame(passing) if passing.is(Side::Suite, Kind::RST_STREAM) => {
                held = None;
                post.forward(passing);
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
    let fails = ["a reset after the end takes nothing away"];
    client(flaw).fails(&["HBONE-L-006"], &fails);
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
    client(flaw).fails(&["HBONE-L-007"], &["no DATA without bytes is sent"]);
}

#[test]
fn one_that_ignores_windows() {
    let flaw = || resettled(Side::Suite, Setting::INITIAL_WINDOW_SIZE, 1 << 20);
    let fails = ["a small window is kept to, byte for byte"];
    client(flaw).fails(&["HBONE-L-008"], &fails);
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
    client(flaw).fails(&["HBONE-L-008"], &fails);
}

#[test]
fn one_that_ignores_the_number_of_streams() {
    let flaw = || resettled(Side::Suite, Setting::MAX_CONCURRENT_STREAMS, 100);
    let fails = ["with no stream allowed it waits until one is"];
    client(flaw).fails(&["HBONE-T-010"], &fails);
}

#[test]
fn one_that_leaves_at_goaway() {
    let flaw = || {
        frames(|post, passing| {
            let goes = passing.is(Side::Suite, Kind::GOAWAY);
            post.forward(passing);
            if goes {
                post.end(Side::Suite, true);
                post.end(Side::Ours, false);
            }
        })
    };
    client(flaw).fails(&["HBONE-R-004"], &["GOAWAY lets an open tunnel go on"]);
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
    client(flaw).fails(&["HBONE-T-013"], &["PING is answered with its payload"]);
}

#[test]
fn one_that_welcomes_pushes() {
    let flaw = || {
        frames(|post, mut passing| {
            if passing.is(Side::Ours, Kind::SETTINGS) && !passing.frame.has(Flags::ACK) {
                let entries = passing.frame.entries();
                let entries: Vec<_> = entries
                    .filter(|(id, _)| *id != Setting::ENABLE_PUSH)
                    .collect();
                passing.frame = Frame::settings(&entries);
            }
            if !passing.is(Side::Suite, Kind::PUSH_PROMISE) {
                post.forward(passing);
            }
        })
    };
    let fails = ["push is switched off", "PUSH_PROMISE ends the connection"];
    client(flaw).fails(&["HBONE-T-011"], &fails);
}
