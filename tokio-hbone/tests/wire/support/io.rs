//! Pipes.

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};

/// Anything that bytes go through.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// What a peer is given, wherever on a route it stands.
pub(crate) type BoxIo = Box<dyn Io>;

/// The two ends of a connection.
pub(crate) fn pipe() -> (DuplexStream, DuplexStream) {
    duplex(64 << 10)
}
