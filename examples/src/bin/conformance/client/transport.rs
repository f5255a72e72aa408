use std::sync::Arc;
use std::time::Duration;

use hbone_examples::wire::{Flags, Frame, Kind, Seen, Setting, TLS12, TLS13, block};
use rustls::CipherSuite;
use tokio::time::{Instant, timeout};

use super::program::Program;
use super::world::{World, request};
use crate::case::{Case, Complaint, Group, Verdict, must};

pub(super) fn group() -> Group<Arc<World>> {
    let mut cases = vec![
        Case::must(
            "HBONE-T-003",
            "TLS 1.3 is spoken",
            |world: Arc<World>| async move { world.greet().await.map(drop) },
        ),
        Case::should(
            "HBONE-T-003",
            "a server of TLS 1.2 is refused",
            |world: Arc<World>| async move {
                let (_program, met) = world.meet(&world.certificates.good, &["h2"], TLS12).await?;
                must(met.is_err(), "no handshake", "one")
            },
        ),
        Case::must(
            "HBONE-T-004",
            "h2 is offered, and nothing else",
            |world: Arc<World>| async move {
                let (_, _, offered) = world.greet().await?;
                let names = offered
                    .alpn
                    .iter()
                    .map(|name| String::from_utf8_lossy(name));
                let names: Vec<_> = names.collect();
                must(offered.alpn == [b"h2"], "h2", names.join(", "))
            },
        ),
        Case::should(
            "HBONE-T-004",
            "a server that selects no protocol is refused",
            unselected,
        ),
        Case::must(
            "HBONE-T-005",
            "no server name is sent",
            |world: Arc<World>| async move {
                let (_, _, offered) = world.greet().await?;
                let none = offered.server_name.is_none();
                must(none, "none", offered.server_name.unwrap_or_default())
            },
        ),
        Case::must(
            "HBONE-T-002",
            "a certificate is shown",
            |world: Arc<World>| async move {
                let (_, handshaken, _) = world.greet().await?;
                must(handshaken.leaf.is_some(), "a client certificate", "none")
            },
        ),
        Case::must(
            "HBONE-T-011",
            "push is switched off",
            |world: Arc<World>| async move {
                let settings = world.asked(&[]).await?.link.remote_settings();
                let push = settings.and_then(|settings| settings.enable_push);
                must(
                    push == Some(0),
                    "SETTINGS_ENABLE_PUSH 0",
                    format!("{push:?}"),
                )
            },
        ),
        Case::must("HBONE-T-011", "PUSH_PROMISE ends the connection", pushed),
        Case::must(
            "HBONE-T-016",
            "SETTINGS are acknowledged",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[(3, 100)]).await?;
                while !asked.link.settings_acked() {
                    let frame = asked.link.frame().await;
                    frame.map_err(|seen| Complaint::fails("an acknowledgement", seen))?;
                }
                Ok(())
            },
        ),
        Case::must(
            "HBONE-T-013",
            "PING is answered with its payload",
            |world: Arc<World>| async move {
                let mut asked = world.open(&[]).await?;
                asked.link.send([Frame::ping(*b"01234567")]).await;
                loop {
                    let frame = asked.link.frame().await;
                    let frame =
                        frame.map_err(|seen| Complaint::fails("an answer to PING", seen))?;
                    if frame.kind == Kind::PING && frame.has(Flags::ACK) {
                        return must(
                            *frame.payload == *b"01234567",
                            "the same payload",
                            "another",
                        );
                    }
                }
            },
        ),
        Case::must(
            "HBONE-T-010",
            "with no stream allowed it waits until one is",
            no_room,
        ),
        Case::should(
            "HBONE-T-012",
            "the connection's window is four times a stream's",
            windows,
        ),
        Case::must(
            "HBONE-T-015",
            "frames and settings that nobody knows are ignored",
            |world: Arc<World>| async move {
                let mut asked = world.asked(&[(0xfa, 7)]).await?;
                let unknown = Frame::new(0xbe, 0xff, asked.stream, vec![7; 100]);
                let answer = Frame::headers(asked.stream, &[(":status", "200")]);
                let bytes = Frame::last_data(asked.stream, "all is well");
                asked
                    .link
                    .send([unknown.clone(), answer, unknown, bytes])
                    .await;
                asked.program.hears(b"all is well").await
            },
        ),
        Case::must(
            "HBONE-T-014",
            "a server that never speaks TLS is given up",
            |world: Arc<World>| async move {
                let (mut program, _stream) = world.called().await?;
                given_up(&mut program).await
            },
        )
        .slow(),
        Case::must(
            "HBONE-T-014",
            "a server that never sends SETTINGS is given up",
            |world: Arc<World>| async move {
                let (mut program, _handshaken, _) = world.greet().await?;
                given_up(&mut program).await
            },
        )
        .slow(),
        Case::must(
            "HBONE-T-014",
            "a server that never answers is given up",
            |world: Arc<World>| async move {
                let asked = world.asked(&[]).await?;
                let (mut link, mut program) = (asked.link, asked.program);
                tokio::spawn(async move {
                    while !matches!(link.frame().await, Err(Seen::Closed(_))) {}
                });
                given_up(&mut program).await
            },
        )
        .slow(),
    ];
    for (name, suite) in [
        (
            "TLS_AES_128_GCM_SHA256",
            CipherSuite::TLS13_AES_128_GCM_SHA256,
        ),
        (
            "TLS_AES_256_GCM_SHA384",
            CipherSuite::TLS13_AES_256_GCM_SHA384,
        ),
    ] {
        let title = format!("{name} is offered");
        cases.push(Case::must(
            "HBONE-T-008",
            title,
            move |world: Arc<World>| async move {
                let (_, _, offered) = world.greet().await?;
                let told = format!("{:?}", offered.suites);
                must(offered.suites.contains(&suite), "it among the suites", told)
            },
        ));
    }
    Group {
        title: "Transport",
        cases,
    }
}

