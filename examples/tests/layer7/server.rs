use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hbone::Accept;
use hbone_examples::http::{Protocol, sniff};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_hbone::tls::{PemFiles, ServerTls};
use tokio_hbone::{Acceptor, Handler, Incoming as Asked, Server as Tunnels, Tunnel};

use crate::process::PATIENCE;
use crate::setting::Setting;

/// A pod: what ends tunnels there, and the application behind it in one. It ends with this.
pub(crate) struct Server {
    serving: JoinHandle<()>,
    held: watch::Sender<Held>,
}

/// Requests that wait until the test lets them go.
#[derive(Debug, Default)]
struct Held {
    count: usize,
    are_released: bool,
}

/// What one of them does.
#[derive(Clone)]
struct Pod {
    name: Arc<str>,
    delay: Duration,
    held: watch::Sender<Held>,
}

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

impl Server {
    /// On the address that ends with this byte, which is its name, too; every answer takes `delay`.
    pub(crate) async fn start(setting: &Setting, last: u8, delay: Duration) -> Self {
        let world = &setting.world;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let files = PemFiles::new(world.file("echo.pem"), world.file("echo.key"))
            .with_bundle("cluster.local", world.file("root.pem"));
        let watch = files.watch(&provider, |_| {}).expect("certificates");
        let tls = ServerTls::from_source(provider, watch).expect("a configuration");
        let listener = TcpListener::bind((world.ip(last), hbone::PORT))
            .await
            .expect("a free address");
        let pod = Pod {
            name: last.to_string().into(),
            delay,
            held: watch::Sender::default(),
        };
        let held = pod.held.clone();
        let serving = tokio::spawn(Tunnels::new(Acceptor::new(tls), pod).run(listener));
        Self { serving, held }
    }

    /// Waits until so many requests to `/held` have come.
    pub(crate) async fn holds(&self, count: usize) {
        let mut held = self.held.subscribe();
        let all = held.wait_for(|held| held.count == count);
        timeout(PATIENCE, all)
            .await
            .expect("they come")
            .expect("it serves");
    }

    /// Answers them.
    pub(crate) fn release(&self) {
        self.held.send_modify(|held| held.are_released = true);
    }
}

impl Server {
    /// It is gone, and all its connections with it.
    pub(crate) async fn end(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Handler for Pod {
    async fn handle(&self, asked: Asked) {
        let baggage = "k8s.cluster.name=c-west,k8s.namespace.name=shop,k8s.deployment.name=echo,service.name=echo,service.version=v1";
        let accept = Accept::new([HeaderValue::from_static(baggage)].into_iter().collect());
        let Ok(tunnel) = asked.accept(&accept) else {
            return;
        };
        self.serve(tunnel).await;
    }
}

impl Pod {
    async fn serve(&self, tunnel: Tunnel) {
        let Ok((protocol, io)) = sniff(tunnel, Duration::from_secs(60)).await else {
            return;
        };
        let pod = self.clone();
        let service = service_fn(move |request| {
            let pod = pod.clone();
            async move { Ok::<_, Infallible>(pod.answer(request).await) }
        });
        let io = TokioIo::new(io);
        // How they end is the other end's matter.
        match protocol {
            Protocol::Http1 => {
                let _ = http1::Builder::new()
                    .serve_connection(io, service)
                    .with_upgrades()
                    .await;
            }
            Protocol::Http2 => {
                let server = http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(io, service).await;
            }
            _ => {
                let mut io = io.into_inner();
                let _ = io.write_all(self.name.as_bytes()).await;
                let (mut from, mut to) = tokio::io::split(io);
                let _ = copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            }
        }
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Response<Body> {
        sleep(self.delay).await;
        let mut response = match request.uri().path() {
            "/echo" => Response::new(request.into_body().boxed_unsync()),
            "/head" | "*" => Response::new(full(describe(&request))),
            "/trailers" => trailers(request).await,
            "/chat" => {
                let upgrading = hyper::upgrade::on(&mut request);
                tokio::spawn(async move {
                    let mut io = TokioIo::new(upgrading.await.expect("an upgrade"));
                    let mut said = [0; 5];
                    // Until the client has said all, or is gone.
                    while io.read_exact(&mut said).await.is_ok() {
                        said.reverse();
                        io.write_all(&said).await.expect("it is open");
                    }
                    let _ = io.shutdown().await;
                });
                let mut response = Response::new(full(String::new()));
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                let headers = response.headers_mut();
                headers.insert("connection", HeaderValue::from_static("Upgrade"));
                headers.insert("upgrade", HeaderValue::from_static("websocket"));
                response
            }
            "/mesh" => {
                let mut response = Response::new(full(String::new()));
                for name in [
                    "x-envoy-peer-metadata",
                    "x-envoy-peer-metadata-id",
                    "x-forwarded-network",
                    "x-istio-source",
                    "keep-alive",
                ] {
                    response
                        .headers_mut()
                        .insert(name, HeaderValue::from_static("secret"));
                }
                response
            }
            "/held" => {
                let mut held = self.held.subscribe();
                self.held.send_modify(|held| held.count += 1);
                let released = held.wait_for(|held| held.are_released).await;
                released.expect("the test goes on");
                Response::new(full(self.name.to_string()))
            }
            "/never" => std::future::pending().await,
            "/gone" => panic!("as a server that dies"),
            _ => Response::new(full(self.name.to_string())),
        };
        if let Ok(name) = HeaderValue::from_str(&self.name) {
            response.headers_mut().insert("x-served-by", name);
        }
        response
    }
}

/// The head of a request, a header a line.
fn describe(request: &Request<Incoming>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!(
            "{name}: {}\n",
            String::from_utf8_lossy(value.as_bytes())
        ));
    }
    text
}

/// Sends a body back, and its trailers, and one of its own.
async fn trailers(request: Request<Incoming>) -> Response<Body> {
    let version = request.version();
    let body = request.into_body().collect().await.expect("a body");
    let mut trailers: HeaderMap = body.trailers().cloned().unwrap_or_default();
    trailers.insert("grpc-status", HeaderValue::from_static("5"));
    let body = Full::new(body.to_bytes()).map_err(|never| match never {});
    let body = body.with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed_unsync());
    let headers = response.headers_mut();
    headers.insert("trailer", HeaderValue::from_static("grpc-status"));
    if version == Version::HTTP_11 {
        // A body of a known length would have none.
        headers.insert("transfer-encoding", HeaderValue::from_static("chunked"));
    }
    response
}

fn full(text: String) -> Body {
    let body = Full::new(text.into()).map_err(|never| match never {});
    body.boxed_unsync()
}
