//! HBONE over [`tokio`], [`h2`] and [`rustls`]: the tunnel of Istio's ambient mesh, to open and to accept.
//!
//! ```text
//!  Connector ──connect(&Route)──> Tunnel          Acceptor ──accept(io)──> Connection ──next()──> Incoming ──> Tunnel
//!      │                             ^                │
//!  tls::ClientTls                    │            tls::ServerTls
//!                AsyncRead + AsyncWrite, or Bytes without a copy
//! ```
//!
//! A [`Server`] is the right half with a listener, limits and an end: it accepts, gives each CONNECT to a [`Handler`] such as
//! a [`Relay`], and drains.
//!
//! A [`Pool`] keeps the connections of a [`Connector`] and shares them among tunnels; it is what a proxy uses.
//!
//! This crate is thin: what to say, whom to believe and what an event means is decided in the `hbone` crate, and carried out
//! here. A [`Tunnel`] is itself an IO, so the inner hop of double HBONE runs over the outer one unchanged.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use hbone::{Connect, Hop, Identity, Route};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio_hbone::Connector;
//! use tokio_hbone::tls::{ClientTls, Credentials, TrustBundles};
//!
//! # async fn client() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::from_pem(&std::fs::read("chain.pem")?, &std::fs::read("key.pem")?)?;
//! let bundles = TrustBundles::new().with_pem("cluster.local", &std::fs::read("root.pem")?)?;
//! let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
//! let connector = Connector::new(ClientTls::new(provider, credentials, bundles)?);
//!
//! let server = Identity::parse("spiffe://cluster.local/ns/shop/sa/stock")?;
//! let hop = Hop::new(Connect::new("10.0.0.2:8080".parse()?), server.into());
//! let mut tunnel = connector.connect(&Route::new("10.0.0.2:15008".parse()?, hop)).await?;
//! tunnel.write_all(b"hello").await?;
//! tunnel.shutdown().await?;
//! let mut answer = Vec::new();
//! tunnel.read_to_end(&mut answer).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The end of a tunnel
//!
//! A reader meets its end of file only where the peer has ended its half. A reset, whatever its reason, trailers, and a lost
//! connection are errors, so what was cut short never passes for whole. Shutting a writer down ends our half alone.
//!
//! # What operators see
//!
//! An [`Observer`] is told of every handshake, connection, tunnel and reset as it happens, and [`Stats`] are the figures at any
//! moment, at a client ([`Connector::with_observer`], [`Connector::stats`], [`Pool::stats`]) as at a server
//! ([`Acceptor::with_observer`], [`ServerHandle::stats`]).
//!
//! | feature | what it adds; none is on by default |
//! |---|---|
//! | `keylog` | **TLS secrets are written to the file that `SSLKEYLOGFILE` names: for debugging only**; see [`tls`] |
//! | `tracing` | a span for each connection and tunnel, and the events at level debug, with target `tokio_hbone` |
//!
//! # Memory that comes and goes
//!
//! A connection holds its buffers only while bytes move, so a busy one frees and allocates megabytes in a moment. glibc's allocator
//! gives them back to the kernel each time, unless told otherwise: a program that carries much should have it keep 16 MiB
//! (`MALLOC_TRIM_THRESHOLD_=16777216 MALLOC_MMAP_THRESHOLD_=8388608`, or `mallopt`), or take another allocator.
//!
//! # What it does not do
//!
//! It binds no listener and captures no traffic, and fetches no certificates. Names it resolves only for who asks it to
//! ([`SystemResolver`]). It serves no HTTP inside the tunnel.
//!
//! # Specification
//!
//! Numbers such as `HBONE-T-009` are those of the requirements in `docs/SPEC.md` of the repository, which the item that names one
//! fulfils.

mod acceptor;
mod alarm;
mod answering;
mod batched;
mod connection;
mod connector;
mod copy;
mod deadline;
mod driver;
mod dying;
mod exchange;
mod heartbeat;
mod http2;
mod incoming;
mod link;
mod observe;
mod observed;
mod pool;
mod pulse;
mod read_ahead;
mod remainder;
mod sealed;
mod server;
mod tending;
pub mod tls;
mod transport;
mod tunnel;
mod walk;
mod wire;

pub use acceptor::Acceptor;
pub use connection::{Addresses, Connection, ConnectionConfig, ConnectionHandle, TunnelHandle};
pub use connector::Connector;
pub use copy::{Breakable, Copied, CopyConfig, copy_bidirectional, copy_bidirectional_with};
pub use http2::Http2Config;
pub use incoming::Incoming;
pub use observe::{
    ConnectionEnd, ConnectionInfo, Event, Observer, ResetCounts, Stats, TunnelInfo, TunnelSummary,
};
pub use pool::{Pool, PoolBuilder, PoolEvent, PoolStats};
pub use server::{
    Arrival, Handler, Listener, Outcome, Relay, RelayConfig, Served, Server, ServerConfig,
    ServerCounts, ServerHandle, Service, SystemResolver,
};
pub use tunnel::{Tunnel, TunnelReader, TunnelWriter};
pub use walk::HopAnswer;
