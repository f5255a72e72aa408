use tokio_rustls::{client, server};

use crate::batched::{Batched, Flusher};
use crate::observed::Observed;
use crate::read_ahead::ReadAhead;
use crate::sealed::Sealed;

/// What is between the HTTP/2 of a client's connection and the socket.
pub(crate) type ClientWire<IO> = Batched<Below<client::TlsStream<ReadAhead<IO>>>>;

/// What is between the HTTP/2 of a server's connection and the socket.
pub(crate) type ServerWire<IO> = Batched<Below<server::TlsStream<ReadAhead<IO>>>>;

/// What sends what a client's connection has written.
pub(crate) type ClientFlusher<IO> = Flusher<Below<client::TlsStream<ReadAhead<IO>>>>;

/// What sends what a server's connection has written.
pub(crate) type ServerFlusher<IO> = Flusher<Below<server::TlsStream<ReadAhead<IO>>>>;

type Below<S> = Observed<Sealed<S>>;
