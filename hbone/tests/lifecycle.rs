//! What an established tunnel makes of every event, on either side of it. Numbers in brackets are rows of
//! docs/faults.md.

#[path = "world/epoch.rs"]
mod epoch;

use std::io::ErrorKind;
use std::time::Duration;

use hbone::{
    Cut, Half, HalfClose, Lifecycle, Loss, Reason, Role, SocketAction, StreamAction, TunnelError,
};
use proptest::prelude::*;

use epoch::epoch;

/// Every registered code, one that is not, and the largest.
fn reasons() -> impl Iterator<Item = Reason> {
    (0..=14).chain([0x1234, u32::MAX]).map(Reason::from_wire)
}

fn both_roles() -> [Lifecycle; 2] {
    [Lifecycle::new(Role::Client), Lifecycle::new(Role::Server)]
}

#[test]
fn end_stream_is_an_end_of_file_and_the_other_half_goes_on() {
    // [97], [110]
    for mut tunnel in both_roles() {
        assert!(tunnel.handle_data());
        tunnel.handle_end_stream();
        assert_eq!(tunnel.inbound(), Half::Ended);
        assert_eq!(tunnel.outbound(), Half::Open);
        assert!(!tunnel.handle_data());
        assert_eq!(tunnel.poll_socket(), Some(SocketAction::ShutdownWrite));
        assert_eq!(tunnel.poll_socket(), None);
        assert_eq!(tunnel.poll_stream(), None);
    }
}

#[test]
fn an_answer_that_ends_the_stream_opens_a_tunnel_that_still_takes_writes() {
    // [86], and [68] seen from the server
    for mut tunnel in both_roles() {
        tunnel.handle_end_stream();
        assert!(tunnel.outbound().is_open());
        tunnel.finish();
        assert_eq!(tunnel.poll_stream(), Some(StreamAction::EndStream));
        assert!(tunnel.is_over());
    }
}

#[test]
fn a_fin_of_the_socket_ends_the_stream_and_reading_goes_on() {
    // [110]
    for mut tunnel in both_roles() {
        tunnel.handle_socket_end();
        assert_eq!(tunnel.poll_stream(), Some(StreamAction::EndStream));
        assert_eq!(tunnel.poll_stream(), None);
        assert!(tunnel.handle_data());
        tunnel.handle_end_stream();
        assert_eq!(tunnel.poll_socket(), Some(SocketAction::ShutdownWrite));
        assert!(tunnel.is_over());
    }
}

#[test]
fn a_reset_before_the_end_is_never_an_end_of_file_whatever_its_reason() {
    for reason in reasons() {
        for mut tunnel in both_roles() {
            tunnel.handle_reset(reason);
            let error = TunnelError::Reset(reason);
            assert_eq!(tunnel.inbound(), Half::Failed(error));
            assert_eq!(tunnel.outbound(), Half::Failed(error));
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert_eq!(tunnel.poll_socket(), Some(SocketAction::Reset));
            assert_eq!(tunnel.poll_stream(), None, "a reset is not answered");
        }
    }
}

#[test]
fn a_reset_after_our_own_end_still_breaks_the_reader() {
    for reason in reasons() {
        for mut tunnel in both_roles() {
            tunnel.finish();
            tunnel.handle_reset(reason);
            assert_eq!(tunnel.inbound(), Half::Failed(TunnelError::Reset(reason)));
            assert_eq!(tunnel.outbound(), Half::Ended);
        }
    }
}

#[test]
fn a_reset_after_the_end_was_read_leaves_the_end_of_file_and_stops_the_writer() {
    // [124]; Envoy resets with NO_ERROR so when the application behind it ends first
    for reason in reasons() {
        for mut tunnel in both_roles() {
            tunnel.handle_end_stream();
            tunnel.handle_reset(reason);
            assert_eq!(tunnel.inbound(), Half::Ended);
            let error = TunnelError::Stopped(reason);
            assert_eq!(tunnel.outbound(), Half::Failed(error));
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
            assert_eq!(
                tunnel.poll_socket(),
                Some(SocketAction::Close),
                "an RST could overtake the bytes that arrived whole"
            );
            assert_eq!(tunnel.poll_socket(), None);
        }
    }
}