async fn unselected(world: Arc<World>) -> Verdict {
    let (mut program, met) = world.meet(&world.certificates.good, &[], TLS13).await?;
    if let Ok((handshaken, _)) = met
        && let Ok(mut link) = world.begin(handshaken, &[]).await
        && let Ok((_, head)) = request(&mut link).await
    {
        return Err(Complaint::fails("no CONNECT", Seen::Head(head)));
    }
    program.fails().await
}

async fn no_room(world: Arc<World>) -> Verdict {
    let (mut program, handshaken, _) = world.greet().await?;
    let none = (Setting::MAX_CONCURRENT_STREAMS, 0);
    let mut link = world.begin(handshaken, &[none]).await?;
    let deadline = Instant::now() + world.patience / 5;
    while let Ok(frame) = link.frame_until(deadline).await {
        if frame.kind == Kind::HEADERS {
            let knew = link.settings_acked();
            let why = "the client asks before it has read SETTINGS, as it may";
            let seen = Complaint::fails("no CONNECT", "one, after SETTINGS were acknowledged");
            return Err(if knew { seen } else { Complaint::skipped(why) });
        }
    }
    let one = (Setting::MAX_CONCURRENT_STREAMS, 1);
    link.send([Frame::settings(&[one])]).await;
    let (stream, _) = request(&mut link).await?;
    let answer = Frame::headers(stream, &[(":status", "200")]);
    link.send([answer, Frame::last_data(stream, "room")]).await;
    program.hears(b"room").await
}

async fn pushed(world: Arc<World>) -> Verdict {
    let mut asked = world.open(&[]).await?;
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a:1"),
        (":path", "/"),
    ];
    let mut promise = 2_u32.to_be_bytes().to_vec();
    promise.extend_from_slice(&block(&fields));
    let kind = Kind::PUSH_PROMISE;
    asked
        .link
        .send([Frame::new(kind, Flags::END_HEADERS, asked.stream, promise)])
        .await;
    let seen = asked.link.end().await;
    must(
        matches!(seen, Seen::GoAway(1) | Seen::Closed(_)),
        "GOAWAY PROTOCOL_ERROR",
        seen,
    )?;
    asked.program.fails().await
}

async fn windows(world: Arc<World>) -> Verdict {
    let mut asked = world.open(&[]).await?;
    let deadline = Instant::now() + world.patience / 5;
    while asked.link.frame_until(deadline).await.is_ok() {}
    let settings = asked.link.remote_settings();
    let announced = settings.and_then(|settings| settings.initial_window);
    let stream = u64::from(announced.unwrap_or(65_535));
    let connection = asked.link.connection_window();
    let told = format!("{connection} for the connection, {stream} for a stream");
    must(connection >= 4 * stream, "four times as much", told)
}

/// That the client ends by itself, however long its own deadline is within reason.
async fn given_up(program: &mut Program) -> Verdict {
    const LONGEST: Duration = Duration::from_secs(50);
    let giving_up = async {
        loop {
            if let Ok((well, _)) = program.exit().await {
                return well;
            }
        }
    };
    match timeout(LONGEST, giving_up).await {
        Ok(well) => must(!well, "an exit code that says so", "0"),
        Err(_) => Err(Complaint::fails(
            "an end",
            format!("none after {LONGEST:?}"),
        )),
    }
}
