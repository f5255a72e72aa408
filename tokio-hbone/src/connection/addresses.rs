use std::net::SocketAddr;

/// The two ends of the socket below a connection. Of a [`TcpListener`](tokio::net::TcpListener) for both families, IPv4 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a connection has two ends")]
pub struct Addresses {
    /// Where the client connected from.
    pub client: SocketAddr,
    /// Where it connected to: what [`DestinationPolicy::local_only`](hbone::policy::DestinationPolicy::local_only) wants
    /// to know.
    pub server: SocketAddr,
}
