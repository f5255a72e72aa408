use std::io::ErrorKind;
use std::time::Duration;

use hbone::policy::{AllowEntry, DestinationPolicy};
use hbone::{Cut, Lookup, Loss, Reason, Reject};

use crate::hbone_world::server::Answer;
use crate::hbone_world::{Server, ms};
use crate::script::Script;

/// Any CONNECTs, resets, signals and losses at any time: each CONNECT has one answer or is taken back, nothing is dialled that the policy
/// denies, nothing is left under way, and a drain ends in time.
pub fn serve(data: &[u8]) {
    let mut script = Script::new(data);
    let policy = DestinationPolicy::allow_list([
        AllowEntry::to_addresses(["10.0.0.0/8".parse().expect("a range")]),
        AllowEntry::to_names_below(["svc".parse().expect("a name")]),
    ]);
    let mut server = Server::new(u64::from(script.octet()), policy)
        .host("10.0.0.1:80")
        .host_that("10.0.0.2:80", ms(5), Err(ErrorKind::ConnectionRefused))
        .host_that("10.0.0.4:80", ms(5), Err(ErrorKind::TimedOut))
        .name(
            "good.svc:80",
            &["127.0.0.1:80", "10.0.0.2:80", "10.0.0.4:80", "10.0.0.1:80"],
        )
        .name(
            "evil.svc:80",
            &["127.0.0.1:80", "[::ffff:169.254.169.254]:80"],
        )
        .name("none.svc:80", &[]);
    server
        .names
        .insert("bad.svc:80".to_owned(), Err(Reject::DnsFailed));
    server.client_reads = script.flag();
    server.config.max_attempts = script.below(5);
    if script.below(8) == 7 {
        server.config.lookup = Lookup::All;
    }
    let (mut first_signal, mut connects) = (None::<Duration>, 0);
    while !script.is_over() && connects < 40 {
        let at = ms(16 * u64::from(script.octet()));
        match script.below(8) {
            6 => {
                first_signal = Some(first_signal.map_or(at, |first| first.min(at)));
                server.after(at, Server::signal);
            }
            7 => {
                let loss = script.one_of(&[Loss::Closed, Loss::GoAway(Reason::NO_ERROR)]);
                server.after(at, move |server| server.lose(loss));
            }
            _ => {
                connects += 1;
                let authority = script.one_of(&AUTHORITIES);
                let then = script.one_of(&[Then::Nothing, Then::Reset, Then::Tunnel]);
                let wait = ms(16 * u64::from(script.octet()));
                let way = script.octet();
                server.after(at, move |server| {
                    let stream = server.connect(authority);
                    server.after(wait, move |server| match then {
                        Then::Nothing => {}
                        Then::Reset => server.reset(stream, Reason::from_wire(u32::from(way % 16))),
                        Then::Tunnel => live(server, stream, way),
                    });
                });
            }
        }
    }
    server.run(Duration::from_secs(20));
    assert_eq!(server.under_way(), 0, "no dial and no query is left");
    for dialled in &server.dials {
        assert!(
            dialled.ip().to_string().starts_with("10."),
            "{dialled} was denied"
        );
    }
    for served in &server.streams {
        let accepted = served.answer == Some(Answer::Accepted);
        assert_eq!(served.tunnel.is_some(), accepted);
        assert!(accepted || served.said.is_empty() && served.socket.is_empty());
        if let Some(Answer::Rejected(reject)) = &served.answer {
            assert!(*reject != Reject::Draining || first_signal.is_some());
        }
    }
    if let Some(first) = first_signal {
        assert!(server.closed);
        let (at, _) = server.drained.last().expect("it has drained");
        assert!(*at <= first + Duration::from_secs(5));
        assert_eq!(server.drain.streams(), 0);
    }
}

const AUTHORITIES: [&str; 10] = [
    "10.0.0.1:80",
    "10.0.0.2:80",
    "10.0.0.3:80",
    "good.svc:80",
    "evil.svc:80",
    "silent.svc:80",
    "bad.svc:80",
    "none.svc:80",
    "127.0.0.1:80",
    "10.0.0.4:80",
];

#[derive(Clone, Copy)]
enum Then {
    Nothing,
    Reset,
    Tunnel,
}

/// Something happens to the tunnel, if there is one.
fn live(server: &mut Server, stream: usize, way: u8) {
    if server.streams[stream].tunnel.is_none() {
        return;
    }
    let tunnel = server.tunnel(stream);
    for way in [way & 15, way >> 4] {
        match way {
            0 | 1 => tunnel.handle_end_stream(),
            2 => tunnel.handle_trailers(),
            3 => tunnel.handle_reset(Reason::CANCEL),
            4 => tunnel.handle_reset(Reason::NO_ERROR),
            5 => tunnel.handle_go_away(Reason::NO_ERROR, true),
            6 => tunnel.handle_go_away(Reason::ENHANCE_YOUR_CALM, false),
            7 => tunnel.handle_lost(Loss::Closed),
            8 => tunnel.handle_socket_end(),
            9 => tunnel.handle_socket_error(ErrorKind::ConnectionReset),
            10 => tunnel.finish(),
            11 => tunnel.cut(Cut::Abandoned),
            12 => tunnel.cut(Cut::Drained),
            _ => {
                let open = tunnel.handle_data();
                assert!(!open || !tunnel.is_over());
            }
        }
        let (inbound, outbound) = (tunnel.inbound(), tunnel.outbound());
        assert_eq!(
            tunnel.is_over(),
            inbound != hbone::Half::Open && outbound != hbone::Half::Open,
            "{tunnel:?}"
        );
    }
}
