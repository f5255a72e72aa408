use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use crate::access_log::{self, Direction};
use crate::proxy::Admitted;
use hbone::{Authority, Hostname};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::timeout;

use crate::node_proxy::outbound::Outbound;

/// For a client to say what it wants, all in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves a connection of the workload that asks by SOCKS5 (RFC 1928): CONNECT without authentication, to an IPv4 or IPv6 address
/// or a name. It is told of success when there is a connection, and of failure with the reason.
pub(crate) async fn serve(
    outbound: Arc<Outbound>,
    mut socket: TcpStream,
    client: SocketAddr,
    mut admitted: Admitted,
) {
    let asked = select! {
        biased;
        asked = timeout(PATIENCE, negotiate(&mut socket)) => asked,
        () = admitted.drained() => return,
    };
    let destination = match asked.unwrap_or(Err(Refusal::TooSlow)) {
        Ok(destination) => destination,
        Err(refusal) => {
            let here = socket.local_addr().unwrap_or(client);
            access_log::refused(Direction::Outbound, client, here, &refusal);
            return refuse(&mut socket, refusal.answer()).await;
        }
    };
    let opened = select! {
        biased;
        opened = outbound.open(client, &destination) => opened,
        () = gone(&socket) => {
            let here = socket.local_addr().unwrap_or(client);
            let refusal = Refusal::Gone(io::ErrorKind::ConnectionReset);
            return access_log::refused(Direction::Outbound, client, here, &refusal);
        }
    };
    match opened {
        Ok(opened) => match socket.write_all(&reply(SUCCEEDED)).await {
            Ok(()) => opened.relay(socket, admitted).await,
            Err(error) => opened.unwanted(&error),
        },
        // It has been logged.
        Err(fault) => refuse(&mut socket, Some(&reply(fault.told() as u8))).await,
    }
}

/// Waits until the client has left: before it was answered and without a word to whom it asked for, or by a reset. One that has
/// spoken already is not watched any further, since what it has said stands before its end.
async fn gone(socket: &TcpStream) {
    match socket.peek(&mut [0]).await {
        Ok(0) | Err(_) => {}
        Ok(_) => std::future::pending().await,
    }
}

/// Reads the greeting, answers it, and reads the request.
async fn negotiate<IO>(socket: &mut IO) -> Result<Authority, Refusal>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let [version, methods] = read(socket).await?;
    if version != VERSION {
        return Err(Refusal::Version(version));
    }
    let mut offered = vec![0; usize::from(methods)];
    socket.read_exact(&mut offered).await?;
    if !offered.contains(&NO_AUTHENTICATION) {
        return Err(Refusal::Authentication);
    }
    socket.write_all(&[VERSION, NO_AUTHENTICATION]).await?;

    let [version, command, _reserved, kind] = read(socket).await?;
    if version != VERSION {
        return Err(Refusal::Request(version));
    }
    let destination = match kind {
        IPV4 => Destination::Ip(Ipv4Addr::from(read::<4>(socket).await?).into()),
        IPV6 => Destination::Ip(Ipv6Addr::from(read::<16>(socket).await?).into()),
        NAME => {
            let [length] = read(socket).await?;
            let mut name = vec![0; usize::from(length)];
            socket.read_exact(&mut name).await?;
            Destination::Name(name)
        }
        other => return Err(Refusal::AddressType(other)),
    };
    let port = u16::from_be_bytes(read(socket).await?);
    if command != CONNECT {
        return Err(Refusal::Command(command));
    }
    destination.with_port(port)
}

/// Where a request leads, without its port.
enum Destination {
    Ip(IpAddr),
    Name(Vec<u8>),
}

impl Destination {
    fn with_port(self, port: u16) -> Result<Authority, Refusal> {
        let port = NonZeroU16::new(port).ok_or(Refusal::PortZero)?;
        match self {
            Self::Ip(ip) => Ok(SocketAddr::new(ip.to_canonical(), port.get()).into()),
            Self::Name(name) => {
                let text = String::from_utf8_lossy(&name);
                // Some clients write every address as a name.
                if let Ok(ip) = text.parse::<IpAddr>() {
                    return Ok(SocketAddr::new(ip.to_canonical(), port.get()).into());
                }
                let host = Hostname::parse(&text)
                    .map_err(|_| Refusal::Name(text.escape_debug().take(256).collect()))?;
                Ok((host, port).into())
            }
        }
    }
}

/// Why a client is sent away before anything was connected.
#[derive(Debug, Error)]
enum Refusal {
    #[error("the SOCKS5 client asked for a kind of address that does not exist ({0})")]
    AddressType(u8),
    #[error("the SOCKS5 client offers no method without authentication, which is all there is")]
    Authentication,
    #[error("the SOCKS5 client asked for command {0}; only CONNECT (1) is served")]
    Command(u8),
    #[error("the SOCKS5 client left or broke off: {}", io::Error::from(*.0))]
    Gone(io::ErrorKind),
    #[error("the SOCKS5 client asked for {0:?}, which is no host name")]
    Name(String),
    #[error("the SOCKS5 client asked for port 0")]
    PortZero,
    #[error("the SOCKS5 client's request is of version {0}, unlike its greeting")]
    Request(u8),
    #[error("the SOCKS5 client did not say within {PATIENCE:?} what it wants")]
    TooSlow,
    #[error("the client speaks version {0} of SOCKS, or not SOCKS at all; this port is for SOCKS5")]
    Version(u8),
}

impl Refusal {
    /// What it is told.
    fn answer(&self) -> Option<&'static [u8]> {
        match self {
            Self::AddressType(_) => Some(const { &reply(8) }),
            Self::Authentication | Self::Version(_) => Some(&[VERSION, 0xff]),
            Self::Command(_) => Some(const { &reply(7) }),
            Self::Name(_) => Some(const { &reply(4) }),
            Self::PortZero | Self::Request(_) => Some(const { &reply(1) }),
            Self::Gone(_) | Self::TooSlow => None,
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Gone(error.kind())
    }
}

/// The answer to a request. Where we connected from means nothing to the client.
const fn reply(code: u8) -> [u8; 10] {
    [VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]
}

/// Sends the last word, and waits a little for the client to have read it: what it has sent meanwhile, and nobody reads, would
/// else turn the close into a reset that overtakes the answer.
async fn refuse(socket: &mut TcpStream, answer: Option<&[u8]>) {
    let Some(answer) = answer else {
        return;
    };
    if socket.write_all(answer).await.is_err() || socket.shutdown().await.is_err() {
        return;
    }
    let mut rest = tokio::io::sink();
    let mut limited = socket.take(MOST_REST);
    let _ = timeout(PARTING, tokio::io::copy(&mut limited, &mut rest)).await;
}

async fn read<const N: usize>(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes).await?;
    Ok(bytes)
}

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
const SUCCEEDED: u8 = 0;
const PARTING: Duration = Duration::from_secs(1);
const MOST_REST: u64 = 64 << 10;
