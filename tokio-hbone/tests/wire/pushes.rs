//! A PUSH_PROMISE is for nobody to send here (RFC 9113 sections 6.6 and 8.4).

use hbone::Reason;

use crate::support::ends::{script_to_tunnel, tunnel_to_script};
use crate::support::frame::{END_HEADERS, Frame, block};
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn a_client_that_pushes_ends_its_connection_also_on_a_stream_that_the_server_has_reset() {
    for is_reset in [false, true] {
        let (mut raw, tunnel) = script_to_tunnel().await;
        let held = if is_reset {
            drop(tunnel);
            soon(raw.reset_of(1)).await;
            None
        } else {
            Some(tunnel)
        };
        raw.send([promise(1)]).await;
        let reason = soon(raw.go_away()).await;
        assert_eq!(reason, Reason::PROTOCOL_ERROR.to_wire(), "{is_reset}");
        drop(held);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_pushes_ends_its_connection() {
    let (tunnel, mut raw, stream) = tunnel_to_script().await;
    raw.send([promise(stream)]).await;
    let reason = soon(raw.go_away()).await;
    assert_eq!(reason, Reason::PROTOCOL_ERROR.to_wire());
    drop(tunnel);
}

/// Promises stream 2 on `stream`.
fn promise(stream: u32) -> Frame {
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/"),
    ];
    let promised = [&[0, 0, 0, 2][..], &block(&fields)].concat();
    Frame::new(PUSH_PROMISE, END_HEADERS, stream, promised)
}

const PUSH_PROMISE: u8 = 5;
