use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, StatusCode};
use peer_meta::labels::HttpOutcome;
use peer_meta::{DestinationService, Exchange};

use super::progress::Progress;
use super::{Client, Refusal, ResponseFlag};
use crate::access_log::{Access, Asked, Passed};
use crate::metrics::{Metrics, RequestReport};

/// What is kept of one request, for the metrics and the log. Both are written when it is dropped.
#[derive(Debug)]
pub(super) struct Account {
    metrics: Arc<Metrics>,
    client: Arc<Client>,
    pub(super) exchange: Exchange,
    pub(super) service: Option<Arc<DestinationService>>,
    pub(super) next: Option<SocketAddr>,
    pub(super) progress: Arc<Progress>,
    asked: Asked,
    is_grpc: bool,
    began: Instant,
    status: Option<StatusCode>,
    grpc_status: Option<u16>,
    received: u64,
    is_over: bool,
    flag: ResponseFlag,
    error: Option<String>,
}

impl Account {
    pub(super) fn new(
        metrics: &Arc<Metrics>,
        client: &Arc<Client>,
        asked: Asked,
        is_grpc: bool,
    ) -> Self {
        let began = Instant::now();
        Self {
            metrics: Arc::clone(metrics),
            client: Arc::clone(client),
            exchange: client.exchange.for_request(began),
            service: None,
            next: None,
            progress: Arc::default(),
            asked,
            is_grpc,
            began,
            status: None,
            grpc_status: None,
            received: 0,
            is_over: false,
            flag: ResponseFlag::None,
            error: None,
        }
    }

    /// The server has begun to answer.
    pub(super) fn handle_head(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.status = Some(status);
        self.grpc_status = grpc_status(headers).or(self.grpc_status);
        self.progress.handle_answered();
    }

    pub(super) fn handle_trailers(&mut self, trailers: &HeaderMap) {
        self.grpc_status = grpc_status(trailers).or(self.grpc_status);
    }

    pub(super) fn add_received(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(bytes);
    }

    /// All of the answer has passed.
    pub(super) const fn complete(&mut self) {
        self.is_over = true;
    }

    /// It ended in the middle.
    pub(super) fn fail(&mut self, flag: ResponseFlag, error: String) {
        self.is_over = true;
        self.flag = flag;
        self.error = Some(error);
    }

    /// We answer it ourselves.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        self.fail(refusal.flag, refusal.reason.to_string());
        self.status = Some(match self.is_grpc {
            true => StatusCode::OK,
            false => refusal.status,
        });
        self.grpc_status = self.is_grpc.then(|| refusal.grpc_status());
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if !self.is_over {
            self.fail(
                ResponseFlag::ClientGone,
                "the client was gone before the end of the answer".to_owned(),
            );
        }
        let code = self.status.map_or(0, |status| status.as_u16());
        let outcome = match self.is_grpc {
            true => HttpOutcome::Grpc {
                code,
                status: self.grpc_status,
            },
            false => HttpOutcome::Http { code },
        };
        let passed = Passed::new(self.received, self.progress.sent(), self.began.elapsed());
        self.metrics.request(
            &self.exchange,
            &RequestReport {
                service: self.service.as_deref(),
                outcome,
                flags: self.flag.as_str(),
                passed,
            },
        );
        let next = self.next.unwrap_or(self.client.server);
        let mut access = Access::new(
            self.client.direction,
            self.client.address,
            next,
            &self.exchange,
        );
        access.authority = self.client.authority.as_ref();
        access.service = self.service.as_deref();
        access.answered(
            &self.asked,
            code,
            self.flag.as_str(),
            passed,
            self.error.as_deref(),
        );
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
