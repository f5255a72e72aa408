use std::sync::Arc;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::ext::on_informational;

use super::account::Account;
use super::balancer::Chosen;
use super::body::{Body, nothing};
use super::connection::Connection;
use super::expectation::GoAhead;
use super::fault::{Fault, in_full};
use super::interim::Before;
use super::lane::Lane;
use super::lost::lost;
use super::{Forwarder, Meant, Refusal};
use crate::mesh_file::Site;

/// One request on its way to a server that takes it.
pub(super) struct Call<'c> {
    pub(super) forwarder: &'c Forwarder,
    pub(super) site: &'c Arc<Site>,
    pub(super) meant: &'c Meant,
    pub(super) account: &'c mut Account,
}

/// How many servers are tried for one request, as long as nothing of it has left.
const TRIES: usize = 3;

impl Call<'_> {
    /// Sends it to one server after another until one has it. Once a byte of it may have left there is no other one, unless it
    /// can be said twice.
    pub(super) async fn make(
        self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, Refusal> {
        let mut tried = Vec::new();
        let mut failed: Option<Fault> = None;
        let mut again = spare(&request);
        for _ in 0..TRIES {
            let balancer = self.forwarder.balancer();
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
                    let fault = Fault::Handshake(in_full(error.error()));
                    request = match error.take_message().or_else(|| again.take()) {
                        Some(request) if self.account.progress.broken().is_none() => request,
                        _ => {
                            let limits = self.forwarder.limits();
                            return Err(lost(error.error(), &self.account.progress, limits));
                        }
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
}

/// Has what the server says before its answer heard by whoever waits for it.
pub(super) fn hear<B>(request: &mut Request<B>, go_ahead: Option<GoAhead>, before: Option<Before>) {
    if go_ahead.is_none() && before.is_none() {
        return;
    }
    on_informational(request, move |response| match response.status() {
        // hyper says it to the client, when the body is read.
        StatusCode::CONTINUE => {
            if let Some(go_ahead) = &go_ahead {
                go_ahead.give();
            }
        }
        status => {
            if let Some(before) = &before {
                before.say(status, response.headers());
            }
        }
    });
}

/// Says how a body of unknown length comes over HTTP/1.1: without that, none would be expected behind some methods.
pub(super) fn frame(request: &mut Request<Body>) {
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
    let mut again = Request::new(nothing());
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
