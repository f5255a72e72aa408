use std::sync::Arc;
use std::time::Duration;

use hbone_examples::wire::{Flags, Frame, Kind, Link, Seen};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::world::World;
use crate::case::{Case, Complaint, Group, Verdict, must};

const NO_ERROR: u32 = 0;
const CANCEL: u32 = 8;
const CONNECT_ERROR: u32 = 10;

pub(super) fn group() -> Group<Arc<World>> {
    let mut cases = vec![
        Case::must(
            "HBONE-L-001",
            "a mebibyte there and back",
            |world: Arc<World>| async move {
                let bytes: Vec<_> = (0..1_048_576_u32).map(|nth| (nth % 251) as u8).collect();
                let mut tunnel = world.open().await?;
                for part in bytes.chunks(32_768) {
                    tunnel.echo(part).await?;
                }
                Ok(())
            },
        ),
        Case::must(
            "HBONE-L-001",
            "the client ends its half first",
            client_first,
        ),
        Case::must(
            "HBONE-L-001",
            "the application ends its half first",
            application_first,
        ),
        Case::must(
            "HBONE-L-003",
            "a reset of the application is a reset, not an end",
            application_resets,
        ),
        Case::should(
            "HBONE-L-003",
            "and its code is CONNECT_ERROR",
            application_resets_with,
        ),
        Case::must(
            "HBONE-L-004",
            "a lost connection resets the application's",
            |world: Arc<World>| async move {
                let (tunnel, far) = begun(&world).await?;
                tunnel.vanish().await;
                reset(&world, far).await
            },
        ),
        Case::must(
            "HBONE-L-004",
            "close_notify in the middle resets the application's",
            |world: Arc<World>| async move {
                let (tunnel, far) = begun(&world).await?;
                tunnel.close().await;
                reset(&world, far).await
            },
        ),
        Case::must("HBONE-L-005", "trailers break the tunnel", trailers),
        Case::must(
            "HBONE-L-006",
            "a reset after the end takes nothing away",
            reset_after_end,
        ),
        Case::must(
            "HBONE-L-007",
            "no DATA without bytes is sent",
            no_empty_data,
        ),
    ];
    for (code, name) in [
        (NO_ERROR, "NO_ERROR"),
        (CANCEL, "CANCEL"),
        (2, "INTERNAL_ERROR"),
    ] {
        let title = format!("RST_STREAM {name} resets the application's connection");
        cases.push(Case::must(
            "HBONE-L-002",
            title,
            move |world: Arc<World>| async move {
                let (mut link, far) = begun(&world).await?;
                link.send([Frame::reset(1, code)]).await;
                reset(&world, far).await?;
                world.keeps(link, 3).await
            },
        ));
    }
    Group {
        title: "The life of a tunnel",
        cases,
    }
}

/// A tunnel on stream 1 through which a few bytes have gone.
async fn begun(world: &World) -> Result<(Link, TcpStream), Complaint> {
    let (mut tunnel, mut far) = world.open_both().await?;
    tunnel.link.send([Frame::data(1, "some bytes")]).await;
    let mut there = [0; 10];
    let read = timeout(world.patience, far.read_exact(&mut there)).await;
    must(
        matches!(read, Ok(Ok(_))),
        "ten bytes at the application",
        "fewer",
    )?;
    Ok((tunnel.link, far))
}

/// That the application learns of a reset, and not of an end.
async fn reset(world: &World, mut far: TcpStream) -> Verdict {
    let seen = timeout(world.patience, far.read(&mut [0; 16])).await;
    let told = match &seen {
        Err(_) => "nothing in time".to_owned(),
        Ok(Ok(0)) => "a clean end of file".to_owned(),
        other => format!("{other:?}"),
    };
    must(
        matches!(seen, Ok(Err(_))),
        "a connection reset at the application",
        told,
    )
}

