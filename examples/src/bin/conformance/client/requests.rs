use std::net::SocketAddr;
use std::sync::Arc;

use hbone::Authority;
use hbone_examples::wire::{Frame, Head, Kind, Seen};
use tokio::time::Instant;

use super::world::World;
use crate::case::{Case, Complaint, Group, Verdict, must};

pub(super) fn group() -> Group<Arc<World>> {
    type Look = fn(&World, &Head) -> Verdict;
    let looks: [(&str, &str, Look); 9] = [
        (
            "HBONE-C-001",
            "a CONNECT with :method and :authority alone",
            plain,
        ),
        (
            "HBONE-C-002",
            "the authority is the one that was asked for",
            authority,
        ),
        ("HBONE-C-005", "the stream stays open", |_, head| {
            must(!head.ends, "no END_STREAM", "END_STREAM")
        }),
        (
            "HBONE-C-007",
            "no content-length, and nothing about the connection",
            |_, head| {
                let of_http1 = [
                    "connection",
                    "keep-alive",
                    "upgrade",
                    "proxy-connection",
                    "te",
                ];
                without(head, &["content-length", "transfer-encoding"])?;
                without(head, &of_http1)
            },
        ),
        (
            "HBONE-B-001",
            "baggage is one line, without white space or properties",
            baggage,
        ),
        (
            "HBONE-H-004",
            "forwarded is one element, with for",
            forwarded,
        ),
        ("HBONE-H-006", "traceparent is of version 00", traceparent),
        (
            "HBONE-H-009",
            "the source is one of the three",
            |_, head| {
                let source = one(head, "x-istio-source")?;
                let known = matches!(source, "waypoint" | "gateway" | "sidecar");
                must(known, "waypoint, gateway or sidecar", source)
            },
        ),
        (
            "HBONE-H-012",
            "names that only comments know are not sent",
            |_, head| {
                without(
                    head,
                    &["x-istio-origin-network", "istio-l7-policies-applied"],
                )
            },
        ),
    ];
    let mut cases: Vec<_> = looks
        .into_iter()
        .map(|(requirement, title, look)| {
            Case::must(requirement, title, move |world: Arc<World>| async move {
                look(&world, &world.asked(&[]).await?.head)
            })
        })
        .collect();
    let title = "nothing of the application is sent before the 200";
    cases.push(Case::must("HBONE-C-006", title, nothing_early));
    Group {
        title: "The request",
        cases,
    }
}

/// The one line of a field; a client that does not send it is not tried.
fn one<'a>(head: &'a Head, name: &str) -> Result<&'a str, Complaint> {
    let lines: Vec<_> = head.all(name).collect();
    match lines[..] {
        [] => Err(Complaint::skipped(format!("the client sends no {name}"))),
        [line] => Ok(line),
        _ => Err(Complaint::fails(
            "one line",
            format!("{} lines", lines.len()),
        )),
    }
}

fn without(head: &Head, names: &[&str]) -> Verdict {
    let found = names.iter().filter(|name| head.get(name).is_some());
    let found: Vec<_> = found.copied().collect();
    must(found.is_empty(), "none", found.join(", "))
}

fn plain(_: &World, head: &Head) -> Verdict {
    let pseudo = head.fields.iter().filter(|(name, _)| name.starts_with(':'));
    let mut pseudo: Vec<_> = pseudo.map(|(name, _)| name.as_str()).collect();
    pseudo.sort_unstable();
    must(
        head.get(":method") == Some("CONNECT"),
        "CONNECT",
        Seen::Head(head.clone()),
    )?;
    must(
        pseudo == [":authority", ":method"],
        ":authority and :method",
        pseudo.join(", "),
    )
}

fn authority(world: &World, head: &Head) -> Verdict {
    let authority = head.get(":authority").unwrap_or_default();
    let meant = |text: &str| text.parse::<Authority>().ok();
    let same = authority.eq_ignore_ascii_case(&world.authority)
        || meant(authority).is_some_and(|this| Some(this) == meant(&world.authority));
    must(same, &world.authority, authority)
}

fn baggage(_: &World, head: &Head) -> Verdict {
    let line = one(head, "baggage")?;
    let odd = |octet: u8| !matches!(octet, 0x21 | 0x23..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    let members = line.split(',').all(|member| member.contains('='));
    let fits = line.is_empty() || (members && !line.bytes().any(odd));
    must(fits, "a baggage string", format!("{line:?}"))
}

fn forwarded(_: &World, head: &Head) -> Verdict {
    let line = one(head, "forwarded")?;
    let quoted = line.split('"').nth(1).unwrap_or_default();
    let address = line.starts_with("for=\"") && quoted.parse::<SocketAddr>().is_ok();
    must(
        address && !line.contains(','),
        "for=\"address:port\"",
        format!("{line:?}"),
    )
}

fn traceparent(_: &World, head: &Head) -> Verdict {
    let line = one(head, "traceparent")?;
    let parts: Vec<_> = line.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    let digits = |part: &&str| {
        part.bytes()
            .all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zeros = |part: &&str| part.bytes().all(|octet| octet == b'0');
    let version = parts.first().is_some_and(|version| *version == "00");
    let ids = !parts.iter().skip(1).take(2).any(zeros);
    let fits = lengths == [2, 32, 16, 2] && parts.iter().all(digits);
    must(
        fits && version && ids,
        "00-<32 digits>-<16 digits>-<2 digits>",
        format!("{line:?}"),
    )
}

async fn nothing_early(world: Arc<World>) -> Verdict {
    let mut asked = world.asked(&[]).await?;
    asked.program.say(b"early bytes").await;
    let deadline = Instant::now() + world.patience / 5;
    while let Ok(frame) = asked.link.frame_until(deadline).await {
        let told = format!("{} bytes", frame.payload.len());
        must(frame.kind != Kind::DATA, "no DATA", told)?;
    }
    let answer = Frame::headers(asked.stream, &[(":status", "200")]);
    asked.link.send([answer]).await;
    let (bytes, _) = asked.link.bytes(asked.stream, 11).await;
    must(
        *bytes == *b"early bytes",
        "the bytes after the 200",
        format!("{} bytes", bytes.len()),
    )
}
