use std::borrow::Cow;
use std::time::SystemTime;

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use httpdate::fmt_http_date;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{Body, ResponseFlag};

/// An answer of the proxy's own: why a request went nowhere, or came back without the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The reason in short, for metrics.
    pub flag: ResponseFlag,
    /// The reason for a person: what is wrong, and what to do.
    pub reason: Cow<'static, str>,
    /// Whether what else may come on this connection cannot be trusted.
    pub closes: bool,
}

impl Refusal {
    /// Something else.
    #[must_use]
    pub fn new(
        status: StatusCode,
        flag: ResponseFlag,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            flag,
            reason: reason.into(),
            closes: false,
        }
    }

    /// It is the client's fault.
    #[must_use]
    pub fn client(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, ResponseFlag::ClientFault, reason)
    }

    /// The same, and the connection ends with it: what follows may be part of this request.
    #[must_use]
    pub const fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The answer: a line of text, or to gRPC a status of its own, in a response without a body.
    pub(super) fn response(&self, is_grpc: bool, keeps_connections: bool) -> Response<Body> {
        let mut response = match is_grpc {
            true => self.grpc(),
            false => self.plain(),
        };
        if self.closes && !keeps_connections {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response
    }

    /// The same as it is written in HTTP/1.1, to whoever has not asked for anything that can be read.
    pub(super) fn http1(&self) -> String {
        let text = self.text();
        format!(
            "HTTP/1.1 {}\r\ncontent-type: {PLAIN}\r\ncontent-length: {}\r\nconnection: close\r\ndate: {}\r\n\r\n{text}",
            self.status,
            text.len(),
            fmt_http_date(SystemTime::now()),
        )
    }

    fn text(&self) -> String {
        format!("{}\n", self.reason)
    }

    fn plain(&self) -> Response<Body> {
        let text = Full::new(self.text().into());
        let mut response = Response::new(text.map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE";
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        response
    }

    fn grpc(&self) -> Response<Body> {
        let none = Full::default().map_err(|never| match never {});
        let mut response = Response::new(none.boxed_unsync());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", self.grpc_status().into());
        let message = utf8_percent_encode(&self.reason, &NOT_IN_MESSAGES).to_string();
        if let Ok(message) = message.try_into() {
            headers.insert("grpc-message", message);
        }
        response
    }

    /// The status of gRPC for one of HTTP, as gRPC's own table has it (doc/http-grpc-status-mapping.md), but for what was too large.
    pub(super) fn grpc_status(&self) -> u16 {
        match self.status {
            StatusCode::UNAUTHORIZED => 16,
            StatusCode::FORBIDDEN => 7,
            StatusCode::NOT_FOUND => 12,
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => 8,
            StatusCode::BAD_REQUEST => 13,
            StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS => 14,
            _ => 2,
        }
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// What gRPC wants encoded in `grpc-message`.
const NOT_IN_MESSAGES: AsciiSet = CONTROLS.add(b'%');
