use std::sync::Arc;
use std::time::Duration;

use hbone_examples::wire::{Flags, Frame, Kind, Link, Setting};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::world::{World, opened};
use crate::case::{Case, Complaint, Group, Verdict, must};

pub(super) fn group() -> Group<Arc<World>> {
    let cases = vec![
        Case::must(
            "HBONE-L-008",
            "a small window is kept to, byte for byte",
            small_window,
        ),
        Case::must(
            "HBONE-L-008",
            "windows are opened again as the application reads",
            windows_return,
        ),
        Case::must(
            "HBONE-L-008",
            "and are not while it does not",
            back_pressure,
        ),
        Case::must(
            "HBONE-L-009",
            "a tunnel that nobody reads does not stop its sibling",
            sibling,
        ),
        Case::must(
            "HBONE-L-009",
            "a hundred tunnels on one connection",
            hundred,
        ),
    ];
    Group {
        title: "Windows",
        cases,
    }
}

async fn small_window(world: Arc<World>) -> Verdict {
    let Some(application) = &world.application else {
        return Err(Complaint::skipped("needs --application"));
    };
    application.forget();
    let mut link = world
        .link_with(&[(Setting::INITIAL_WINDOW_SIZE, 10)])
        .await?;
    link.send([Frame::headers(1, &world.fields())]).await;
    opened(link.answer(1).await)?;
    let Some(mut far) = world.far().await? else {
        return Err(Complaint::skipped("needs --application"));
    };
    let _ = far.write_all(&[9; 100]).await;
    for window in [10, 1, 30, 59] {
        let deadline = Instant::now() + world.patience / 10;
        let mut got = 0;
        while let Ok(frame) = link.frame_until(deadline).await {
            if frame.kind == Kind::DATA {
                got += frame.payload.len();
            }
        }
        let told = format!("{got} bytes in a window of {window}");
        must(got == window, "as many bytes as the window has", told)?;
        let next = match window {
            10 => 1,
            1 => 30,
            _ => 59,
        };
        link.send([Frame::window_update(1, next)]).await;
    }
    Ok(())
}

async fn windows_return(world: Arc<World>) -> Verdict {
    const MANY: usize = 32 << 20;
    let (mut tunnel, mut far) = world.open_both().await?;
    let reader = tokio::spawn(async move {
        let (mut buffer, mut sum) = (vec![0; 65_536], 0);
        while let Ok(some @ 1..) = far.read(&mut buffer).await {
            sum += some;
        }
        sum
    });
    let sent = pour(&mut tunnel.link, MANY, world.patience).await;
    must(sent == MANY, "room for 32 MiB", format!("{sent} bytes"))?;
    tunnel.link.send([Frame::last_data(1, "")]).await;
    let sum = timeout(world.patience * 2, reader).await;
    let sum = sum.ok().and_then(Result::ok).unwrap_or(0);
    must(sum == MANY, "32 MiB at the application", sum)
}

/// Sends on stream 1 as the windows allow, until `enough` or until they stay shut.
async fn pour(link: &mut Link, enough: usize, patience: Duration) -> usize {
    let announced = loop {
        if let Some(settings) = link.remote_settings() {
            break settings.initial_window.unwrap_or(65_535);
        }
        if link.frame().await.is_err() {
            return 0;
        }
    };
    let (mut stream, mut added, mut sent) = (i64::from(announced), 0_i64, 0);
    let chunk = vec![3; 16_384];
    while sent < enough {
        let connection = i64::try_from(link.connection_window()).unwrap_or(i64::MAX) - sent as i64;
        let room = (stream + added - sent as i64).min(connection).min(16_384);
        if let Ok(room @ 1..) = usize::try_from(room) {
            let room = room.min(enough - sent);
            link.send([Frame::data(1, chunk[..room].to_vec())]).await;
            sent += room;
            continue;
        }
        match link.frame_until(Instant::now() + patience).await {
            Ok(frame) if frame.kind == Kind::WINDOW_UPDATE && frame.stream == 1 => {
                added += i64::from(frame.figure().unwrap_or(0));
            }
            Ok(frame) if frame.kind == Kind::SETTINGS && !frame.has(Flags::ACK) => {
                for (id, value) in frame.entries() {
                    if id == Setting::INITIAL_WINDOW_SIZE {
                        stream = i64::from(value);
                    }
                }
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    sent
}

async fn back_pressure(world: Arc<World>) -> Verdict {
    const BOUND: usize = 128 << 20;
    let (mut tunnel, far) = world.open_both().await?;
    let sent = pour(&mut tunnel.link, BOUND, world.patience / 4).await;
    drop(far);
    must(
        sent < BOUND,
        "shut windows before 128 MiB",
        format!("{sent} bytes taken"),
    )
}

async fn sibling(world: Arc<World>) -> Verdict {
    let (mut tunnel, _far) = world.open_both().await?;
    let sent = pour(&mut tunnel.link, 128 << 20, world.patience / 4).await;
    if tunnel.link.connection_window() <= sent as u64 {
        let why = "one tunnel alone fills the connection's window (HBONE-T-012)";
        return Err(Complaint::skipped(why));
    }
    world.keeps(tunnel.link, 3).await
}

async fn hundred(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    link.send((0..100).map(|nth| Frame::headers(1 + 2 * nth, &world.fields())))
        .await;
    let (mut opened, mut refused) = (0, 0);
    while opened + refused < 100 {
        let frame = link.frame().await;
        let frame = frame.map_err(|seen| Complaint::fails("a hundred answers", seen))?;
        match frame.kind {
            Kind::HEADERS => {
                let head = link.head(&frame);
                let status = head.and_then(|(_, head)| head.status());
                must(status == Some(200), "200", format!("{status:?}"))?;
                opened += 1;
            }
            Kind::RST_STREAM => refused += 1,
            _ => {}
        }
    }
    let limit = link
        .remote_settings()
        .and_then(|settings| settings.max_concurrent_streams);
    let least = limit.map_or(100, |limit| limit.min(100));
    must(opened >= least, "as many tunnels as were announced", opened)
}
