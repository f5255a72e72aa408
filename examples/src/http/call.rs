use std::error::Error;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::ext::on_informational;

use super::account::Account;
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
    /// Sends it to one server after another until one has it. Once a byte of it may have left there is no other one, unless no server
    /// can have looked at it, or it [can be said twice](may_repeat).
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
            let (lane, mut connection) =
                match chosen.destination.connection(request.version()).await {
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
                    let fault = Fault::Handshake(in_full(error.error()));
                    let unsent = error.take_message();
                    let may_repeat =
                        |spare: &Request<Body>| may_repeat(spare, &connection, error.error());
                    request = match unsent.or_else(|| again.take().filter(may_repeat)) {
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

/// Says how a body of unknown length comes over HTTP/1.1: without that, none would be expected behind some methods. And that there is
/// none, where one is usual (RFC 9110 section 8.6).
pub(super) fn frame(request: &mut Request<Body>) {
    if request.version() == Version::HTTP_2 || request.headers().contains_key(CONTENT_LENGTH) {
        return;
    }
    if !hyper::body::Body::is_end_stream(request.body()) {
        let chunked = HeaderValue::from_static("chunked");
        request.headers_mut().insert(TRANSFER_ENCODING, chunked);
    } else if matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    ) {
        request.headers_mut().insert(CONTENT_LENGTH, 0.into());
    }
}

/// The request once more, if it has no body.
fn spare(request: &Request<Body>) -> Option<Request<Body>> {
    if !hyper::body::Body::is_end_stream(request.body()) {
        return None;
    }
    let mut again = Request::new(nothing());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    *again.version_mut() = request.version();
    Some(again)
}

/// Whether a request that has left may be said a second time: if the server says that it has not looked at it, or if it changes
/// nothing (RFC 9110 section 9.2.1) and its connection, which had carried others, was closed without a word: servers close those that
/// are idle, and may do so while a request is on its way.
fn may_repeat(request: &Request<Body>, connection: &Connection, error: &hyper::Error) -> bool {
    let cause = error.source();
    if let Some(cause) = cause.and_then(|cause| cause.downcast_ref::<h2::Error>())
        && !cause.is_io()
    {
        // RFC 9113 section 8.7.
        let is_refused = cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        return cause.is_remote() && (is_refused || cause.is_go_away());
    }
    let is_silent = !error.is_parse() && !error.is_parse_too_large();
    is_silent && connection.is_used() && request.method().is_safe()
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
