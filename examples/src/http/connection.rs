use std::sync::Arc;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::answered::Answered;
use super::body::Body;
use super::fault::{Fault, in_full};
use super::lane::Opened;

/// An HTTP connection to a server, or one stream of it.
#[derive(Debug)]
pub(super) struct Connection {
    sender: Sender,
    pub(super) answered: Arc<Answered>,
    /// Whether it has carried a request already.
    is_used: bool,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2 {
        sender: http2::SendRequest<Body>,
        /// As long as it is there, it counts.
        _place: Arc<()>,
    },
}

/// An HTTP/2 connection that many requests share.
#[derive(Debug)]
pub(super) struct Http2 {
    sender: http2::SendRequest<Body>,
    answered: Arc<Answered>,
    /// Cloned for each request.
    places: Arc<()>,
    is_used: bool,
}

/// How many requests share an HTTP/2 connection, which is what servers usually allow.
const MOST: usize = 100;
/// The largest head of an answer, in bytes, and in headers.
pub(super) const MOST_HEAD: usize = 256 << 10;
pub(super) const MOST_HEADERS: usize = 400;
/// For each answer, and for all of a connection: what a server may send ahead of a client that is slow to read.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

impl Connection {
    /// Speaks HTTP/1.1.
    pub(super) async fn http1(opened: Opened) -> Result<Self, Fault> {
        let io = TokioIo::new(opened.io.into_io());
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MOST_HEAD)
            .max_headers(MOST_HEADERS)
            .handshake(io)
            .await
            .map_err(handshake)?;
        tokio::spawn(async move {
            // Whoever has a request on it learns the same.
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "an HTTP/1 connection to a server ended");
            }
        });
        Ok(Self {
            sender: Sender::Http1(sender),
            answered: Arc::new(opened.answered),
            is_used: false,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => !sender.is_closed(),
            Sender::Http2 { sender, .. } => !sender.is_closed(),
        }
    }

    pub(super) const fn is_used(&self) -> bool {
        self.is_used
    }

    pub(super) const fn version(&self) -> Version {
        match &self.sender {
            Sender::Http1(_) => Version::HTTP_11,
            Sender::Http2 { .. } => Version::HTTP_2,
        }
    }

    /// Sends the request. What has not left comes back with the error.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::Http2 { sender, .. } => sender.try_send_request(request).await,
        }
    }

    /// Waits until the answer has been read to its end; `None` if that is never, or others share the connection anyway.
    pub(super) async fn ready(mut self) -> Option<Self> {
        let Sender::Http1(sender) = &mut self.sender else {
            return None;
        };
        sender.ready().await.ok()?;
        self.is_used = true;
        Some(self)
    }
}

impl Http2 {
    /// Speaks HTTP/2 with prior knowledge.
    pub(super) async fn over(opened: Opened) -> Result<Self, Fault> {
        let io = TokioIo::new(opened.io.into_io());
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(MOST_HEAD).unwrap_or(u32::MAX))
            .handshake(io)
            .await
            .map_err(handshake)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an HTTP/2 connection to a server ended");
            }
        });
        Ok(Self {
            sender,
            answered: Arc::new(opened.answered),
            places: Arc::default(),
            is_used: false,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) fn has_room(&self) -> bool {
        Arc::strong_count(&self.places) <= MOST
    }

    /// For one more request.
    pub(super) fn take(&mut self) -> Connection {
        Connection {
            is_used: std::mem::replace(&mut self.is_used, true),
            sender: Sender::Http2 {
                sender: self.sender.clone(),
                _place: Arc::clone(&self.places),
            },
            answered: Arc::clone(&self.answered),
        }
    }
}

fn handshake(error: hyper::Error) -> Fault {
    Fault::Handshake(in_full(&error))
}
