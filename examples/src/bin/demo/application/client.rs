use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::{Called, Timing};
use crate::topology::{Protocol, Service};

/// One call of a client: a connection with bytes that are expected back, or a request with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) from: IpAddr,
    pub(crate) entry: Entry,
    pub(crate) service: Service,
    /// Of the bytes: each call has others.
    pub(crate) seed: u32,
    pub(crate) bytes: usize,
}

/// How the client comes into the mesh.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// By the node proxy beside it, with SOCKS5.
    NodeProxy(SocketAddr),
    /// From outside, by the ingress gateway.
    Ingress(SocketAddr),
}

impl Call {
    /// Makes the call, and checks each byte that comes back.
    pub(crate) async fn make(self) -> Result<Called> {
        let began = Instant::now();
        let stream = self.connect().await.context("connecting")?;
        let sent: Vec<u8> = pattern(self.seed).take(self.bytes).collect();
        let (came, first_byte) = match self.service.protocol {
            Protocol::Tcp => echo(stream, &sent, began).await,
            Protocol::Http => self.request(stream, &sent, began).await,
        }?;
        ensure!(
            came == sent,
            "what came back is not what was sent ({} of {} bytes)",
            came.len(),
            sent.len()
        );
        let total = began.elapsed();
        Ok(Called {
            bytes: u64::try_from(sent.len())?,
            timing: Timing { first_byte, total },
        })
    }

    async fn connect(&self) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        // Without this a long run is out of ports once 28,000 of them wait for late packets.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(self.from, 0))?;
        let (Entry::NodeProxy(entry) | Entry::Ingress(entry)) = self.entry;
        let mut stream = socket.connect(entry).await?;
        stream.set_nodelay(true)?;
        if let Entry::NodeProxy(_) = self.entry {
            ask(&mut stream, &self.service).await?;
        }
        Ok(stream)
    }

    async fn request(
        &self,
        stream: TcpStream,
        sent: &[u8],
        began: Instant,
    ) -> Result<(Vec<u8>, std::time::Duration)> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::post("/echo")
            .header(HOST, self.service.host())
            .body(Full::new(Bytes::copy_from_slice(sent)))?;
        let response = sender.send_request(request).await.context("asking")?;
        let first_byte = began.elapsed();
        let status = response.status();
        let body = response.into_body().collect().await;
        connection.abort();
        ensure!(status == StatusCode::OK, "the answer is {status}");
        let body = body.context("reading the answer")?.to_bytes();
        Ok((body.into(), first_byte))
    }
}

/// Asks a node proxy for the service by its name (RFC 1928, without authentication).
async fn ask(stream: &mut TcpStream, service: &Service) -> Result<()> {
    let host = service.host();
    let mut request = vec![5, 1, 0, 5, 1, 0, 3, u8::try_from(host.len())?];
    request.extend(host.as_bytes());
    request.extend(service.port().to_be_bytes());
    stream.write_all(&request).await?;
    let mut answer = [0; 12];
    stream
        .read_exact(&mut answer)
        .await
        .context("asking the node proxy")?;
    match answer[3] {
        0 => Ok(()),
        code => bail!("the node proxy answers {code}; its log says why"),
    }
}

async fn echo(
    stream: TcpStream,
    sent: &[u8],
    began: Instant,
) -> Result<(Vec<u8>, std::time::Duration)> {
    let (mut reader, mut writer) = stream.into_split();
    let sending = async {
        writer.write_all(sent).await?;
        writer.shutdown().await
    };
    let receiving = async {
        let mut came = vec![0; 1];
        reader.read_exact(&mut came).await?;
        let first_byte = began.elapsed();
        reader.read_to_end(&mut came).await?;
        Ok((came, first_byte))
    };
    let ((), came) = tokio::try_join!(sending, receiving).context("sending and receiving")?;
    Ok(came)
}

/// A sequence that is different for each call, so that mixed-up tunnels are noticed (an xorshift generator).
fn pattern(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    })
}
