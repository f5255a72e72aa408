use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::combinators::BoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::topology::{Party, Protocol, Service};
use crate::ui::Condition;

/// Who answered a request.
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// The application of one endpoint: sends back what it gets, in the state in which the switches want it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    address: SocketAddr,
    protocol: Protocol,
    condition: watch::Receiver<Condition>,
    served: AtomicU64,
}

impl Server {
    /// Listens, until it is told to stop and then again.
    pub(crate) async fn start(
        service: &Service,
        party: &'static Party,
        condition: watch::Receiver<Condition>,
    ) -> Result<Arc<Self>> {
        let server = Arc::new(Self {
            name: party.name,
            address: party.at(service.port()),
            protocol: service.protocol,
            condition,
            served: AtomicU64::new(0),
        });
        let address = server.address;
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| {
            format!("cannot listen on {address} for a server; is another demo running?")
        })?;
        tokio::spawn(Arc::clone(&server).run(listener));
        Ok(server)
    }

    /// How many connections or requests it has served.
    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    async fn run(self: Arc<Self>, first: TcpListener) {
        let mut listener = Some(first);
        let mut condition = self.condition.clone();
        loop {
            let is_stopped = condition.borrow_and_update().stopped;
            if is_stopped {
                listener = None;
            } else if listener.is_none() {
                listener = TcpListener::bind(self.address).await.ok();
            }
            let accepting = Arc::clone(&self).accept(listener.as_ref());
            tokio::select! {
                changed = condition.changed() => if changed.is_err() {
                    return;
                },
                () = accepting => sleep(PAUSE).await,
            }
        }
    }

    /// Serves whoever comes; ends where that is not possible.
    async fn accept(self: Arc<Self>, listener: Option<&TcpListener>) {
        let Some(listener) = listener else {
            return std::future::pending().await;
        };
        while let Ok((socket, _)) = listener.accept().await {
            let server = Arc::clone(&self);
            tokio::spawn(async move {
                let mut condition = server.condition.clone();
                tokio::select! {
                    // The proxy before it has told of what went wrong, if anything did.
                    _ = server.serve(socket) => {}
                    Ok(_) = condition.wait_for(|condition| condition.stopped) => {}
                }
            });
        }
    }

    async fn serve(&self, socket: TcpStream) -> io::Result<()> {
        match self.protocol {
            Protocol::Tcp => self.echo(socket).await,
            Protocol::Http => {
                let answer = service_fn(|request| self.answer(request));
                let serving = http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
                serving.await.map_err(io::Error::other)
            }
        }
    }

    async fn echo(&self, mut socket: TcpStream) -> io::Result<()> {
        self.served.fetch_add(1, Ordering::Relaxed);
        sleep(self.delay()).await;
        let (mut reader, mut writer) = socket.split();
        tokio::io::copy(&mut reader, &mut writer).await?;
        writer.shutdown().await
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Infallible> {
        self.served.fetch_add(1, Ordering::Relaxed);
        sleep(self.delay()).await;
        let mut response = Response::new(BoxBody::new(request.into_body()));
        let name = HeaderValue::from_static(self.name);
        response.headers_mut().insert(SERVED_BY, name);
        Ok(response)
    }

    fn delay(&self) -> Duration {
        self.condition.borrow().delay
    }
}

/// Before it is tried again to listen or to accept.
const PAUSE: Duration = Duration::from_millis(100);
