use std::sync::Arc;

use hbone_examples::wire::{Frame, Seen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::world::{Tunnel, World, opened, refused};
use crate::case::{Case, Complaint, Fields, Group, Verdict, must};

const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;

pub(super) fn group() -> Group<Arc<World>> {
    let mut cases = vec![
        Case::must(
            "HBONE-C-001",
            "a plain CONNECT opens a tunnel",
            |world: Arc<World>| async move { world.open().await?.echo(b"hello").await },
        ),
        Case::must(
            "HBONE-S-012",
            "200 has neither content-length nor transfer-encoding",
            |world: Arc<World>| async move {
                let head = world.open().await?.head;
                let body = ["content-length", "transfer-encoding"];
                let found: Vec<_> = body
                    .into_iter()
                    .filter(|name| head.get(name).is_some())
                    .collect();
                must(found.is_empty(), "neither", found.join(", "))
            },
        ),
        Case::should(
            "HBONE-S-012",
            "200 has baggage",
            |world: Arc<World>| async move {
                let head = world.open().await?.head;
                must(head.get("baggage").is_some(), "a baggage field", "none")
            },
        ),
        Case::must(
            "HBONE-B-001",
            "baggage is one line, without white space or properties",
            baggage,
        ),
        Case::must(
            "HBONE-L-011",
            "a CONNECT that ends its half at once is served",
            ends_at_once,
        ),
        Case::must(
            "HBONE-S-010",
            "a destination where nobody listens: 503",
            dead,
        ),
        Case::must(
            "HBONE-S-002",
            "a refusal ends the stream and has no baggage",
            refusal,
        ),
        Case::must(
            "HBONE-S-009",
            "a denied destination: 403 or 401",
            |world: Arc<World>| async move {
                let denied = world.denied.as_deref();
                let denied = denied.ok_or_else(|| Complaint::skipped("needs --denied"))?;
                refuses(
                    &world,
                    &[(":method", "CONNECT"), (":authority", denied)],
                    &[403, 401],
                )
                .await
            },
        ),
        Case::must(
            "HBONE-S-015",
            "one CONNECT more than announced is refused alone",
            one_too_many,
        ),
    ];
    for method in ["GET", "POST", "HEAD", "OPTIONS", "connect"] {
        let title = format!("{method} is refused, and the connection kept");
        cases.push(Case::must(
            "HBONE-S-005",
            title,
            move |world: Arc<World>| async move {
                let fields = [
                    (":method", method),
                    (":scheme", "https"),
                    (":authority", &world.authority),
                    (":path", "/"),
                ];
                refuses(&world, &fields, &[405, 400]).await
            },
        ));
    }
    let malformed: [Fields; 6] = [
        (
            "HBONE-S-007",
            "CONNECT with :path and :scheme",
            &[(":scheme", "https"), (":path", "/")],
        ),
        ("HBONE-S-007", "CONNECT with :path", &[(":path", "/")]),
        (
            "HBONE-S-007",
            "CONNECT with :scheme",
            &[(":scheme", "https")],
        ),
        (
            "HBONE-S-007",
            "extended CONNECT",
            &[
                (":protocol", "websocket"),
                (":scheme", "https"),
                (":path", "/"),
            ],
        ),
        (
            "HBONE-T-016",
            "CONNECT with connection: close",
            &[("connection", "close")],
        ),
        (
            "HBONE-T-016",
            "CONNECT with transfer-encoding",
            &[("transfer-encoding", "chunked")],
        ),
    ];
    for (requirement, what, more) in malformed {
        let more = more.to_vec();
        let title = format!("{what} is refused, and the connection kept");
        cases.push(Case::must(requirement, title, move |world: Arc<World>| {
            let more = more.clone();
            async move {
                let mut fields = world.fields();
                fields.extend_from_slice(&more);
                refuses(&world, &fields, &[400]).await
            }
        }));
    }
    let nonsense: [(&str, &str, &str); 4] = [
        ("a field name in upper case", "Baggage", "a=b"),
        ("an unknown pseudo-header field", ":tunnel", "yes"),
        ("a second :method", ":method", "CONNECT"),
        ("a line feed in a value", "baggage", "a=b\nc=d"),
    ];
    for (what, name, value) in nonsense {
        let title = format!("{what} is refused, and others are served");
        cases.push(Case::must(
            "HBONE-T-016",
            title,
            move |world: Arc<World>| async move {
                let mut fields = world.fields();
                fields.push((name, value));
                let mut link = world.link().await?;
                link.send([Frame::headers(1, &fields)]).await;
                // An endpoint may take an error of a stream for one of the connection (RFC 9113 section 5.4.1).
                match link.answer(1).await {
                    Seen::GoAway(PROTOCOL_ERROR) => world.lives().await,
                    other => refused(&other, &[400], &[PROTOCOL_ERROR]),
                }
            },
        ));
    }
    Group {
        title: "Requests and answers",
        cases,
    }
}

/// That this head is refused on its stream alone.
pub(super) async fn refuses(world: &World, fields: &[(&str, &str)], statuses: &[u16]) -> Verdict {
    let mut link = world.link().await?;
    link.send([Frame::headers(1, fields)]).await;
    refused(&link.answer(1).await, statuses, &[PROTOCOL_ERROR])?;
    world.keeps(link, 3).await
}

async fn baggage(world: Arc<World>) -> Verdict {
    let head = world.open().await?.head;
    let lines: Vec<_> = head.all("baggage").collect();
    let Some(line) = lines.first() else {
        return Err(Complaint::skipped("the server sends no baggage"));
    };
    must(
        lines.len() == 1,
        "one line",
        format!("{} lines", lines.len()),
    )?;
    let odd = |octet: u8| !matches!(octet, 0x21 | 0x23..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    must(
        !line.bytes().any(odd),
        "octets of a baggage string without properties",
        format!("{line:?}"),
    )?;
    let whole = line.split(',').all(|member| member.contains('='));
    must(
        whole || line.is_empty(),
        "members with a key and a value",
        format!("{line:?}"),
    )
}

async fn ends_at_once(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    if let Some(application) = &world.application {
        application.forget();
    }
    link.send([Frame::last_headers(1, &world.fields())]).await;
    let seen = link.answer(1).await;
    let Seen::Head(head) = &seen else {
        return Err(Complaint::fails("200", seen));
    };
    must(head.status() == Some(200), "200", &seen)?;
    let Some(mut far) = world.far().await? else {
        return Ok(());
    };
    let ended = timeout(world.patience, far.read(&mut [0; 8])).await;
    must(
        matches!(ended, Ok(Ok(0))),
        "the application to see the end",
        format!("{ended:?}"),
    )?;
    let _ = far.write_all(b"late answer").await;
    drop(far);
    let (bytes, end) = link.bytes(1, usize::MAX).await;
    let told = String::from_utf8_lossy(&bytes).into_owned();
    must(
        *bytes == *b"late answer",
        "the answer of the application",
        format!("{told:?}"),
    )?;
    must(
        matches!(end, Some(Seen::Head(_))),
        "END_STREAM behind it",
        format!("{end:?}"),
    )
}

async fn dead(world: Arc<World>) -> Verdict {
    let dead = world.dead.as_deref();
    let dead = dead.ok_or_else(|| Complaint::skipped("needs --dead"))?;
    let mut link = world.link().await?;
    link.send([Frame::headers(
        1,
        &[(":method", "CONNECT"), (":authority", dead)],
    )])
    .await;
    refused(&link.answer(1).await, &[503], &[])?;
    world.keeps(link, 3).await
}

async fn refusal(world: Arc<World>) -> Verdict {
    let mut link = world.link().await?;
    let fields = [(":method", "CONNECT"), (":authority", "169.254.169.254:80")];
    link.send([Frame::headers(1, &fields)]).await;
    match link.answer(1).await {
        Seen::Head(head) if head.status() != Some(200) => {
            must(head.get("baggage").is_none(), "no baggage", "some")?;
            if head.ends {
                return Ok(());
            }
            // A body is only unwise, and END_STREAM may come in a frame of its own.
            let (_, end) = link.bytes(1, usize::MAX).await;
            let ended = matches!(end, Some(Seen::Head(_) | Seen::Reset(_)));
            must(ended, "an end of the stream", "one that stays open")
        }
        Seen::Reset(_) => Ok(()),
        other => Err(Complaint::fails("a refusal", other)),
    }
}

async fn one_too_many(world: Arc<World>) -> Verdict {
    let Tunnel { mut link, head, .. } = world.open().await?;
    drop(head);
    let limit = link
        .remote_settings()
        .and_then(|settings| settings.max_concurrent_streams)
        .filter(|limit| (1..=1000).contains(limit));
    let Some(limit) = limit else {
        return Err(Complaint::skipped(
            "the server announces no limit of at most 1000 streams",
        ));
    };
    // One is open already.
    let last = 1 + 2 * limit;
    let asks = (1..=limit).map(|nth| Frame::headers(1 + 2 * nth, &world.fields()));
    link.send(asks).await;
    refused(&link.answer(last).await, &[], &[REFUSED_STREAM])?;
    // The others live: the first one is ended, and there is room again.
    link.send([
        Frame::last_data(1, ""),
        Frame::reset(1, 8),
        Frame::reset(3, 8),
    ])
    .await;
    tokio::time::sleep(world.patience / 10).await;
    link.send([Frame::headers(last + 2, &world.fields())]).await;
    opened(link.answer(last + 2).await).map(drop)
}
