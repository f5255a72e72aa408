//! Octets as what a peer sends on a connection: mostly frames of HTTP/2 (RFC 9113 section 4.1), good and bad, and pauses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::time::{sleep, timeout};

use crate::script::Script;
use crate::support::frame::{self, END_HEADERS, END_STREAM, Frame};
use crate::support::io::Io;
use bytes::BytesMut;

/// What the peer does next.
#[derive(Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    Wait(Duration),
}

/// Heads that open a tunnel, or do not.
pub(crate) type Heads<'a> = &'a [&'a [(&'a str, &'a str)]];

/// All that the peer does. `heads` are what it knows to say.
pub(crate) fn acts(mut script: Script<'_>, heads: Heads<'_>) -> Vec<Act> {
    let (mut acts, mut next) = (Vec::new(), 1);
    while !script.is_over() && acts.len() < 400 {
        let kind = script.below(16);
        if kind == 14 {
            let wait = script.one_of(&[0, 1, 100, 6_000, 30_000]);
            acts.push(Act::Wait(Duration::from_millis(wait)));
            continue;
        }
        acts.push(Act::Send(match kind {
            0 | 1 => {
                let head = Frame::headers(next, heads[script.below(heads.len())]);
                next += 2;
                octets(&head)
            }
            13 => script.part().to_vec(),
            kind => octets(&any(kind, next, heads, &mut script)),
        }));
    }
    acts
}

fn octets(frame: &Frame) -> Vec<u8> {
    let mut octets = BytesMut::new();
    frame.write(&mut octets);
    octets.into()
}

fn any(kind: usize, next: u32, heads: Heads<'_>, script: &mut Script<'_>) -> Frame {
    // One of the streams that there are, the connection's, or one to come.
    let stream = match script.below(8) {
        6 => 0,
        7 => next + u32::from(script.octet() % 4),
        _ => 1 + 2 * (u32::from(script.octet()) % next.div_ceil(2)),
    };
    let number = |script: &mut Script<'_>| u32::from_be_bytes(script.octets());
    match kind {
        2 | 3 => Frame::new(
            frame::DATA,
            script.octet() & END_STREAM,
            stream,
            script.part().to_vec(),
        ),
        4 => {
            let length = 100 * usize::from(script.octet());
            Frame::new(frame::DATA, 0, stream, vec![b'x'; length])
        }
        5 => Frame::reset(stream, script.below(16) as u32),
        6 => Frame::window_update(stream, number(script)),
        7 => {
            let settings =
                script.several(4, |script| (u16::from(script.octet() % 8), number(script)));
            Frame::settings(&settings)
        }
        8 => Frame::ping(),
        9 => Frame::go_away(stream, script.below(16) as u32),
        10 => Frame::new(
            frame::HEADERS,
            script.octet(),
            stream,
            script.part().to_vec(),
        ),
        11 => Frame::new(
            frame::CONTINUATION,
            script.octet() & END_HEADERS,
            stream,
            script.part().to_vec(),
        ),
        12 => Frame::headers(stream, heads[script.below(heads.len())]),
        _ => Frame::new(
            script.octet(),
            script.octet(),
            stream,
            script.part().to_vec(),
        ),
    }
}

/// What DATA frames carried, by stream, as far as `sent` is frames at all.
pub(crate) fn payloads(sent: &[u8]) -> BTreeMap<u32, Vec<u8>> {
    let mut payloads: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for (kind, flags, stream, payload) in frames(sent) {
        if kind == frame::DATA {
            let padded = match payload {
                [padding, data @ ..] if flags & frame::PADDED != 0 => {
                    data.get(..data.len().saturating_sub(usize::from(*padding)))
                }
                data => Some(data),
            };
            payloads
                .entry(stream)
                .or_default()
                .extend(padded.unwrap_or_default());
        }
    }
    payloads
}

/// How many header blocks begin in `sent`, as far as it is frames at all.
pub(crate) fn heads_in(sent: &[u8]) -> usize {
    let heads = frames(sent).filter(|(kind, ..)| *kind == frame::HEADERS);
    heads.count()
}

/// Kind, flags, stream and payload of each.
fn frames(sent: &[u8]) -> impl Iterator<Item = (u8, u8, u32, &[u8])> {
    let mut rest = sent;
    std::iter::from_fn(move || {
        let [a, b, c, kind, flags, s1, s2, s3, s4, after @ ..] = rest else {
            return None;
        };
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let (payload, behind) = after.split_at_checked(length)?;
        rest = behind;
        let stream = u32::from_be_bytes([*s1 & 0x7f, *s2, *s3, *s4]);
        Some((*kind, *flags, stream, payload))
    })
}

/// Does all of it on `io` and reads whatever comes; how many octets did.
pub(crate) async fn perform(io: impl Io, acts: Arc<[Act]>) -> usize {
    let (mut reads, mut writes) = split(io);
    let writing = async {
        for act in &*acts {
            match act {
                Act::Wait(time) => sleep(*time).await,
                Act::Send(octets) => {
                    if writes.write_all(octets).await.is_err() || writes.flush().await.is_err() {
                        break;
                    }
                }
            }
        }
        sleep(Duration::from_millis(10)).await;
        let _ = writes.shutdown().await;
    };
    let reading = async {
        let (mut got, mut word) = (0, [0; 4096]);
        while let Ok(some @ 1..) = reads.read(&mut word).await {
            got += some;
        }
        got
    };
    // Who is not read, or not answered, gives up.
    let both = async { tokio::join!(timeout(Duration::from_secs(120), writing), reading).1 };
    timeout(Duration::from_secs(200), both).await.unwrap_or(0)
}

pub(crate) fn sent(acts: &[Act]) -> Vec<u8> {
    let sent = acts.iter().filter_map(|act| match act {
        Act::Send(octets) => Some(&octets[..]),
        Act::Wait(_) => None,
    });
    sent.collect::<Vec<_>>().concat()
}
