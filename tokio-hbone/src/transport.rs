use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How the outermost hop of a route is reached: by TCP, unless the caller has a way of its own.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Connect>);

/// What a connection can be made in.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for IO {}

/// Something under a connection, whatever it is.
pub(crate) type BoxIo = Box<dyn Io>;

type Connect = dyn Fn(SocketAddr) -> Connecting + Send + Sync;
type Connecting = Pin<Box<dyn Future<Output = io::Result<BoxIo>> + Send>>;

impl Transport {
    pub(crate) fn tcp() -> Self {
        Self::new(|address| async move {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(socket)
        })
    }

    pub(crate) fn new<F, C, IO>(connect: F) -> Self
    where
        F: Fn(SocketAddr) -> C + Send + Sync + 'static,
        C: Future<Output = io::Result<IO>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(Arc::new(move |address| {
            let connecting = connect(address);
            Box::pin(async move { connecting.await.map(|io| Box::new(io) as BoxIo) })
        }))
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> Connecting {
        (self.0)(address)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
