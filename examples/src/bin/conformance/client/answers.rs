use std::sync::Arc;

use hbone_examples::wire::{Frame, Link, Seen, TLS13, accept, block};
use tokio::time::timeout;

use super::world::{Asked, World, request};
use crate::case::{Case, Complaint, Group, Verdict, must};

const CANCEL: u32 = 8;
const REFUSED_STREAM: u32 = 7;

pub(super) fn group() -> Group<Arc<World>> {
    let mut cases = vec![
        Case::must(
            "HBONE-C-008",
            "200 opens the tunnel",
            |world: Arc<World>| async move {
                let mut asked = world.open(&[]).await?;
                asked.program.say(b"hello").await;
                let (bytes, _) = asked.link.bytes(asked.stream, 5).await;
                must(
                    *bytes == *b"hello",
                    "hello",
                    format!("{} bytes", bytes.len()),
                )
            },
        ),
        Case::must(
            "HBONE-C-008",
            "100 and 103 before it are skipped",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                let statuses = ["100", "103", "100", "200"];
                let heads =
                    statuses.map(|status| Frame::headers(asked.stream, &[(":status", status)]));
                asked.link.send(heads).await;
                asked
                    .link
                    .send([Frame::last_data(asked.stream, "after all")])
                    .await;
                asked.program.hears(b"after all").await
            },
        ),
        Case::must(
            "HBONE-C-008",
            "interim answers without end are not waited for",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                for _ in 0..100 {
                    let interim =
                        (0..100).map(|_| Frame::headers(asked.stream, &[(":status", "103")]));
                    asked.link.send(interim).await;
                }
                asked.program.fails().await
            },
        ),
        Case::must(
            "HBONE-C-008",
            "101 is an error",
            |world: Arc<World>| async move { answered(&world, &[(":status", "101")]).await },
        ),
        Case::must(
            "HBONE-C-009",
            "of a body none reaches the application",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                let fields = [(":status", "503"), ("content-length", "12")];
                let body = Frame::last_data(asked.stream, "no, not here");
                asked
                    .link
                    .send([Frame::headers(asked.stream, &fields), body])
                    .await;
                asked.program.fails().await
            },
        ),
        Case::must(
            "HBONE-C-009",
            "an answer without a status is an error",
            |world: Arc<World>| async move { answered(&world, &[("server", "none")]).await },
        ),
        Case::must(
            "HBONE-H-011",
            "a mebibyte of fields is an error, or taken",
            much,
        ),
        Case::must(
            "HBONE-C-010",
            "after CANCEL nothing is repeated",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                asked.link.send([Frame::reset(asked.stream, CANCEL)]).await;
                unrepeated(&world, asked).await
            },
        ),
        Case::must(
            "HBONE-C-010",
            "after a GOAWAY that covers it nothing is repeated",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                let frames = [
                    Frame::go_away(asked.stream, 0),
                    Frame::reset(asked.stream, 2),
                ];
                asked.link.send(frames).await;
                unrepeated(&world, asked).await
            },
        ),
        Case::should(
            "HBONE-C-010",
            "REFUSED_STREAM is repeated on another connection",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                asked
                    .link
                    .send([Frame::reset(asked.stream, REFUSED_STREAM)])
                    .await;
                repeated(&world, asked).await
            },
        ),
        Case::should(
            "HBONE-C-010",
            "so is what a GOAWAY does not cover",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                asked.link.send([Frame::go_away(0, 0)]).await;
                repeated(&world, asked).await
            },
        ),
        Case::must("HBONE-C-010", "and no more than once", once),
        Case::must(
            "HBONE-C-008",
            "204 is a refusal, or a tunnel; it is no riddle",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[]).await?;
                let answer = Frame::last_headers(asked.stream, &[(":status", "204")]);
                asked.link.send([answer]).await;
                asked.link.close().await;
                asked.program.hush();
                asked.program.exit().await.map(drop)
            },
        ),
    ];
    for status in [
        "301", "400", "401", "403", "404", "407", "429", "500", "503",
    ] {
        let title = format!("{status} is a refusal");
        cases.push(Case::must(
            "HBONE-C-009",
            title,
            move |world: Arc<World>| async move { answered(&world, &[(":status", status)]).await },
        ));
    }
    Group {
        title: "The answer",
        cases,
    }
}

/// That this answer is reported as a failure.
async fn answered(world: &World, fields: &[(&str, &str)]) -> Verdict {
    let mut asked = world.asked(&[]).await?;
    asked
        .link
        .send([Frame::last_headers(asked.stream, fields)])
        .await;
    asked.program.fails().await
}

async fn much(world: Arc<World>) -> Verdict {
    let mut asked = world.asked(&[]).await?;
    let value = "a".repeat(60_000);
    let mut fields = vec![(":status", "200")];
    fields.extend(std::iter::repeat_n(("x-much", &*value), 17));
    asked
        .link
        .send(Frame::headers_in_parts(asked.stream, &block(&fields)))
        .await;
    asked.link.send([Frame::last_data(asked.stream, "")]).await;
    asked.program.hush();
    asked.program.exit().await.map(drop)
}

async fn unrepeated(world: &World, mut asked: Asked) -> Verdict {
    asked.program.hush();
    let again = timeout(world.patience / 2, async {
        tokio::select! {
            call = world.arrivals.accept(world.patience) => call.is_some(),
            again = request(&mut asked.link) => again.is_ok(),
        }
    });
    must(!matches!(again.await, Ok(true)), "no second CONNECT", "one")?;
    asked.program.fails().await
}

/// The client's next connection.
async fn again(world: &World) -> Result<Link, Complaint> {
    let stream = world.next_call().await?;
    let handshake = accept(stream, &world.certificates.good, &["h2"], TLS13);
    match timeout(world.patience, handshake).await {
        Ok(Ok((handshaken, _))) => world.begin(handshaken, &[]).await,
        _ => Err(Complaint::fails("another handshake", "none")),
    }
}

async fn repeated(world: &World, mut asked: Asked) -> Verdict {
    let mut link = again(world).await?;
    let (stream, _) = request(&mut link).await?;
    let answer = Frame::headers(stream, &[(":status", "200")]);
    link.send([answer, Frame::last_data(stream, "in the end")])
        .await;
    asked.program.hears(b"in the end").await?;
    asked.program.hush();
    let (_, end) = link.bytes(stream, usize::MAX).await;
    must(
        matches!(end, Some(Seen::Head(_))),
        "END_STREAM",
        format!("{end:?}"),
    )?;
    link.close().await;
    asked.link.close().await;
    asked.program.succeeds().await
}

async fn once(world: Arc<World>) -> Verdict {
    let mut asked = world.asked(&[]).await?;
    // The first CONNECT may be repeated, and the repetition may not.
    for _ in 0..2 {
        asked
            .link
            .send([Frame::reset(asked.stream, REFUSED_STREAM)])
            .await;
        let Ok(link) = again(&world).await else {
            return asked.program.fails().await;
        };
        asked.link = link;
        match request(&mut asked.link).await {
            Ok((stream, _)) => asked.stream = stream,
            Err(_) => return asked.program.fails().await,
        }
    }
    Err(Complaint::fails("one repetition at most", "two of them"))
}
