//! A client that does nothing but ask whether we are there.

use tokio::net::TcpStream;

use crate::peer::{Figures, Peer, echoes};
use crate::process::resident;
use crate::support::ends::connector;
use crate::support::frame::{ACK, Frame, PING};
use crate::support::pki::{MALLORY, workload};
use crate::support::raw::Raw;
use crate::support::script_tls::ScriptTls;

const PINGS: usize = 1_000_000;
const AT_ONCE: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_million_pings_leave_memory_as_it_was_and_hold_up_nobody() {
    // [37]
    let peer = Peer::start(&[], Figures::default());
    let mut sibling = connector().connect(&peer.route()).await.expect("a tunnel");
    let socket = TcpStream::connect(peer.address()).await.expect("a socket");
    let mut raw = Raw::client(socket, &ScriptTls::new(workload(MALLORY)), &[]).await;
    ask(&mut raw, AT_ONCE).await;
    let before = resident(peer.pid());
    for asked in (0..PINGS).step_by(AT_ONCE) {
        ask(&mut raw, AT_ONCE).await;
        if asked % (50 * AT_ONCE) == 0 {
            echoes(&mut sibling).await;
        }
    }
    let grown = resident(peer.pid()).saturating_sub(before);
    assert!(grown < 1024, "{grown} KiB more");
}

/// Sends so many PINGs, and reads all answers.
async fn ask(raw: &mut Raw, pings: usize) {
    raw.send(std::iter::repeat_n(Frame::ping(), pings)).await;
    let mut answers = 0;
    while answers < pings {
        let frame = raw.any_frame().await.expect("kept");
        answers += usize::from(frame.kind == PING && frame.has(ACK));
    }
}
