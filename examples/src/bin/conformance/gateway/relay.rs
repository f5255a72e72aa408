use std::sync::Arc;

use hbone_examples::wire::{Frame, PREFACE, TLS13, accept, carry, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::case::{Case, Group, Verdict, must};
use crate::server::{World, opened};

pub(super) fn group() -> Group<Arc<World>> {
    let passed: [(&str, Vec<u8>); 6] = [
        ("every octet there is", (0..=255).collect()),
        ("plain HTTP", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()),
        (
            "a record of TLS that is none",
            [&[22, 3, 1, 0xff, 0xff][..], &[0; 600]].concat(),
        ),
        ("the preface of HTTP/2", PREFACE.to_vec()),
        (
            "a PROXY header",
            b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n".to_vec(),
        ),
        ("200,000 octets", vec![0xa5; 200_000]),
    ];
    let passed = passed.into_iter().map(|(what, bytes)| {
        let (title, bytes) = (format!("{what}: passed on unchanged"), Arc::new(bytes));
        Case::must("HBONE-G-003", title, move |world: Arc<World>| {
            let bytes = Arc::clone(&bytes);
            async move {
                let mut tunnel = world.open().await?;
                for part in bytes.chunks(32_768) {
                    tunnel.echo(part).await?;
                }
                Ok(())
            }
        })
    });
    let mut cases: Vec<_> = passed.collect();
    cases.extend([
        Case::must(
            "HBONE-G-003",
            "nothing is put before the first octet",
            nothing_before,
        ),
        Case::must(
            "HBONE-G-003",
            "an endpoint that speaks first is heard",
            |world: Arc<World>| async move {
                let (mut tunnel, mut far) = world.open_both().await?;
                let _ = far.write_all(b"220 ready").await;
                let (bytes, _) = tunnel.link.bytes(1, 9).await;
                must(
                    *bytes == *b"220 ready",
                    "its octets",
                    format!("{} octets", bytes.len()),
                )
            },
        ),
        Case::must(
            "HBONE-S-001",
            "with the 200 the endpoint is connected",
            |world: Arc<World>| async move { world.open_both().await.map(drop) },
        ),
        Case::must("HBONE-D-002", "an inner handshake passes", inner),
    ]);
    Group {
        title: "A gateway's relay",
        cases,
    }
}

async fn nothing_before(world: Arc<World>) -> Verdict {
    let mut fields = world.fields();
    fields.extend_from_slice(&[
        ("baggage", "service.name=a"),
        ("x-istio-source", "gateway"),
        ("forwarded", "for=\"10.0.0.1:1\""),
    ]);
    let mut link = world.link().await?;
    if let Some(application) = &world.application {
        application.forget();
    }
    link.send([Frame::headers(1, &fields)]).await;
    opened(link.answer(1).await)?;
    let far = world.far().await?;
    link.send([Frame::data(1, "first")]).await;
    let mut there = [0; 5];
    let read = match far {
        Some(mut far) => timeout(world.patience, far.read_exact(&mut there))
            .await
            .is_ok(),
        None => false,
    };
    let told = format!("{:?}", String::from_utf8_lossy(&there));
    must(
        read && there == *b"first",
        "the client's octets alone",
        told,
    )
}

/// TLS through the tunnel, with the suite at both ends.
async fn inner(world: Arc<World>) -> Verdict {
    let (tunnel, far) = world.open_both().await?;
    let (ours, theirs) = tokio::io::duplex(65_536);
    let carrying = tokio::spawn(carry(tunnel.link, tunnel.stream, theirs));
    let good = world.certificates.good.clone();
    let accepting = tokio::spawn(async move { accept(far, &good, &["h2"], TLS13).await });
    let hello = world.hello();
    let shaken = timeout(world.patience, connect(ours, &hello)).await;
    let accepted = timeout(world.patience, accepting).await;
    carrying.abort();
    let fits = matches!(shaken, Ok(Ok(_))) && matches!(accepted, Ok(Ok(Ok(_))));
    must(fits, "a handshake with the endpoint", "none")
}
