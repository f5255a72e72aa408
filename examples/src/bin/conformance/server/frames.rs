use std::sync::Arc;

use bytes::Bytes;
use hbone_examples::wire::{Flags, Frame, Kind, Link, Seen, block};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::world::World;
use crate::case::{Case, Complaint, Group, Verdict, must};

const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;

/// What ends the connection, and with which codes (RFC 9113): the title, the codes, and the frames.
type Wrong = (&'static str, &'static [u32], fn(&World) -> Vec<Frame>);

pub(super) fn group() -> Group<Arc<World>> {
    let wrong: [Wrong; 17] = [
        ("DATA on stream 0", &[PROTOCOL_ERROR], |_| {
            vec![Frame::data(0, "a")]
        }),
        ("HEADERS on stream 0", &[PROTOCOL_ERROR], |world| {
            vec![Frame::headers(0, &world.fields())]
        }),
        (
            "HEADERS on a stream that a client cannot open",
            &[PROTOCOL_ERROR],
            |world| vec![Frame::headers(2, &world.fields())],
        ),
        (
            "DATA on a stream that was never opened",
            &[PROTOCOL_ERROR, STREAM_CLOSED],
            |_| vec![Frame::data(1, "a")],
        ),
        (
            "WINDOW_UPDATE on a stream that was never opened",
            &[PROTOCOL_ERROR],
            |_| vec![Frame::window_update(1, 1)],
        ),
        (
            "RST_STREAM on a stream that was never opened",
            &[PROTOCOL_ERROR],
            |_| vec![Frame::reset(1, 8)],
        ),
        ("PUSH_PROMISE from a client", &[PROTOCOL_ERROR], |world| {
            vec![Frame::new(
                Kind::PUSH_PROMISE,
                Flags::END_HEADERS,
                1,
                block(&world.fields()),
            )]
        }),
        ("CONTINUATION without HEADERS", &[PROTOCOL_ERROR], |world| {
            vec![Frame::new(
                Kind::CONTINUATION,
                Flags::END_HEADERS,
                1,
                block(&world.fields()),
            )]
        }),
        (
            "another frame inside a header block",
            &[PROTOCOL_ERROR],
            |world| {
                let begun = Frame::new(Kind::HEADERS, Flags::NONE, 1, block(&world.fields()));
                vec![begun, Frame::ping(*b"not now!")]
            },
        ),
        (
            "a header block that cannot be decoded",
            &[COMPRESSION_ERROR],
            |_| {
                vec![Frame::new(
                    Kind::HEADERS,
                    Flags::END_HEADERS,
                    1,
                    vec![0xff; 64],
                )]
            },
        ),
        (
            "SETTINGS of a length that is no multiple of six",
            &[FRAME_SIZE_ERROR],
            |_| vec![Frame::new(Kind::SETTINGS, Flags::NONE, 0, vec![0; 5])],
        ),
        ("SETTINGS on a stream", &[PROTOCOL_ERROR], |_| {
            vec![Frame::new(Kind::SETTINGS, Flags::NONE, 1, Bytes::new())]
        }),
        (
            "an initial window above 2^31-1",
            &[FLOW_CONTROL_ERROR, PROTOCOL_ERROR],
            |_| vec![Frame::settings(&[(4, u32::MAX)])],
        ),
        ("ENABLE_PUSH of 2", &[PROTOCOL_ERROR], |_| {
            vec![Frame::settings(&[(2, 2)])]
        }),
        (
            "a PING of seven octets",
            &[FRAME_SIZE_ERROR, PROTOCOL_ERROR],
            |_| vec![Frame::new(Kind::PING, Flags::NONE, 0, vec![0; 7])],
        ),
        (
            "a WINDOW_UPDATE of 0 for the connection",
            &[PROTOCOL_ERROR],
            |_| vec![Frame::window_update(0, 0)],
        ),
        (
            "a window of the connection above 2^31-1",
            &[FLOW_CONTROL_ERROR],
            |_| {
                vec![
                    Frame::window_update(0, 0x7fff_ffff),
                    Frame::window_update(0, 0x7fff_ffff),
                ]
            },
        ),
    ];
    let mut cases: Vec<_> = wrong
        .into_iter()
        .map(|(what, codes, frames)| {
            Case::must(
                "HBONE-T-016",
                format!("{what} ends the connection"),
                move |world: Arc<World>| async move {
                    let mut link = world.link().await?;
                    link.send(frames(&world)).await;
                    fatal(&link.end().await, codes)?;
                    world.lives().await
                },
            )
        })
        .collect();
    cases.extend([
        Case::must(
            "HBONE-T-016",
            "a wrong preface ends the connection",
            preface,
        ),
        Case::must(
            "HBONE-T-016",
            "a frame of 16 MiB ends the connection",
            too_large,
        ),
        Case::must(
            "HBONE-T-016",
            "a stream's window above 2^31-1 ends that stream",
            stream_window,
        ),
        Case::must(
            "HBONE-T-016",
            "DATA after END_STREAM is an error",
            after_end,
        ),
        Case::must(
            "HBONE-T-016",
            "a stream id that was used before is an error",
            used_before,
        ),
        Case::must("HBONE-L-001", "padding is not passed on", padding),
        Case::must(
            "HBONE-L-001",
            "a thousand DATA frames of one byte arrive in order",
            bytewise,
        ),
    ]);
    Group {
        title: "Frames",
        cases,
    }
}

