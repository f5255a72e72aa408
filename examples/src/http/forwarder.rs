use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;

use super::account::Account;
use super::balancer::{Balancer, Chosen};
use super::body::Body;
use super::connection::Connection;
use super::expectation::Expectation;
use super::fault::Fault;
use super::homeward::finish;
use super::lane::Lane;
use super::onward::address;
use super::progress::Broken;
use super::screen::{is_grpc, screen};
use super::upgrade::{Upgrades, forgo};
use super::upload::Upload;
use super::{Client, Limits, Meant, Refusal, ResponseFlag, Routing};
use crate::mesh_file::{MeshWatch, Site};
use crate::metrics::Metrics;

/// Carries requests to servers and answers back, one by one.
pub struct Forwarder {
    mesh: MeshWatch,
    metrics: Arc<Metrics>,
    balancer: Arc<Balancer>,
    limits: Limits,
    routing: Box<dyn Routing>,
    /// Whether a request that is not gRPC goes on in HTTP/1.1, whatever it came in.
    downgrades: bool,
}

/// How many servers are tried for one request, as long as nothing of it has left.
const TRIES: usize = 3;

impl Forwarder {
    /// Carries what `routing` knows the way of.
    #[must_use]
    pub fn new(
        mesh: MeshWatch,
        metrics: Arc<Metrics>,
        balancer: Arc<Balancer>,
        limits: Limits,
        routing: impl Routing,
    ) -> Self {
        Self {
            mesh,
            metrics,
            balancer,
            limits,
            routing: Box::new(routing),
            downgrades: false,
        }
    }

    /// The same, but requests that are not gRPC go on in HTTP/1.1: for clients whose HTTP/2 says nothing about the servers'.
    #[must_use]
    pub const fn with_downgrade(mut self, downgrades: bool) -> Self {
        self.downgrades = downgrades;
        self
    }

    /// The metrics.
    pub(super) const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Who shares out.
    #[must_use]
    pub(super) const fn balancer(&self) -> &Arc<Balancer> {
        &self.balancer
    }

    /// Answers one request, whatever it takes. If it is to become something else, its connection is handed that.
    pub(super) async fn forward(
        &self,
        client: Arc<Client>,
        request: Request<Incoming>,
        upgrades: &Upgrades,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let mut upgrade = parts.extensions.remove::<OnUpgrade>();
        let is_grpc = is_grpc(&parts.headers);
        let mut account = Box::new(Account::new(&self.metrics, &client, &parts, is_grpc));
        let version = parts.version;
        let work = Box::pin(self.work(&client, parts, body, &mut account, is_grpc));
        match work.await {
            Ok(Answer {
                response,
                is_websocket,
            }) => {
                let switches = is_websocket && response.status() == StatusCode::SWITCHING_PROTOCOLS;
                let ours = upgrade.take_if(|_| switches);
                forgo(upgrade);
                finish(response, ours.map(|ours| (ours, upgrades)), account)
            }
            Err(refusal) => {
                forgo(upgrade);
                account.refuse(&refusal);
                refusal.response(is_grpc, version == Version::HTTP_2)
            }
        }
    }

    async fn work(
        &self,
        client: &Arc<Client>,
        mut parts: Parts,
        body: Incoming,
        account: &mut Account,
        is_grpc: bool,
    ) -> Result<Answer, Refusal> {
        let screened = screen(&mut parts, &self.limits)?;
        self.check_length(&body)?;
        let site = self.mesh.current();
        let host = screened.host.as_ref();
        let meant = self.routing.route(&site, client, host)?;
        account.service = meant.service(&site);
        let patience = (!is_grpc).then_some(self.limits.body_timeout);
        let progress = Arc::clone(&account.progress);
        let mut upload = Upload::new(body, progress, self.limits.max_body, patience);
        let version = match parts.version {
            Version::HTTP_2 if is_grpc || !self.downgrades => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        address(&mut parts, version, host, &meant, client)?;
        if screened.is_websocket {
            let headers = &mut parts.headers;
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        let mut request = Request::from_parts(parts, ());
        if screened.expects && version != Version::HTTP_2 {
            upload = upload.expecting(Expectation::of(&mut request));
        }
        let mut request = request.map(|()| upload.boxed_unsync());
        frame(&mut request);
        let call = Call {
            forwarder: self,
            site: &site,
            meant: &meant,
            account,
        };
        let service = match &meant {
            Meant::Service { service, .. } => Some(service.hostname()),
            Meant::Workload(_) => None,
        };
        let patience = self.limits.response_timeout(service);
        let response = within(patience, call.make(request)).await?;
        Ok(Answer {
            response,
            is_websocket: screened.is_websocket,
        })
    }

    fn check_length(&self, body: &Incoming) -> Result<(), Refusal> {
        let length = hyper::body::Body::size_hint(body).lower();
        match self.limits.max_body.filter(|most| length > *most) {
            Some(most) => Err(too_large(most)),
            None => Ok(()),
        }
    }
}

async fn within(
    patience: Option<Duration>,
    call: impl Future<Output = Result<Response<Incoming>, Refusal>>,
) -> Result<Response<Incoming>, Refusal> {
    let Some(patience) = patience else {
        return call.await;
    };
    timeout(patience, call).await.unwrap_or_else(|_| {
        let reason = format!(
            "the server did not begin to answer within {patience:?}; see --response-timeout"
        );
        let flag = ResponseFlag::TimedOut;
        Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, flag, reason))
    })
}