async fn ends(world: &World, far: &mut TcpStream) -> Verdict {
    let seen = timeout(world.patience, far.read(&mut [0; 16])).await;
    must(
        matches!(seen, Ok(Ok(0))),
        "an end of file at the application",
        format!("{seen:?}"),
    )
}

async fn client_first(world: Arc<World>) -> Verdict {
    let (mut link, mut far) = begun(&world).await?;
    link.send([Frame::last_data(1, "")]).await;
    ends(&world, &mut far).await?;
    let late = vec![7; 200_000];
    let writing = late.clone();
    let writer = tokio::spawn(async move {
        let _ = far.write_all(&writing).await;
        let _ = far.shutdown().await;
        far
    });
    let (bytes, end) = link.bytes(1, usize::MAX).await;
    drop(writer);
    must(
        bytes == late,
        "200,000 bytes afterwards",
        format!("{}", bytes.len()),
    )?;
    must(
        matches!(end, Some(Seen::Head(_))),
        "END_STREAM behind them",
        format!("{end:?}"),
    )
}

async fn application_first(world: Arc<World>) -> Verdict {
    let (mut link, mut far) = begun(&world).await?;
    let _ = far.shutdown().await;
    let (_, end) = link.bytes(1, usize::MAX).await;
    must(
        matches!(end, Some(Seen::Head(_))),
        "END_STREAM",
        format!("{end:?}"),
    )?;
    link.send([Frame::data(1, "later")]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    link.send([Frame::last_data(1, " bytes")]).await;
    let mut rest = Vec::new();
    let read = timeout(world.patience, far.read_to_end(&mut rest)).await;
    let told = format!("{:?}", String::from_utf8_lossy(&rest));
    must(
        matches!(read, Ok(Ok(_))) && rest == b"later bytes",
        "later bytes at the application",
        told,
    )
}

async fn application_reset(world: &World) -> Result<Seen, Complaint> {
    let (mut link, far) = begun(world).await?;
    // A close that does not linger sends RST.
    let lingers = SockRef::from(&far).set_linger(Some(Duration::ZERO));
    lingers.map_err(|error| Complaint::skipped(error.to_string()))?;
    drop(far);
    let (_, end) = link.bytes(1, usize::MAX).await;
    end.ok_or_else(|| Complaint::fails("a reset", "bytes without end"))
}

async fn application_resets(world: Arc<World>) -> Verdict {
    let seen = application_reset(&world).await?;
    must(matches!(seen, Seen::Reset(_)), "RST_STREAM", seen)
}

async fn application_resets_with(world: Arc<World>) -> Verdict {
    let seen = application_reset(&world).await?;
    must(
        seen == Seen::Reset(CONNECT_ERROR),
        "RST_STREAM CONNECT_ERROR",
        seen,
    )
}

async fn trailers(world: Arc<World>) -> Verdict {
    let (mut link, far) = begun(&world).await?;
    link.send([Frame::last_headers(1, &[("grpc-status", "0")])])
        .await;
    reset(&world, far).await?;
    world.keeps(link, 3).await
}

async fn reset_after_end(world: Arc<World>) -> Verdict {
    let (mut link, mut far) = begun(&world).await?;
    let bytes = vec![5; 16_384];
    let frames = [
        Frame::data(1, bytes.clone()),
        Frame::last_data(1, bytes),
        Frame::reset(1, NO_ERROR),
    ];
    link.send(frames).await;
    let mut there = vec![0; 2 * 16_384];
    let read = timeout(world.patience, far.read_exact(&mut there)).await;
    must(
        matches!(read, Ok(Ok(_))),
        "all bytes before the end at the application",
        format!("{read:?}"),
    )
}

async fn no_empty_data(world: Arc<World>) -> Verdict {
    let (mut link, mut far) = begun(&world).await?;
    for _ in 0..20 {
        let _ = far.write_all(b"piece").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _ = far.shutdown().await;
    let mut bytes = 0;
    loop {
        let frame = link.frame().await;
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
