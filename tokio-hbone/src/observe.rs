//! What operators see of a transport: events as they happen, and figures at any moment.

mod connection_end;
mod counters;
#[cfg(feature = "tracing")]
mod escaped;
mod event;
mod handshake;
mod info;
mod monitor;
mod observer;
mod open_connection;
mod request_log;
mod reset_counts;
#[cfg(feature = "tracing")]
mod scope;
#[cfg(not(feature = "tracing"))]
#[path = "observe/no_scope.rs"]
mod scope;
mod stats;
mod tunnel_log;
mod tunnel_summary;
mod watch;

pub use connection_end::ConnectionEnd;
pub use event::Event;
pub(crate) use handshake::Handshake;
pub use info::{ConnectionInfo, TunnelInfo};
pub(crate) use monitor::Monitor;
pub use observer::Observer;
pub(crate) use open_connection::OpenConnection;
pub(crate) use request_log::RequestLog;
pub use reset_counts::ResetCounts;
pub(crate) use scope::Scope;
pub use stats::Stats;
pub(crate) use tunnel_log::TunnelLog;
pub use tunnel_summary::TunnelSummary;
pub(crate) use watch::Watch;