struct Answer {
    response: Response<Incoming>,
    is_websocket: bool,
}

/// One request on its way to a server that takes it.
struct Call<'c> {
    forwarder: &'c Forwarder,
    site: &'c Arc<Site>,
    meant: &'c Meant,
    account: &'c mut Account,
}

impl Call<'_> {
    /// Sends it to one server after another until one has it. Once a byte of it may have left there is no other one, unless it
    /// can be said twice.
    async fn make(self, mut request: Request<Body>) -> Result<Response<Incoming>, Refusal> {
        let mut tried = Vec::new();
        let mut failed: Option<Fault> = None;
        let mut again = spare(&request);
        for _ in 0..TRIES {
            let balancer = &self.forwarder.balancer;
            let chosen = match balancer.choose(self.site, self.meant, &tried) {
                Ok(chosen) => chosen,
                Err(fault) => return Err(failed.unwrap_or(fault).refusal()),
            };
            let (lane, mut connection) = match self.connect(&chosen, request.version()).await {
                Ok(connected) => connected,
                Err(fault) => {
                    tracing::debug!(%fault, "a server did not take a connection");
                    balancer.handle_failed(&chosen);
                    tried.push(chosen.uid.clone());
                    failed = Some(fault);
                    continue;
                }
            };
            balancer.handle_connected(&chosen);
            self.account.next = Some(connection.answered.address);
            connection
                .answered
                .tell(&mut self.account.exchange, self.site);
            match connection.send(request).await {
                Ok(response) => {
                    keep(lane, connection);
                    return Ok(response);
                }
                Err(mut error) => {
                    chosen.destination.handle_lost(&lane);
                    let fault = Fault::Handshake(error.error().to_string());
                    request = match error.take_message().or_else(|| again.take()) {
                        Some(request) if self.account.progress.broken().is_none() => request,
                        _ => return Err(self.lost(error.error())),
                    };
                    failed = Some(fault);
                }
            }
        }
        Err(failed.unwrap_or(Fault::NobodyElse).refusal())
    }

    async fn connect(
        &self,
        chosen: &Chosen,
        version: Version,
    ) -> Result<(Arc<Lane>, Connection), Fault> {
        let lane = chosen.destination.lane().await?;
        match lane.connection(version).await {
            Ok(connection) => Ok((lane, connection)),
            Err(fault) => {
                chosen.destination.handle_lost(&lane);
                Err(fault)
            }
        }
    }

    /// Why there is no answer to a request that has left.
    fn lost(&self, error: &hyper::Error) -> Refusal {
        match self.account.progress.broken() {
            Some(Broken::TooLarge) => {
                return too_large(self.forwarder.limits.max_body.unwrap_or_default());
            }
            Some(Broken::TooSlow) => {
                let reason = "the body of the request paused for too long; see --body-timeout";
                return Refusal::client(StatusCode::REQUEST_TIMEOUT, reason).closing();
            }
            Some(Broken::ClientGone) => {
                let reason = "the client broke its request off";
                return Refusal::new(StatusCode::BAD_REQUEST, ResponseFlag::ClientGone, reason)
                    .closing();
            }
            None => {}
        }
        let is_malformed = error.is_parse();
        let (flag, what) = match is_malformed {
            true => (ResponseFlag::ServerFault, "the server's answer is no HTTP"),
            false => (
                ResponseFlag::ServerGone,
                "the server broke its connection off before it answered",
            ),
        };
        Refusal::new(StatusCode::BAD_GATEWAY, flag, format!("{what}: {error}"))
    }
}

/// Says how a body of unknown length comes over HTTP/1.1: without that, none would be expected behind some methods.
fn frame(request: &mut Request<Body>) {
    let is_framed = request.version() == Version::HTTP_2
        || hyper::body::Body::is_end_stream(request.body())
        || request.headers().contains_key(CONTENT_LENGTH);
    if !is_framed {
        let chunked = HeaderValue::from_static("chunked");
        request.headers_mut().insert(TRANSFER_ENCODING, chunked);
    }
}

/// The request once more, if it can be said twice: it changes nothing (RFC 9110 section 9.2.2), and has no body.
fn spare(request: &Request<Body>) -> Option<Request<Body>> {
    if !request.method().is_idempotent() || !hyper::body::Body::is_end_stream(request.body()) {
        return None;
    }
    let none = http_body_util::Empty::new().map_err(|never| match never {});
    let mut again = Request::new(none.boxed_unsync());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    *again.version_mut() = request.version();
    Some(again)
}

/// Puts the connection back as soon as the answer has been read to its end.
fn keep(lane: Arc<Lane>, connection: Connection) {
    if connection.version() == Version::HTTP_2 {
        return;
    }
    tokio::spawn(async move {
        if let Some(connection) = connection.ready().await {
            lane.keep(connection);
        }
    });
}

fn too_large(most: u64) -> Refusal {
    let reason = format!("the body of the request is larger than {most} bytes; see --max-body");
    Refusal::client(StatusCode::PAYLOAD_TOO_LARGE, reason).closing()
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
