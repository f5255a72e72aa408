//! The crate is being laid out.

mod api_misuse;
mod lifecycle;
pub mod pool;
mod reason;

pub use api_misuse::ApiMisuse;
pub use lifecycle::{
    Cut, Half, HalfClose, Lifecycle, Loss, Role, SocketAction, StreamAction, TunnelError,
};
pub use reason::Reason;
