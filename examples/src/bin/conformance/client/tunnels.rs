use std::sync::Arc;
use std::time::Duration;

use hbone_examples::wire::{Flags, Frame, Kind, Seen, Setting};
use tokio::time::Instant;

use super::world::{Asked, World};
use crate::case::{Case, Complaint, Group, Verdict, must};

const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;

pub(super) fn group() -> Group<Arc<World>> {
    let mut cases = vec![
        Case::must("HBONE-L-001", "a mebibyte there and back", there_and_back),
        Case::must(
            "HBONE-L-001",
            "the client's application ends its half first",
            client_first,
        ),
        Case::must(
            "HBONE-L-001",
            "the server ends its half first",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                asked.link.send([Frame::last_data(asked.stream, "")]).await;
                still_sends(asked).await
            },
        ),
        Case::must(
            "HBONE-L-001",
            "a 200 that ends the stream leaves our half open",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                let answer = Frame::last_headers(asked.stream, &[(":status", "200")]);
                asked.link.send([answer]).await;
                still_sends(asked).await
            },
        ),
        Case::must(
            "HBONE-L-004",
            "a lost connection is no end of file",
            |world: Arc<World>| async move {
                let Asked {
                    link, mut program, ..
                } = begun(&world).await?;
                link.vanish().await;
                program.fails().await
            },
        ),
        Case::must(
            "HBONE-L-004",
            "close_notify in the middle is no end of file",
            |world: Arc<World>| async move {
                let Asked {
                    link, mut program, ..
                } = begun(&world).await?;
                link.close().await;
                program.fails().await
            },
        ),
        Case::must("HBONE-L-005", "trailers break the tunnel", trailers),
        Case::must(
            "HBONE-L-006",
            "a reset after the end takes nothing away",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                let (stream, bytes) = (asked.stream, vec![5; 16_384]);
                let data = [
                    Frame::data(stream, bytes.clone()),
                    Frame::last_data(stream, bytes),
                ];
                asked.link.send(data).await;
                asked.link.send([Frame::reset(stream, NO_ERROR)]).await;
                asked.program.hears(&[5; 32_768]).await
            },
        ),
        Case::must(
            "HBONE-L-007",
            "no DATA without bytes is sent",
            no_empty_data,
        ),
        Case::must(
            "HBONE-L-008",
            "a small window is kept to, byte for byte",
            small_window,
        ),
        Case::must(
            "HBONE-L-008",
            "windows are opened again as the application reads",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                let sent = pour(&mut asked, 32 << 20, true).await;
                must(sent == 32 << 20, "room for 32 MiB", format!("{sent} bytes"))
            },
        ),
        Case::must(
            "HBONE-L-008",
            "and are not while it does not",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                let sent = pour(&mut asked, 128 << 20, false).await;
                must(
                    sent < 128 << 20,
                    "shut windows before 128 MiB",
                    format!("{sent} bytes taken"),
                )
            },
        ),
        Case::must(
            "HBONE-L-001",
            "padding is not passed on",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                let mut padded = vec![200];
                padded.extend_from_slice(b"seven..");
                padded.resize(208, 0);
                let padded = Frame::new(Kind::DATA, Flags::PADDED, asked.stream, padded);
                asked
                    .link
                    .send([padded, Frame::data(asked.stream, "rest")])
                    .await;
                asked.program.hears(b"seven..rest").await
            },
        ),
        Case::must(
            "HBONE-L-001",
            "a thousand DATA frames of one byte arrive in order",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                let bytes: Vec<_> = (0..1000_u32).map(|nth| (nth % 251) as u8).collect();
                let frames = bytes
                    .iter()
                    .map(|byte| Frame::data(asked.stream, vec![*byte]));
                asked.link.send(frames).await;
                asked.program.hears(&bytes).await
            },
        ),
        Case::must(
            "HBONE-R-004",
            "GOAWAY lets an open tunnel go on",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                let bytes = Frame::data(asked.stream, "still here");
                asked
                    .link
                    .send([Frame::go_away(asked.stream, 0), bytes])
                    .await;
                asked.program.hears(b"still here").await?;
                asked.program.say(b"me too").await;
                let (bytes, _) = asked.link.bytes(asked.stream, 6).await;
                must(
                    *bytes == *b"me too",
                    "the client's bytes",
                    format!("{} bytes", bytes.len()),
                )
            },
        ),
        Case::must(
            "HBONE-T-016",
            "DATA on a stream that was never opened ends the connection",
            |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                asked
                    .link
                    .send([Frame::data(asked.stream + 100, "nobody's")])
                    .await;
                let seen = asked.link.end().await;
                let ended = matches!(seen, Seen::GoAway(1 | 5) | Seen::Closed(_));
                must(ended, "GOAWAY PROTOCOL_ERROR", seen)?;
                asked.program.fails().await
            },
        ),
    ];
    let codes = [
        (0, "NO_ERROR"),
        (8, "CANCEL"),
        (2, "INTERNAL_ERROR"),
        (10, "CONNECT_ERROR"),
    ];
    for (code, name) in codes {
        let title = format!("RST_STREAM {name} is no end of file");
        cases.push(Case::must(
            "HBONE-L-002",
            title,
            move |world: Arc<World>| async move {
                let mut asked = begun(&world).await?;
                asked.link.send([Frame::reset(asked.stream, code)]).await;
                asked.program.fails().await
            },
        ));
    }
    Group {
        title: "The life of a tunnel",
        cases,
    }
}

/// A tunnel through which a few bytes have come.
async fn begun(world: &World) -> Result<Asked, Complaint> {
    let mut asked = world.open(&[]).await?;
    asked
        .link
        .send([Frame::data(asked.stream, "some bytes")])
        .await;
    asked.program.hears(b"some bytes").await?;
    Ok(asked)
}

