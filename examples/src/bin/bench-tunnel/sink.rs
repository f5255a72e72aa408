use std::io;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::line::{Line, drain, pour};

/// Answers whatever connects.
pub(crate) async fn run(listener: TcpListener) -> Result<()> {
    loop {
        let (socket, _) = listener.accept().await.context("accepting")?;
        socket.set_nodelay(true)?;
        // The application learns of a failure.
        tokio::spawn(async move { drop(answer(socket).await) });
    }
}

async fn answer(mut socket: TcpStream) -> io::Result<()> {
    while let Some(line) = Line::receive(&mut socket).await? {
        match line {
            Line::Upload(bytes) => {
                drain(&mut socket, bytes).await?;
                socket.write_all(&[0]).await?;
            }
            Line::Download(bytes) => pour(&mut socket, bytes).await?,
            Line::Echo(size) => {
                let mut message = vec![0; usize::try_from(size).unwrap_or_default()];
                loop {
                    match socket.read_exact(&mut message).await {
                        Ok(_) => socket.write_all(&message).await?,
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }
    Ok(())
}
