use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hbone::{Connect, Hop, Route};
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_hbone::{Connector, Pool};

use crate::load::Went;
use crate::secrets;

type Sender = SendRequest<Empty<Bytes>>;

/// Has `count` requests answered on each of `connections` at once, one after the other, and closes them.
pub(crate) async fn requests(
    to: SocketAddr,
    host: &str,
    (connections, count): (usize, usize),
    secrets: Option<&Path>,
) -> Result<Went> {
    let mut senders = Vec::with_capacity(connections);
    let pool = match secrets {
        Some(secrets) => Some(Pool::new(Connector::new(secrets::our_client(secrets)?))),
        None => None,
    };
    for _ in 0..connections {
        senders.push(match &pool {
            Some(pool) => open(pool.connect(&route(to, host)?).await?).await?,
            None => {
                let socket = TcpStream::connect(to).await.context("connecting")?;
                socket.set_nodelay(true)?;
                open(socket).await?
            }
        });
    }
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for sender in senders {
        tasks.spawn(each(sender, HeaderValue::from_str(host)?, count));
    }
    let mut nanos = Vec::new();
    while let Some(done) = tasks.join_next().await {
        nanos.extend(done??);
    }
    Ok(Went::new(began.elapsed().as_secs_f64(), nanos))
}

async fn open<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static>(io: IO) -> Result<Sender> {
    let (sender, connection) = handshake(TokioIo::new(io)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn each(mut sender: Sender, host: HeaderValue, count: usize) -> Result<Vec<u64>> {
    let mut nanos = Vec::with_capacity(count);
    for _ in 0..count {
        let sent = Instant::now();
        let request = Request::get("/").header("host", &host);
        sender.ready().await?;
        let response = sender.send_request(request.body(Empty::new())?).await?;
        ensure!(response.status() == 200, "answered {}", response.status());
        response.into_body().collect().await?;
        nanos.push(u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(nanos)
}

/// Through the waypoint, as a node proxy goes.
fn route(waypoint: SocketAddr, host: &str) -> Result<Route> {
    let mut connect = Connect::new(format!("{host}:80").parse()?);
    let baggage = "k8s.cluster.name=east,k8s.namespace.name=bench,k8s.deployment.name=client,service.name=client";
    connect.baggage = HeaderValue::from_static(baggage).into();
    Ok(Route::new(waypoint, Hop::new(connect, secrets::peer()?)))
}
