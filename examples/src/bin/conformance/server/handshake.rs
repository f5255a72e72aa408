use std::sync::Arc;
use std::time::Duration;

use hbone_examples::wire::{Flags, Frame, Kind, RemoteSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::world::World;
use crate::case::{Case, Complaint, Group, Verdict, must};

/// What a server must be done with, whatever its own deadline: nobody waits longer for a handshake.
const LONGEST: Duration = Duration::from_secs(50);

pub(super) fn group() -> Group<Arc<World>> {
    let cases = vec![
        Case::must(
            "HBONE-T-016",
            "SETTINGS are sent, and ours acknowledged",
            settings,
        ),
        Case::should(
            "HBONE-Q-005",
            "the number of streams is limited",
            |world: Arc<World>| async move {
                let limit = announced(&world).await?.max_concurrent_streams;
                let told = limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
                must(limit.is_some_and(|limit| limit <= 10_000), "a limit", told)
            },
        ),
        Case::should(
            "HBONE-H-011",
            "the size of header lists is announced",
            |world: Arc<World>| async move {
                let limit = announced(&world).await?.max_header_list;
                must(limit.is_some(), "SETTINGS_MAX_HEADER_LIST_SIZE", "none")
            },
        ),
        Case::should(
            "HBONE-T-012",
            "the connection's window is four times a stream's",
            windows,
        ),
        Case::must(
            "HBONE-T-013",
            "PING is answered with its payload",
            |world: Arc<World>| async move {
                let mut link = world.link().await?;
                link.send([Frame::ping(*b"01234567")]).await;
                loop {
                    let frame = link.frame().await;
                    let frame =
                        frame.map_err(|seen| Complaint::fails("an answer to PING", seen))?;
                    if frame.kind == Kind::PING && frame.has(Flags::ACK) {
                        let same = *frame.payload == *b"01234567";
                        return must(same, "the payload that was sent", "another");
                    }
                }
            },
        ),
        Case::must(
            "HBONE-T-009",
            "CONNECT may come before the server's SETTINGS are read",
            |world: Arc<World>| async move {
                // World::open never waits for SETTINGS; here everything goes out in one piece.
                world.open().await?.echo(b"early").await
            },
        ),
        Case::must(
            "HBONE-T-015",
            "a frame of unknown type is ignored",
            |world: Arc<World>| async move {
                let mut link = world.link().await?;
                link.send([Frame::new(0xbe, 0xff, 0, vec![7; 100])]).await;
                link.send([Frame::new(0xbe, 0xff, 1, vec![7; 100])]).await;
                world.keeps(link, 1).await
            },
        ),
        Case::must(
            "HBONE-T-015",
            "an unknown setting is ignored",
            |world: Arc<World>| async move {
                let link = world.link_with(&[(0xfa, 1), (0xfb, u32::MAX)]).await?;
                world.keeps(link, 1).await
            },
        ),
        Case::must(
            "HBONE-T-015",
            "PRIORITY is ignored",
            |world: Arc<World>| async move {
                let mut link = world.link().await?;
                link.send([Frame::new(Kind::PRIORITY, 0, 3, vec![0, 0, 0, 0, 15])])
                    .await;
                world.keeps(link, 1).await
            },
        ),
        Case::must(
            "HBONE-T-015",
            "flags that mean nothing are ignored",
            |world: Arc<World>| async move {
                let mut link = world.link().await?;
                link.send([Frame::new(Kind::PING, 0xfe, 0, b"strange!".to_vec())])
                    .await;
                world.keeps(link, 1).await
            },
        ),
        Case::should(
            "HBONE-T-013",
            "a silent connection with a tunnel is asked for a sign of life",
            asks,
        )
        .slow(),
        Case::must(
            "HBONE-Q-006",
            "a client that says nothing is not waited for",
            silence,
        )
        .slow(),
        Case::must(
            "HBONE-Q-006",
            "a ClientHello that drips in is not waited for",
            drip,
        )
        .slow(),
    ];
    Group {
        title: "Transport: HTTP/2 settings and liveness",
        cases,
    }
}

async fn settings(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    while link.remote_settings().is_none() || !link.settings_acked() {
        let frame = link.frame().await;
        frame.map_err(|seen| Complaint::fails("SETTINGS and an acknowledgement", seen))?;
    }
    Ok(())
}

async fn announced(world: &World) -> Result<RemoteSettings, Complaint> {
    let mut link = world.link().await?;
    loop {
        if let Some(settings) = link.remote_settings() {
            return Ok(settings);
        }
        let frame = link.frame().await;
        frame.map_err(|seen| Complaint::fails("SETTINGS", seen))?;
    }
}

async fn windows(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    // A server may open the window of the connection a little after its SETTINGS.
    let deadline = Instant::now() + world.patience / 5;
    while link.frame_until(deadline).await.is_ok() {}
    let announced = link
        .remote_settings()
        .and_then(|settings| settings.initial_window);
    let stream = u64::from(announced.unwrap_or(65_535));
    let connection = link.connection_window();
    let told = format!("{connection} for the connection, {stream} for a stream");
    must(connection >= 4 * stream, "four times as much", told)
}

async fn asks(world: Arc<World>) -> Verdict {
    let mut tunnel = world.open().await?;
    let deadline = Instant::now() + LONGEST;
    loop {
        let frame = tunnel.link.frame_until(deadline).await;
        let frame = frame.map_err(|seen| Complaint::fails("PING", seen))?;
        if frame.kind == Kind::PING && !frame.has(Flags::ACK) {
            return Ok(());
        }
    }
}

async fn silence(world: Arc<World>) -> Verdict {
    let mut stream = world.tcp().await?;
    let closed = timeout(LONGEST, stream.read(&mut [0; 64])).await;
    must(
        closed.is_ok(),
        "the connection to be closed",
        format!("it is open after {LONGEST:?}"),
    )
}

async fn drip(world: Arc<World>) -> Verdict {
    let mut stream = world.tcp().await?;
    // The beginning of a handshake record that says it will be long.
    let begun = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    let dripping = async {
        for byte in begun.into_iter().chain(std::iter::repeat_n(0, 500)) {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            let pause = Duration::from_millis(250);
            if let Ok(Ok(0) | Err(_)) = timeout(pause, stream.read(&mut [0; 64])).await {
                return;
            }
        }
    };
    let closed = timeout(LONGEST, dripping).await;
    must(
        closed.is_ok(),
        "the connection to be closed",
        format!("it is open after {LONGEST:?}"),
    )
}
