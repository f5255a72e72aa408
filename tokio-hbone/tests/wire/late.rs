//! A program that was not scheduled for a while: what the peer has sent in the meantime came in time.

use hbone::{KeepaliveConfig, RequestLimits};
use tokio::io::AsyncReadExt;
use tokio::task::yield_now;
use tokio::time::advance;

use crate::support::ends::{OK, connector, read_all, route, scripted_server};
use crate::support::frame::{ACK, Frame, PING};
use crate::support::io::pipe;
use crate::support::place::Place;
use crate::support::soon;

/// More than tokio runs between two looks at its timers.
const OTHERS: usize = 100;

#[tokio::test(start_paused = true)]
async fn an_answer_that_has_come_is_not_too_late_because_other_tasks_ran_first() {
    // [87]
    let (near, far) = pipe();
    let (connector, route) = (connector(), route());
    let script = async {
        let mut raw = scripted_server(far).await;
        let stream = raw.connect().await;
        for _ in 0..OTHERS {
            tokio::spawn(yield_now());
        }
        raw.send([Frame::headers(stream, &OK)]).await;
        advance(RequestLimits::default().response).await;
        raw
    };
    let (outcome, mut raw) = tokio::join!(soon(connector.connect_over(near, &route)), script);
    let mut tunnel = outcome.expect("the answer was there");
    raw.send([Frame::last_data(1, "in time")]).await;
    assert_eq!(read_all(&mut tunnel).await.expect("an end"), b"in time");
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_waits_in_the_tunnel_below_is_a_sign_of_life() {
    // [130]
    for place in [Place::Single, Place::Inner] {
        let connector = connector();
        let dialling = place.dial(&connector, async |io| {
            let mut raw = scripted_server(io).await;
            let stream = raw.connect().await;
            raw.send([Frame::headers(stream, &OK)]).await;
            let ping = loop {
                let frame = raw.any_frame().await.expect("a client");
                if frame.kind == PING && !frame.has(ACK) {
                    break frame;
                }
            };
            advance(KeepaliveConfig::default().timeout).await;
            raw.send([
                Frame::new(PING, ACK, 0, ping.payload),
                Frame::last_data(stream, "alive"),
            ])
            .await;
            raw.drain().await;
        });
        let mut tunnel = soon(dialling).await.expect("a tunnel");
        let mut word = String::new();
        let read = soon(tunnel.read_to_string(&mut word)).await;
        assert_eq!((read.ok(), &*word), (Some(5), "alive"), "{place:?}");
    }
}
