//! The two halves of a tunnel, each with an owner of its own.

use bytes::Bytes;
use hbone::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::ends::{read_all, tunnel_pair, tunnel_to_script};
use crate::support::frame::{DATA, Frame};
use crate::support::soon;

#[tokio::test(start_paused = true)]
async fn two_tasks_carry_the_two_directions_at_once() {
    const BYTES: usize = 10 << 20;
    let (client, server) = tunnel_pair().await;
    let mut tasks = tokio::task::JoinSet::new();
    for (tunnel, byte, other) in [(client, 1, 2), (server, 2, 1)] {
        let (mut reader, mut writer) = tunnel.into_split();
        tasks.spawn(async move {
            let whole = Bytes::from(vec![byte; BYTES]);
            for part in 0..BYTES >> 16 {
                let part = whole.slice(part << 16..(part + 1) << 16);
                match part[0] {
                    1 => writer.write_chunk(part).await.expect("a peer"),
                    _ => writer.write_all(&part).await.expect("a peer"),
                }
            }
            writer.shutdown().await.expect("a peer");
        });
        tasks.spawn(async move {
            let (mut seen, mut first) = (0, vec![0; 100]);
            reader.read_exact(&mut first).await.expect("bytes");
            assert_eq!(first, vec![other; 100]);
            while let Some(chunk) = reader.read_chunk().await.expect("bytes") {
                assert!(chunk.iter().all(|byte| *byte == other));
                seen += chunk.len();
            }
            assert_eq!(seen + 100, BYTES);
        });
    }
    soon(tasks.join_all()).await;
}

#[tokio::test(start_paused = true)]
async fn to_drop_the_writer_ends_nothing_and_to_drop_both_resets() {
    let (tunnel, mut raw, stream) = tunnel_to_script().await;
    let (mut reader, mut writer) = tunnel.into_split();
    writer.write_all(b"cut sh").await.expect("a peer");
    drop(writer);
    raw.send([Frame::data(stream, "still here")]).await;
    let mut heard = [0; 10];
    reader.read_exact(&mut heard).await.expect("bytes");
    assert_eq!(&heard, b"still here");
    let data = raw.expect(DATA).await;
    assert_eq!((&data.payload[..], data.flags), (&b"cut sh"[..], 0));
    drop(reader);
    let reason = Reason::from_wire(raw.reset_of(stream).await);
    assert_eq!(reason, Reason::INTERNAL_ERROR);
}

#[tokio::test(start_paused = true)]
async fn halves_come_together_again_if_they_are_of_one_tunnel() {
    let (client, server) = tunnel_pair().await;
    let (reader, writer) = client.into_split();
    let (other_reader, other_writer) = server.into_split();
    let (reader, other_writer) = reader.reunite(other_writer).expect_err("of two tunnels");
    let mut client = reader.reunite(writer).expect("of one tunnel");
    let mut server = other_reader.reunite(other_writer).expect("of one tunnel");
    client.write_all(b"together").await.expect("a peer");
    client.shutdown().await.expect("a peer");
    assert_eq!(read_all(&mut server).await.expect("an end"), b"together");
}