async fn there_and_back(world: Arc<World>) -> Verdict {
    let mut asked = begun(&world).await?;
    let bytes: Vec<_> = (0..1_048_576_u32).map(|nth| (nth % 251) as u8).collect();
    for part in bytes.chunks(32_768) {
        asked.program.say(part).await;
        let (there, _) = asked.link.bytes(asked.stream, part.len()).await;
        must(
            there == part,
            "the bytes as they were",
            format!("{} bytes", there.len()),
        )?;
        let chunks = part.chunks(16_384);
        let back = chunks.map(|chunk| Frame::data(asked.stream, chunk.to_vec()));
        asked.link.send(back).await;
        asked.program.hears(part).await?;
    }
    Ok(())
}

async fn client_first(world: Arc<World>) -> Verdict {
    let mut asked = begun(&world).await?;
    asked.program.hush();
    let (_, end) = asked.link.bytes(asked.stream, usize::MAX).await;
    must(
        matches!(end, Some(Seen::Head(_))),
        "END_STREAM",
        format!("{end:?}"),
    )?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let late = [
        Frame::data(asked.stream, "late "),
        Frame::last_data(asked.stream, "bytes"),
    ];
    asked.link.send(late).await;
    asked.program.hears(b"late bytes").await?;
    asked.link.close().await;
    asked.program.succeeds().await
}

/// That the application sees the end of the server's half, that the client's own goes on, and ends well.
async fn still_sends(mut asked: Asked) -> Verdict {
    asked.program.hears_the_end().await?;
    asked.program.say(b"later bytes").await;
    asked.program.hush();
    let (bytes, end) = asked.link.bytes(asked.stream, usize::MAX).await;
    must(
        *bytes == *b"later bytes",
        "later bytes",
        format!("{} bytes", bytes.len()),
    )?;
    must(
        matches!(end, Some(Seen::Head(_))),
        "END_STREAM behind them",
        format!("{end:?}"),
    )?;
    asked.link.close().await;
    asked.program.succeeds().await
}

async fn trailers(world: Arc<World>) -> Verdict {
    let mut asked = begun(&world).await?;
    let trailers = Frame::last_headers(asked.stream, &[("grpc-status", "0")]);
    asked.link.send([trailers]).await;
    let (_, end) = asked.link.bytes(asked.stream, usize::MAX).await;
    let reset = end == Some(Seen::Reset(PROTOCOL_ERROR));
    must(reset, "RST_STREAM PROTOCOL_ERROR", format!("{end:?}"))?;
    asked.program.fails().await
}

async fn no_empty_data(world: Arc<World>) -> Verdict {
    let mut asked = begun(&world).await?;
    for _ in 0..20 {
        asked.program.say(b"piece").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asked.program.hush();
    let mut bytes = 0;
    loop {
        let frame = asked.link.frame().await;
        let frame = frame.map_err(|seen| Complaint::fails("END_STREAM", seen))?;
        if frame.kind != Kind::DATA {
            continue;
        }
        bytes += frame.payload.len();
        if frame.has(Flags::END_STREAM) {
            return must(bytes == 100, "100 bytes", bytes);
        }
        must(
            !frame.payload.is_empty(),
            "bytes in every DATA frame",
            "a frame without",
        )?;
    }
}

async fn small_window(world: Arc<World>) -> Verdict {
    let mut asked = world.open(&[(Setting::INITIAL_WINDOW_SIZE, 10)]).await?;
    asked.program.say(&[9; 100]).await;
    for (window, next) in [(10, 1), (1, 30), (30, 59), (59, 1)] {
        let deadline = Instant::now() + world.patience / 10;
        let mut got = 0;
        while let Ok(frame) = asked.link.frame_until(deadline).await {
            if frame.kind == Kind::DATA {
                got += frame.payload.len();
            }
        }
        let told = format!("{got} bytes in a window of {window}");
        must(got == window, "as many bytes as the window has", told)?;
        asked
            .link
            .send([Frame::window_update(asked.stream, next)])
            .await;
    }
    Ok(())
}

/// Sends as the windows allow, until `enough` or until they stay shut; what comes out is read, or not.
async fn pour(asked: &mut Asked, enough: usize, reads: bool) -> usize {
    let settings = asked.link.remote_settings();
    let window = settings.and_then(|settings| settings.initial_window);
    // Some bytes have gone already.
    let mut stream = i64::from(window.unwrap_or(65_535)) - 10;
    let chunk = vec![3; 16_384];
    let (mut sent, mut unread) = (0, 0);
    while sent < enough {
        let connection = asked.link.connection_window() as i64 - 10 - sent as i64;
        if let Ok(room @ 1..) = usize::try_from(stream.min(connection).min(16_384)) {
            let room = room.min(enough - sent);
            let frame = Frame::data(asked.stream, chunk[..room].to_vec());
            asked.link.send([frame]).await;
            (sent, unread, stream) = (sent + room, unread + room, stream - room as i64);
            if unread < 65_536 {
                continue;
            }
        }
        if reads && unread > 0 {
            if asked.program.hears(&vec![3; unread]).await.is_err() {
                break;
            }
            unread = 0;
            continue;
        }
        if stream > 0 && connection > 16_384 {
            continue;
        }
        match asked
            .link
            .frame_until(Instant::now() + Duration::from_secs(1))
            .await
        {
            Ok(frame) if frame.kind == Kind::WINDOW_UPDATE && frame.stream == asked.stream => {
                stream += i64::from(frame.figure().unwrap_or(0));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    sent
}
