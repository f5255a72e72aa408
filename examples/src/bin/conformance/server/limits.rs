use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hbone_examples::wire::{Flags, Frame, Kind, Link, Seen, block};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::world::World;
use crate::case::{Case, Complaint, Group, Verdict, must};

pub(super) fn group() -> Group<Arc<World>> {
    let cases = vec![
        Case::must(
            "HBONE-Q-003",
            "ten thousand CONNECTs, each reset at once",
            rapid_reset,
        ),
        Case::must("HBONE-Q-004", "CONTINUATION without end", continuations),
        Case::must(
            "HBONE-Q-004",
            "a hundred thousand PINGs whose answers are read",
            |world: Arc<World>| async move { flood(&world, Frame::ping(*b"flooding"), true).await },
        ),
        Case::must(
            "HBONE-Q-004",
            "a hundred thousand PINGs whose answers are not read",
            |world: Arc<World>| async move { flood(&world, Frame::ping(*b"flooding"), false).await },
        ),
        Case::must(
            "HBONE-Q-004",
            "a hundred thousand SETTINGS",
            |world: Arc<World>| async move { flood(&world, Frame::settings(&[(0xfa, 1)]), true).await },
        ),
        Case::must(
            "HBONE-Q-004",
            "a hundred thousand PRIORITYs",
            |world: Arc<World>| async move {
                flood(
                    &world,
                    Frame::new(Kind::PRIORITY, 0, 3, vec![0, 0, 0, 0, 15]),
                    true,
                )
                .await
            },
        ),
        Case::must(
            "HBONE-Q-004",
            "a hundred thousand frames of unknown type",
            |world: Arc<World>| async move {
                flood(&world, Frame::new(0xbe, 0, 0, vec![0; 8]), true).await
            },
        ),
        Case::must(
            "HBONE-Q-004",
            "ten thousand DATA frames without bytes",
            empty_data,
        ),
        Case::must(
            "HBONE-Q-004",
            "a small header block that unpacks to a huge one",
            bomb,
        ),
        Case::must(
            "HBONE-Q-005",
            "three hundred connections that say nothing",
            silent_crowd,
        ),
        Case::must(
            "HBONE-S-014",
            "a reset while the server dials harms nobody",
            |world: Arc<World>| async move {
                let mut link = world.link().await?;
                let far_away = [(":method", "CONNECT"), (":authority", "192.0.2.1:80")];
                link.send([Frame::headers(1, &far_away), Frame::reset(1, 8)])
                    .await;
                world.keeps(link, 3).await
            },
        ),
    ];
    Group {
        title: "Limits",
        cases,
    }
}

/// That whatever came of it came of that connection alone. An end of it must be called what it is.
async fn others_live(world: &World, mut link: Link, codes: &[u32]) -> Verdict {
    // A PING behind the flood is answered, or the connection ends.
    link.send([Frame::ping(*b"are you?")]).await;
    let deadline = Instant::now() + world.patience;
    loop {
        match link.frame_until(deadline).await {
            Ok(frame) if frame.kind == Kind::GOAWAY => {
                let fits = frame.code().is_some_and(|code| codes.contains(&code));
                let seen = Seen::GoAway(frame.code().unwrap_or(u32::MAX));
                must(fits, "ENHANCE_YOUR_CALM, if the connection is ended", seen)?;
                break;
            }
            Ok(frame) if frame.kind == Kind::PING && *frame.payload == *b"are you?" => break,
            Ok(_) => {}
            Err(Seen::Closed(_)) => break,
            Err(seen) => return Err(Complaint::fails("an answer, or an end", seen)),
        }
    }
    world.lives().await
}

const ENHANCE_YOUR_CALM: u32 = 11;
const PROTOCOL_ERROR: u32 = 1;

async fn rapid_reset(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    for hundred in 0..100 {
        let pairs = (0..100).flat_map(|nth| {
            let stream = 1 + 2 * (hundred * 100 + nth);
            [
                Frame::headers(stream, &world.fields()),
                Frame::reset(stream, 8),
            ]
        });
        link.send(pairs).await;
    }
    match link.end().await {
        Seen::GoAway(ENHANCE_YOUR_CALM) | Seen::Closed(_) => world.lives().await,
        seen => Err(Complaint::fails("GOAWAY ENHANCE_YOUR_CALM", seen)),
    }
}

async fn continuations(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    let begun = Frame::new(Kind::HEADERS, Flags::NONE, 1, block(&world.fields()));
    link.send([begun]).await;
    let part = block(&[("x-more", &*"a".repeat(1000))]);
    for _ in 0..100 {
        let more = (0..100).map(|_| Frame::new(Kind::CONTINUATION, Flags::NONE, 1, part.clone()));
        link.send(more).await;
    }
    let seen = link.end().await;
    must(
        matches!(seen, Seen::GoAway(_) | Seen::Closed(_)),
        "the connection to be ended",
        seen,
    )?;
    world.lives().await
}

async fn flood(world: &World, frame: Frame, reads: bool) -> Verdict {
    let mut link = world.link().await?;
    let mut hundred = BytesMut::new();
    for _ in 0..1000 {
        frame.write(&mut hundred);
    }
    link.stop_answering();
    for _ in 0..100 {
        link.send_bytes(&hundred).await;
        while reads
            && link
                .frame_until(Instant::now() + Duration::from_millis(2))
                .await
                .is_ok()
        {}
    }
    others_live(world, link, &[ENHANCE_YOUR_CALM]).await
}

async fn empty_data(world: Arc<World>) -> Verdict {
    let mut tunnel = world.open().await?;
    for _ in 0..100 {
        tunnel
            .link
            .send((0..100).map(|_| Frame::data(1, Bytes::new())))
            .await;
    }
    others_live(&world, tunnel.link, &[ENHANCE_YOUR_CALM, PROTOCOL_ERROR]).await
}

async fn bomb(world: Arc<World>) -> Verdict {
    let mut head = BytesMut::from(&*block(&world.fields()));
    // A field of 3,900 octets that the table keeps (RFC 7541 section 6.2.1), and then its index, over and over.
    let mut kept = BytesMut::new();
    hbone_examples::wire::field(&mut kept, b"x", "a".repeat(3900).as_bytes());
    kept[0] = 0x40;
    head.extend_from_slice(&kept);
    head.extend_from_slice(&[0xbe; 100_000]);
    let mut link = world.link().await?;
    link.send(Frame::headers_in_parts(1, &head.freeze())).await;
    let seen = link.answer(1).await;
    let fits = match &seen {
        Seen::Head(head) => head.status() == Some(431),
        Seen::Silence => false,
        _ => true,
    };
    must(fits, "431, or a stream or connection error", seen)?;
    world.lives().await
}

async fn silent_crowd(world: Arc<World>) -> Verdict {
    let mut crowd = JoinSet::new();
    for _ in 0..300 {
        let world = Arc::clone(&world);
        crowd.spawn(async move { world.tcp().await.ok() });
    }
    let _silent = crowd.join_all().await;
    world.lives().await
}