#[test]
fn a_reset_after_both_ends_changes_nothing() {
    for mut tunnel in both_roles() {
        tunnel.finish();
        tunnel.handle_end_stream();
        tunnel.handle_reset(Reason::CANCEL);
        assert_eq!(tunnel.inbound(), Half::Ended);
        assert_eq!(tunnel.outbound(), Half::Ended);
        assert_eq!(tunnel.poll_socket(), Some(SocketAction::ShutdownWrite));
        assert_eq!(tunnel.poll_stream(), Some(StreamAction::EndStream));
    }
}

#[test]
fn trailers_are_an_error_to_the_reader_and_a_protocol_error_to_the_peer() {
    // [70]
    for mut tunnel in both_roles() {
        tunnel.finish();
        tunnel.handle_trailers();
        assert_eq!(tunnel.inbound(), Half::Failed(TunnelError::Trailers));
        assert_eq!(TunnelError::Trailers.kind(), ErrorKind::InvalidData);
        assert_eq!(
            tunnel.poll_stream(),
            Some(StreamAction::Reset(Reason::PROTOCOL_ERROR))
        );
        assert_eq!(tunnel.poll_stream(), None);
        assert_eq!(tunnel.poll_socket(), Some(SocketAction::Reset));
    }
}

#[test]
fn goaway_spares_the_streams_it_covers() {
    // [133]
    for reason in reasons() {
        for mut tunnel in both_roles() {
            tunnel.handle_go_away(reason, true);
            assert!(tunnel.handle_data());
            assert!(tunnel.outbound().is_open());
            tunnel.handle_go_away(reason, false);
            let error = TunnelError::Lost(Loss::GoAway(reason));
            assert_eq!(tunnel.inbound(), Half::Failed(error));
            assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        }
    }
}

#[test]
fn a_lost_connection_is_no_end_of_file() {
    // [25], [119], [129]
    let losses = [
        (Loss::Closed, ErrorKind::ConnectionAborted),
        (
            Loss::Transport(ErrorKind::HostUnreachable),
            ErrorKind::ConnectionAborted,
        ),
        (
            Loss::Protocol(Reason::FLOW_CONTROL_ERROR),
            ErrorKind::ConnectionAborted,
        ),
        (Loss::Unanswered, ErrorKind::TimedOut),
    ];
    for (loss, kind) in losses {
        for mut tunnel in both_roles() {
            tunnel.finish();
            tunnel.handle_lost(loss);
            assert_eq!(tunnel.inbound(), Half::Failed(TunnelError::Lost(loss)));
            assert_eq!(TunnelError::Lost(loss).kind(), kind);
            assert_eq!(tunnel.poll_socket(), Some(SocketAction::Reset));
            assert_eq!(tunnel.poll_stream(), None, "there is nobody left to tell");
        }
    }
}

#[test]
fn a_connection_lost_after_the_end_was_read_hurts_only_the_writer() {
    for mut tunnel in both_roles() {
        tunnel.handle_end_stream();
        tunnel.handle_lost(Loss::Closed);
        assert_eq!(tunnel.inbound(), Half::Ended);
        assert_eq!(
            tunnel.outbound(),
            Half::Failed(TunnelError::Lost(Loss::Closed))
        );
        assert_eq!(tunnel.poll_socket(), Some(SocketAction::Close));
    }
}

