//! HBONE over [`tokio`], [`h2`] and [`rustls`].

mod acceptor;
mod connection;
mod connector;
mod deadline;
mod exchange;
mod http2;
mod incoming;
mod link;
mod observed;
pub mod tls;
mod tunnel;
mod walk;

pub use acceptor::Acceptor;
pub use connection::Connection;
pub use connector::Connector;
pub use http2::Http2Config;
pub use incoming::Incoming;
pub use tunnel::Tunnel;
pub use walk::HopAnswer;
