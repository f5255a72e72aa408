use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The server: sends back what it gets, and ends its half once the client has ended its own.
pub(crate) async fn echo(mut socket: TcpStream) -> Result<()> {
    let (mut reader, mut writer) = socket.split();
    tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await?;
    Ok(())
}

/// What one connection of the client took.
pub(crate) struct Timing {
    /// Until the first byte was back: the tunnels are made in this time.
    pub(crate) first_byte: Duration,
    /// Until the last one was.
    pub(crate) total: Duration,
}

/// The client at `from`: sends `bytes` bytes of a pattern of its own, and checks each that comes back.
pub(crate) async fn call(
    from: SocketAddr,
    address: SocketAddr,
    seed: u32,
    bytes: usize,
) -> Result<Timing> {
    let begin = Instant::now();
    let socket = TcpSocket::new_v4()?;
    // Without this a long run is out of ports once 28,000 of them wait for late packets.
    socket.set_reuseaddr(true)?;
    socket.bind(from)?;
    let socket = socket
        .connect(address)
        .await
        .context("connecting to the service")?;
    let (mut reader, mut writer) = socket.into_split();
    let pattern: Vec<u8> = pattern(seed).take(bytes).collect();
    let expected = pattern.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(&pattern).await?;
        writer.shutdown().await
    });
    let mut came = vec![0; 1];
    reader
        .read_exact(&mut came)
        .await
        .context("waiting for the first byte")?;
    let first_byte = begin.elapsed();
    reader
        .read_to_end(&mut came)
        .await
        .context("reading the answer")?;
    sending.await?.context("sending the request")?;
    ensure!(
        came == expected,
        "what came back is not what was sent ({} of {bytes} bytes)",
        came.len()
    );
    Ok(Timing {
        first_byte,
        total: begin.elapsed(),
    })
}

/// A sequence that is different for each connection, so that mixed-up tunnels are noticed (an xorshift generator).
fn pattern(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    })
}
