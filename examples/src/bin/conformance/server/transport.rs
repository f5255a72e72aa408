use std::sync::Arc;

use hbone_examples::wire::{ClientHello, Frame, Link, PREFACE, Seen, TLS12, offers_early_data};
use rustls::CipherSuite;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::world::World;
use crate::case::{Case, Complaint, Group, Verdict, must};

pub(super) fn group() -> Group<Arc<World>> {
    let suites = [
        (
            "TLS_AES_128_GCM_SHA256",
            CipherSuite::TLS13_AES_128_GCM_SHA256,
        ),
        (
            "TLS_AES_256_GCM_SHA384",
            CipherSuite::TLS13_AES_256_GCM_SHA384,
        ),
    ];
    let mut cases = vec![
        Case::must(
            "HBONE-T-002",
            "plain HTTP/1.1 is not answered",
            |world: Arc<World>| plaintext(world, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
        ),
        Case::must(
            "HBONE-T-002",
            "plain HTTP/2 is not answered",
            |world: Arc<World>| plaintext(world, PREFACE),
        ),
        Case::must(
            "HBONE-T-002",
            "garbage is not answered, and harms nobody",
            |world: Arc<World>| plaintext(world, &[0xff; 4096]),
        ),
        Case::must("HBONE-T-003", "TLS 1.3 is spoken", tls13),
        Case::should(
            "HBONE-T-003",
            "TLS 1.2 alone is refused",
            |world: Arc<World>| async move {
                let hello = ClientHello {
                    versions: TLS12,
                    ..world.hello()
                };
                no_http2(&world, &hello).await
            },
        ),
        Case::must(
            "HBONE-T-004",
            "of several protocols it selects h2",
            |world: Arc<World>| async move {
                let hello = ClientHello {
                    alpn: &["http/1.1", "h2"],
                    ..world.hello()
                };
                let selected = world.shake(&hello).await?.alpn.unwrap_or_default();
                let told = format!("{:?}", String::from_utf8_lossy(&selected));
                must(selected == b"h2", "h2 to be selected", told)
            },
        ),
        Case::should(
            "HBONE-T-004",
            "a client that offers http/1.1 only is refused",
            |world: Arc<World>| async move {
                let hello = ClientHello {
                    alpn: &["http/1.1"],
                    ..world.hello()
                };
                no_http2(&world, &hello).await
            },
        ),
        Case::must(
            "HBONE-T-005",
            "a server name changes nothing",
            |world: Arc<World>| async move {
                let plain = world.shake(&world.hello()).await?.leaf;
                let hello = ClientHello {
                    server_name: Some("somewhere.else.example"),
                    ..world.hello()
                };
                let handshaken = world.shake(&hello).await?;
                must(handshaken.leaf == plain, "the same certificate", "another")?;
                let link = world.begin(handshaken, &[]).await;
                world.keeps(link, 1).await
            },
        ),
        Case::must("HBONE-T-006", "no early data is offered", early_data),
    ];
    for (name, suite) in suites {
        let title = format!("{name} is spoken");
        cases.push(Case::must(
            "HBONE-T-008",
            title,
            move |world: Arc<World>| async move {
                let hello = ClientHello {
                    suite: Some(suite),
                    ..world.hello()
                };
                let handshaken = world.shake(&hello).await?;
                let link = world.begin(handshaken, &[]).await;
                world.keeps(link, 1).await
            },
        ));
    }
    Group {
        title: "Transport: TLS and ALPN",
        cases,
    }
}

async fn tls13(world: Arc<World>) -> Verdict {
    let version = world.shake(&world.hello()).await?.version;
    let told = format!("{version:?}");
    must(
        version == Some(rustls::ProtocolVersion::TLSv1_3),
        "TLS 1.3",
        told,
    )
}

async fn plaintext(world: Arc<World>, bytes: &[u8]) -> Verdict {
    let mut stream = world.tcp().await?;
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let closed = timeout(world.patience * 2, stream.read_to_end(&mut answer)).await;
    must(
        closed.is_ok(),
        "the connection to be closed",
        "it stays open",
    )?;
    // An alert in plain text is TLS's own answer: content type 21.
    let told = String::from_utf8_lossy(&answer).into_owned();
    let silent = answer.is_empty() || answer.first() == Some(&21);
    must(silent, "no answer, or a TLS alert", format!("{told:?}"))?;
    world.lives().await
}

/// That no HTTP/2 is spoken after such a handshake, if it succeeds at all.
pub(super) async fn no_http2(world: &World, hello: &ClientHello) -> Verdict {
    let stream = world.tcp().await?;
    let connecting = hbone_examples::wire::connect(stream, hello);
    let Ok(Ok(handshaken)) = timeout(world.patience, connecting).await else {
        return world.lives().await;
    };
    // With TLS 1.3 the refusal comes only after the client's own handshake is done.
    let mut link = Link::new(handshaken.io, world.patience);
    link.send_bytes(PREFACE).await;
    link.send([Frame::settings(&[]), Frame::headers(1, &world.fields())])
        .await;
    let seen = link.answer(1).await;
    match seen {
        Seen::Closed(_) | Seen::GoAway(_) => world.lives().await,
        other => Err(Complaint::fails(
            "the handshake or the connection to be refused",
            other,
        )),
    }
}

async fn early_data(world: Arc<World>) -> Verdict {
    let stream = world.tcp().await?;
    let hello = world.hello();
    let offers = timeout(world.patience, offers_early_data(stream, &hello)).await;
    let Ok(Ok(offers)) = offers else {
        return Err(Complaint::fails("a connection", "none in time"));
    };
    must(!offers, "no ticket with early data", "one")
}
