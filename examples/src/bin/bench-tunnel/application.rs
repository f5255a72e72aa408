use std::io::{Write, stdin, stdout};
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::layer7::requests;
use crate::line::{Line, drain, pour};
use crate::load::{Load, Went};

/// Does what each line on standard input says, and answers with a line.
pub(crate) fn run(runtime: &Runtime) -> Result<()> {
    let mut kept = Vec::new();
    for line in stdin().lines() {
        let load = serde_json::from_str(&line?)?;
        let went = runtime.block_on(carry_out(load, &mut kept))?;
        println!("{}", serde_json::to_string(&went)?);
        stdout().flush().context("telling how it went")?;
    }
    Ok(())
}

async fn carry_out(load: Load, kept: &mut Vec<TcpStream>) -> Result<Went> {
    match load {
        Load::Bulk { to, tunnels, bytes } => {
            let sockets = open(to, tunnels).await?;
            all(sockets, |socket| move_bulk(socket, bytes)).await
        }
        Load::Exchange {
            to,
            tunnels,
            size,
            count,
        } => {
            let sockets = open(to, tunnels).await?;
            all(sockets, |socket| exchange(socket, size, count)).await
        }
        Load::Connect { to, count } => {
            let began = Instant::now();
            let mut nanos = Vec::with_capacity(count);
            for _ in 0..count {
                let connecting = Instant::now();
                let mut socket = connect(to).await?;
                Line::Echo(1).send(&mut socket).await?;
                round_trip(&mut socket, &mut [7]).await?;
                nanos.push(elapsed(connecting));
                close(socket).await?;
            }
            Ok(Went::new(began.elapsed().as_secs_f64(), nanos))
        }
        Load::Hold { to, tunnels } => {
            for mut socket in open(to, tunnels).await? {
                Line::Echo(1).send(&mut socket).await?;
                round_trip(&mut socket, &mut [7]).await?;
                kept.push(socket);
            }
            Ok(Went::default())
        }
        Load::Release => {
            kept.clear();
            Ok(Went::default())
        }
        Load::Requests {
            to,
            host,
            connections,
            count,
            secrets,
        } => requests(to, &host, (connections, count), secrets.as_deref()).await,
    }
}

async fn open(to: SocketAddr, tunnels: usize) -> Result<Vec<TcpStream>> {
    let mut sockets = Vec::with_capacity(tunnels);
    for _ in 0..tunnels {
        sockets.push(connect(to).await?);
    }
    Ok(sockets)
}

async fn connect(to: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect(to).await.context("connecting")?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Does `work` on every socket at once.
async fn all<W>(sockets: Vec<TcpStream>, work: impl Fn(TcpStream) -> W) -> Result<Went>
where
    W: Future<Output = Result<Vec<u64>>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for socket in sockets {
        tasks.spawn(work(socket));
    }
    let mut nanos = Vec::new();
    while let Some(done) = tasks.join_next().await {
        nanos.extend(done??);
    }
    Ok(Went::new(began.elapsed().as_secs_f64(), nanos))
}

async fn move_bulk(mut socket: TcpStream, bytes: u64) -> Result<Vec<u64>> {
    let half = bytes / 2;
    Line::Upload(half).send(&mut socket).await?;
    pour(&mut socket, half).await?;
    socket.read_u8().await?;
    Line::Download(half).send(&mut socket).await?;
    drain(&mut socket, half).await?;
    close(socket).await?;
    Ok(Vec::new())
}

async fn exchange(mut socket: TcpStream, size: usize, count: usize) -> Result<Vec<u64>> {
    Line::Echo(size as u64).send(&mut socket).await?;
    let mut message = vec![0x5a; size];
    let mut nanos = Vec::with_capacity(count);
    for _ in 0..count {
        let sent = Instant::now();
        round_trip(&mut socket, &mut message).await?;
        nanos.push(elapsed(sent));
    }
    close(socket).await?;
    Ok(nanos)
}

/// Returns when the other end has closed, too.
async fn close(mut socket: TcpStream) -> Result<()> {
    socket.shutdown().await?;
    socket.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn round_trip(socket: &mut TcpStream, message: &mut [u8]) -> Result<()> {
    socket.write_all(message).await?;
    socket.read_exact(message).await?;
    Ok(())
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