#[test]
fn a_socket_that_breaks_is_told_as_connect_error() {
    // [111], [112]
    for mut tunnel in both_roles() {
        tunnel.handle_socket_error(ErrorKind::ConnectionReset);
        assert_eq!(
            tunnel.poll_stream(),
            Some(StreamAction::Reset(Reason::CONNECT_ERROR))
        );
        assert_eq!(tunnel.poll_socket(), Some(SocketAction::Close));
        let error = TunnelError::Socket(ErrorKind::ConnectionReset);
        assert_eq!(tunnel.inbound(), Half::Failed(error));
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn an_end_that_is_owed_goes_out_before_the_reset_that_follows_it() {
    // [124]
    for mut tunnel in both_roles() {
        tunnel.handle_socket_end();
        tunnel.handle_socket_error(ErrorKind::BrokenPipe);
        assert_eq!(tunnel.poll_stream(), Some(StreamAction::EndStream));
        assert_eq!(
            tunnel.poll_stream(),
            Some(StreamAction::Reset(Reason::CONNECT_ERROR))
        );
        assert_eq!(tunnel.poll_stream(), None);
    }
}

#[test]
fn only_a_client_that_lost_interest_resets_with_cancel() {
    let after = |role, finished: bool, cut| {
        let mut tunnel = Lifecycle::new(role);
        if finished {
            tunnel.finish();
            assert_eq!(tunnel.poll_stream(), Some(StreamAction::EndStream));
        }
        tunnel.cut(cut);
        assert_eq!(tunnel.inbound(), Half::Failed(TunnelError::Cut(cut)));
        tunnel.poll_stream()
    };
    let reset = |reason| Some(StreamAction::Reset(reason));

    let reason = after(Role::Client, true, Cut::Abandoned);
    assert_eq!(reason, reset(Reason::CANCEL)); // [98], [123]
    let reason = after(Role::Server, true, Cut::Abandoned);
    assert_eq!(reason, reset(Reason::NO_ERROR));
    for role in [Role::Client, Role::Server] {
        // What it had sent was not all, and must not pass for it.
        let reason = after(role, false, Cut::Abandoned);
        assert_eq!(reason, reset(Reason::INTERNAL_ERROR)); // [98]
        let reason = after(role, false, Cut::Internal);
        assert_eq!(reason, reset(Reason::INTERNAL_ERROR)); // [74]
        for cut in [Cut::Drained, Cut::HalfClosedTooLong, Cut::Revoked] {
            // [22], [113], [134]
            assert_eq!(after(role, false, cut), reset(Reason::CONNECT_ERROR));
        }
    }
}

#[test]
fn a_tunnel_that_is_over_cannot_be_cut() {
    for mut tunnel in both_roles() {
        tunnel.finish();
        tunnel.handle_end_stream();
        while tunnel.poll_stream().is_some() || tunnel.poll_socket().is_some() {}
        tunnel.cut(Cut::Abandoned);
        assert_eq!(tunnel.poll_stream(), None);
        assert_eq!(tunnel.poll_socket(), None);
        assert_eq!(tunnel.inbound(), Half::Ended);
    }
}

/// HBONE-L-012.
#[test]
fn a_half_closed_tunnel_is_cut_only_when_the_other_half_is_idle_for_the_limit() {
    // [113]
    let start = epoch();
    let second = Duration::from_secs(1);
    let mut limit = HalfClose::new(Some(10 * second));
    assert_eq!(limit.poll_timeout(), None);
    assert!(
        !limit.handle_timeout(start + 100 * second),
        "whole tunnels have no limit"
    );

    limit.handle_half_closed(start);
    assert_eq!(limit.poll_timeout(), Some(start + 10 * second));
    limit.handle_bytes(start + 9 * second);
    assert!(!limit.handle_timeout(start + 10 * second));
    assert!(!limit.handle_timeout(start + 18 * second));
    assert!(limit.handle_timeout(start + 19 * second));

    let mut unlimited = HalfClose::new(None);
    unlimited.handle_half_closed(start);
    assert_eq!(unlimited.poll_timeout(), None);
    assert!(!unlimited.handle_timeout(start + 100_000 * second));
}

#[test]
fn every_error_becomes_an_io_error_that_still_says_what_it_was() {
    let errors = [
        TunnelError::Reset(Reason::NO_ERROR),
        TunnelError::Stopped(Reason::NO_ERROR),
        TunnelError::Trailers,
        TunnelError::Lost(Loss::Unanswered),
        TunnelError::Socket(ErrorKind::ConnectionRefused),
        TunnelError::Socket(ErrorKind::UnexpectedEof),
        TunnelError::Lost(Loss::Transport(ErrorKind::UnexpectedEof)),
        TunnelError::Cut(Cut::Drained),
    ];
    for error in errors {
        let io = std::io::Error::from(error);
        assert_ne!(io.kind(), ErrorKind::UnexpectedEof);
        let inner = io.get_ref().and_then(|inner| inner.downcast_ref());
        assert_eq!(inner, Some(&error));
    }
}

#[test]
fn a_lifecycle_is_small_and_prints_on_one_line() {
    assert!(size_of::<Lifecycle>() <= 56, "{}", size_of::<Lifecycle>());
    let mut tunnel = Lifecycle::new(Role::Client);
    tunnel.handle_lost(Loss::Transport(ErrorKind::ConnectionReset));
    let line = format!("{tunnel:?}");
    assert!(line.len() <= 200 && !line.contains('\n'), "{line}");
}

/// What the application at the far end of a tunnel may believe, told naively: from the whole history, not from a state.
#[derive(Debug, Clone, Copy)]
enum Event {
    EndStream,
    Reset(u32),
    Trailers,
    GoAway(bool),
    Lost,
    SocketEnd,
    SocketError,
    Cut,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::EndStream),
        (0..16_u32).prop_map(Event::Reset),
        Just(Event::Trailers),
        any::<bool>().prop_map(Event::GoAway),
        Just(Event::Lost),
        Just(Event::SocketEnd),
        Just(Event::SocketError),
        Just(Event::Cut),
    ]
}