/// That the connection ended, for one of these reasons if one was given. PROTOCOL_ERROR says less, and is as good to a peer.
fn fatal(seen: &Seen, codes: &[u32]) -> Verdict {
    let fits = match seen {
        Seen::GoAway(code) => codes.contains(code) || *code == PROTOCOL_ERROR,
        Seen::Closed(_) => true,
        _ => false,
    };
    let names: Vec<_> = codes
        .iter()
        .map(|code| Seen::GoAway(*code).to_string())
        .collect();
    must(fits, &names.join(" or "), seen)
}

async fn preface(world: Arc<World>) -> Verdict {
    let handshaken = world.shake(&world.hello()).await?;
    let mut link = Link::new(handshaken.io, world.patience);
    link.send_bytes(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    link.send_bytes(&[0; 64]).await;
    fatal(&link.end().await, &[PROTOCOL_ERROR])?;
    world.lives().await
}

async fn too_large(world: Arc<World>) -> Verdict {
    let mut tunnel = world.open().await?;
    let mut head = vec![0xff, 0xff, 0xff, Kind::DATA, 0];
    head.extend_from_slice(&1_u32.to_be_bytes());
    tunnel.link.send_bytes(&head).await;
    tunnel.link.send_bytes(&[0; 65_536]).await;
    let seen = tunnel.link.end().await;
    fatal(&seen, &[FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR])?;
    world.lives().await
}

async fn stream_window(world: Arc<World>) -> Verdict {
    let mut tunnel = world.open().await?;
    let update = Frame::window_update(1, 0x7fff_ffff);
    tunnel.link.send([update.clone(), update]).await;
    let (_, end) = tunnel.link.bytes(1, usize::MAX).await;
    let fits = matches!(
        end,
        Some(Seen::Reset(FLOW_CONTROL_ERROR) | Seen::GoAway(FLOW_CONTROL_ERROR))
    );
    must(
        fits,
        "RST_STREAM or GOAWAY FLOW_CONTROL_ERROR",
        format!("{end:?}"),
    )
}

async fn after_end(world: Arc<World>) -> Verdict {
    let mut tunnel = world.open().await?;
    let frames = [Frame::last_data(1, "the end"), Frame::data(1, "and on")];
    tunnel.link.send(frames).await;
    let deadline = tokio::time::Instant::now() + world.patience;
    loop {
        match tunnel.link.frame_until(deadline).await {
            Ok(frame) if matches!(frame.kind, Kind::RST_STREAM | Kind::GOAWAY) => {
                let fits = matches!(frame.code(), Some(STREAM_CLOSED | PROTOCOL_ERROR));
                return must(fits, "STREAM_CLOSED", format!("{:?}", frame.code()));
            }
            Ok(_) => {}
            Err(Seen::Closed(_)) => return Ok(()),
            Err(seen) => return Err(Complaint::fails("STREAM_CLOSED", seen)),
        }
    }
}

async fn used_before(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    link.send([
        Frame::headers(5, &world.fields()),
        Frame::headers(3, &world.fields()),
    ])
    .await;
    fatal(&link.end().await, &[PROTOCOL_ERROR, STREAM_CLOSED])?;
    world.lives().await
}

async fn padding(world: Arc<World>) -> Verdict {
    let (mut tunnel, mut far) = world.open_both().await?;
    let mut padded = vec![200];
    padded.extend_from_slice(b"seven..");
    padded.resize(208, 0);
    let frame = Frame::new(Kind::DATA, Flags::PADDED, 1, padded);
    tunnel.link.send([frame, Frame::data(1, "rest")]).await;
    let mut there = [0; 11];
    let read = timeout(world.patience, far.read_exact(&mut there)).await;
    let told = format!("{:?}", String::from_utf8_lossy(&there));
    must(
        matches!(read, Ok(Ok(_))) && there == *b"seven..rest",
        "the bytes without padding",
        told,
    )
}

async fn bytewise(world: Arc<World>) -> Verdict {
    let (mut tunnel, mut far) = world.open_both().await?;
    let bytes: Vec<_> = (0..1000_u32).map(|nth| (nth % 251) as u8).collect();
    let frames = bytes.iter().map(|byte| Frame::data(1, vec![*byte]));
    tunnel.link.send(frames).await;
    let mut there = vec![0; bytes.len()];
    let read = timeout(world.patience, far.read_exact(&mut there)).await;
    must(
        matches!(read, Ok(Ok(_))) && there == bytes,
        "a thousand bytes in order",
        "others, or fewer",
    )
}
