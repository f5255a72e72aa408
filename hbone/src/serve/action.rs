use std::net::SocketAddr;

use crate::policy::Checked;
use crate::{Authority, Reject};

/// What the server has to do for one CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServeAction {
    /// Ask the directory or the resolver where this leads. Answer with
    /// [`Serve::handle_resolved`](super::Serve::handle_resolved) or
    /// [`Serve::handle_unresolved`](super::Serve::handle_unresolved).
    Resolve(Authority),
    /// Open a TCP connection to exactly this address. Answer with [`Serve::handle_connected`](super::Serve::handle_connected) or
    /// [`Serve::handle_connect_failed`](super::Serve::handle_connect_failed).
    Connect(Attempt, Checked<SocketAddr>),
    /// Drop the query or the attempt that is under way; its answer is not wanted any more.
    Abandon,
    /// Answer 200. The upstream is connected; the stream is now a tunnel, see [`Lifecycle`](crate::Lifecycle).
    Accept,
    /// Answer this, and END_STREAM with it.
    Reject(Reject),
}

/// Which attempt to connect an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub(super) u32);
