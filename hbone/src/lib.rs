//! The crate is being laid out.

mod api_misuse;
mod drain;
mod keepalive;
mod lifecycle;
pub mod pool;
mod reason;

pub use api_misuse::ApiMisuse;
pub use drain::{Admission, Drain, DrainAction, DrainConfig, DrainEnd, LateStreams};
pub use keepalive::{Keepalive, KeepaliveAction, KeepaliveConfig};
pub use lifecycle::{
    Cut, Half, HalfClose, Lifecycle, Loss, Role, SocketAction, StreamAction, TunnelError,
};
pub use reason::Reason;