fn is_fatal(event: &Event) -> bool {
    !matches!(
        event,
        Event::EndStream | Event::SocketEnd | Event::GoAway(true)
    )
}

proptest! {
    #[test]
    fn whatever_the_order_an_end_of_file_means_that_every_byte_had_come(
        server: bool,
        poll_always: bool,
        history in proptest::collection::vec(event(), 0..8),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut tunnel = Lifecycle::new(role);
        let (mut stream, mut socket) = (Vec::new(), Vec::new());
        for event in &history {
            match *event {
                Event::EndStream => tunnel.handle_end_stream(),
                Event::Reset(code) => tunnel.handle_reset(Reason::from_wire(code)),
                Event::Trailers => tunnel.handle_trailers(),
                Event::GoAway(covered) => tunnel.handle_go_away(Reason::NO_ERROR, covered),
                Event::Lost => tunnel.handle_lost(Loss::Closed),
                Event::SocketEnd => tunnel.handle_socket_end(),
                Event::SocketError => tunnel.handle_socket_error(ErrorKind::ConnectionReset),
                Event::Cut => tunnel.cut(Cut::Abandoned),
            }
            if poll_always {
                stream.extend(std::iter::from_fn(|| tunnel.poll_stream()));
                socket.extend(std::iter::from_fn(|| tunnel.poll_socket()));
            }
        }
        stream.extend(std::iter::from_fn(|| tunnel.poll_stream()));
        socket.extend(std::iter::from_fn(|| tunnel.poll_socket()));

        // The history counts up to its first fatal event, or until both halves had ended.
        let first = |wanted: fn(&Event) -> bool| history.iter().position(wanted).unwrap_or(usize::MAX);
        let fatal = first(is_fatal);
        let ended = first(|event| matches!(event, Event::EndStream));
        let finished = first(|event| matches!(event, Event::SocketEnd));

        prop_assert_eq!(tunnel.inbound() == Half::Ended, ended < fatal);
        prop_assert_eq!(tunnel.outbound() == Half::Ended, finished < fatal);
        prop_assert_eq!(tunnel.inbound().error().is_some(), fatal < ended);
        prop_assert_eq!(tunnel.outbound().error().is_some(), fatal < finished);

        // The peer hears of our end at most once, first, and of at most one reset.
        let ends = stream.iter().filter(|action| **action == StreamAction::EndStream).count();
        prop_assert!(ends <= 1 && stream.len() <= ends + 1);
        prop_assert!(ends == 0 || stream[0] == StreamAction::EndStream);
        prop_assert!(ends == 0 || finished < fatal);
        // A socket sees its end of file or its end of life, and after that nothing.
        let lives_on = |action: &SocketAction| *action == SocketAction::ShutdownWrite;
        prop_assert!(socket.iter().rev().skip(1).all(lives_on) && socket.len() <= 2);
        // Only whole bytes are followed by a FIN that the application may believe, unless its own socket broke.
        let own_fault = matches!(history.get(fatal), Some(Event::SocketError));
        let gentle = socket.iter().any(|action| *action != SocketAction::Reset);
        prop_assert!(!gentle || ended < fatal || own_fault);
    }
}
