use std::fmt;
use std::sync::Arc;

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::account::Account;
use super::balancer::Balancer;
use super::body::{Body, nothing};
use super::call::{Call, frame, hear};
use super::expectation::Expectation;
use super::homeward::{clean, finish};
use super::interim::Before;
use super::lost::too_large;
use super::onward::address;
use super::patience::within;
use super::progress::Progress;
use super::screen::{is_grpc, screen};
use super::upgrade::{Upgrades, forgo};
use super::upload::Upload;
use super::{Client, Limits, Meant, Refusal, ResponseFlag, Routing};
use crate::access_log::Asked;
use crate::mesh_file::MeshWatch;
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
        beside: Option<Beside>,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let mut upgrade = parts.extensions.remove::<OnUpgrade>();
        let is_grpc = is_grpc(&parts.headers);
        let asked = Asked::new(&parts);
        let mut account = Box::new(Account::new(&self.metrics, &client, asked, is_grpc));
        if let Some(beside) = &beside {
            account.progress = Arc::clone(&beside.progress);
        }
        if hyper::body::Body::is_end_stream(&body) {
            account.progress.handle_whole();
        }
        let (version, is_head) = (parts.version, parts.method == Method::HEAD);
        let (upgrades, before) = beside
            .map(|beside| (beside.upgrades, beside.before))
            .unzip();
        let incoming = Arrived {
            parts,
            body,
            is_grpc,
            // Who speaks HTTP/1.0 knows nothing of it.
            before: before.filter(|_| version == Version::HTTP_11),
        };
        let work = Box::pin(self.work(&client, incoming, &mut account));
        match work.await {
            Ok(response) => {
                let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                let ours = upgrade.take_if(|_| switches);
                forgo(upgrade);
                finish(response, ours.zip(upgrades), account)
            }
            Err(refusal) => {
                forgo(upgrade);
                account.refuse(&refusal);
                // What else comes of its body is for nobody, and hyper will not read it.
                let refusal = match account.progress.is_whole() {
                    true => refusal,
                    false => refusal.closing(),
                };
                let response = refusal.response(is_grpc, version == Version::HTTP_2);
                match is_head {
                    true => response.map(|_| nothing()),
                    false => response,
                }
            }
        }
    }

    /// Counts and logs what was refused although nobody could read it as a request.
    pub(super) fn refuse_unread(&self, client: &Arc<Client>, refusal: &Refusal) {
        self.unread(client, Version::HTTP_11).refuse(refusal);
    }

    /// The same of a connection of HTTP/2 that ended since its client broke the rules, to whom nothing was answered.
    pub(super) fn fail_unread(&self, client: &Arc<Client>, reason: String) {
        let mut account = self.unread(client, Version::HTTP_2);
        account.fail(ResponseFlag::ClientFault, reason);
    }

    fn unread(&self, client: &Arc<Client>, version: Version) -> Account {
        let asked = Asked::unread(version);
        let mut account = Account::new(&self.metrics, client, asked, false);
        let meant = client.meant.as_ref();
        account.service = meant.and_then(|meant| meant.service(&self.mesh.current()));
        account
    }

    async fn work(
        &self,
        client: &Arc<Client>,
        arrived: Arrived,
        account: &mut Account,
    ) -> Result<Response<Incoming>, Refusal> {
        let Arrived {
            mut parts,
            body,
            is_grpc,
            before,
        } = arrived;
        let screened = screen(&mut parts, &self.limits)?;
        self.check_length(&body)?;
        let site = self.mesh.current();
        let host = screened.host.as_ref();
        let meant = self.routing.route(&site, client, host)?;
        account.service = meant.service(&site);
        let patience = (!is_grpc).then_some(self.limits.body_timeout);
        let progress = Arc::clone(&account.progress);
        let mut upload = Upload::new(body, Arc::clone(&progress), &self.limits, patience);
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
        if version != Version::HTTP_2 {
            let go_ahead = screened.expects.then(|| {
                let (expectation, go_ahead) = Expectation::new();
                upload.expect(expectation);
                go_ahead
            });
            hear(&mut request, go_ahead, before);
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
        let mut response = within(patience, &progress, call.make(request)).await?;
        clean(&mut response, screened.is_websocket)?;
        Ok(response)
    }

    fn check_length(&self, body: &Incoming) -> Result<(), Refusal> {
        let length = hyper::body::Body::size_hint(body).lower();
        match self.limits.max_body.filter(|most| length > *most) {
            Some(most) => Err(too_large(most)),
            None => Ok(()),
        }
    }
}

/// What a connection of HTTP/1 can do besides requests and answers.
#[derive(Debug)]
pub(super) struct Beside {
    /// Takes what becomes of it.
    pub(super) upgrades: Upgrades,
    /// Takes what is said before the answer.
    pub(super) before: Before,
    /// Tells how far the request is.
    pub(super) progress: Arc<Progress>,
}

/// A request as it came.
struct Arrived {
    parts: Parts,
    body: Incoming,
    is_grpc: bool,
    before: Option<Before>,
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
