//! A reset of any reason in any state of a tunnel, at either end of it.

use hbone::{Reason, Role, TunnelError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_hbone::Tunnel;

use crate::support::ends::{script_to_tunnel, tunnel_error, tunnel_to_script};
use crate::support::frame::{DATA, END_STREAM, Frame, RST_STREAM};
use crate::support::raw::Raw;
use crate::support::soon;

/// Where a tunnel stands when it is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unread,
    WeHaveEnded,
    TheyHaveEnded,
    WriterWaits,
    BothHaveEnded,
}

const STATES: [State; 5] = [
    State::Unread,
    State::WeHaveEnded,
    State::TheyHaveEnded,
    State::WriterWaits,
    State::BothHaveEnded,
];

/// All of RFC 9113 section 7, and some that it does not know.
fn reasons() -> impl Iterator<Item = Reason> {
    (0..=14).chain([0xff, u32::MAX]).map(Reason::from_wire)
}

#[tokio::test(start_paused = true)]
async fn a_reset_in_any_state_is_an_error_behind_all_that_came_before() {
    // [111]
    for role in [Role::Client, Role::Server] {
        for state in STATES {
            for reason in reasons() {
                let (tunnel, raw, stream) = match role {
                    Role::Client => tunnel_to_script().await,
                    Role::Server => {
                        let (raw, tunnel) = script_to_tunnel().await;
                        (tunnel, raw, 1)
                    }
                };
                reset_in(state, tunnel, raw, stream, reason).await;
            }
        }
    }
}

async fn reset_in(state: State, mut tunnel: Tunnel, mut raw: Raw, stream: u32, reason: Reason) {
    let what = format!("{state:?}, {reason:?}");
    let they_end = matches!(state, State::TheyHaveEnded | State::BothHaveEnded);
    raw.send([match they_end {
        true => Frame::last_data(stream, "a part"),
        false => Frame::data(stream, "a part"),
    }])
    .await;
    if matches!(state, State::WeHaveEnded | State::BothHaveEnded) {
        tunnel.shutdown().await.expect("a peer");
        assert!(raw.expect(DATA).await.has(END_STREAM), "{what}");
    }
    let (mut reader, mut writer) = tokio::io::split(tunnel);
    let writing = (state == State::WriterWaits).then(|| {
        tokio::spawn(async move {
            let error = writer.write_all(&[7; 1 << 20]).await.expect_err("reset");
            tunnel_error(&error)
        })
    });
    raw.until_quiet().await;
    raw.send([Frame::reset(stream, reason.to_wire())]).await;
    let answered = raw.until_quiet().await;
    let is_reset = |frame: &Frame| frame.kind == RST_STREAM;
    assert!(!answered.iter().any(is_reset), "{what}: {answered:?}");

    let mut part = [0; 6];
    soon(reader.read_exact(&mut part)).await.expect(&what);
    assert_eq!(&part, b"a part", "{what}");
    let after = soon(reader.read(&mut [0])).await;
    match after {
        Ok(0) => assert!(they_end, "{what}: an end of file"),
        Ok(_) => panic!("{what}: a byte that nobody sent"),
        Err(error) => {
            assert!(!they_end, "{what}: {error}");
            assert_eq!(tunnel_error(&error), TunnelError::Reset(reason), "{what}");
        }
    }
    if let Some(writing) = writing {
        let error = soon(writing).await.expect("no panic");
        assert_eq!(error, TunnelError::Reset(reason), "{what}");
    }
}
