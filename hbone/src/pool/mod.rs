//! The reuse policy of connections, with no connections in it.
//!
//! [`Pool`] is told what happens (a request, a dial's end, SETTINGS, GOAWAY, the end of a stream, time) and says what to do: use
//! this connection now, wait, dial, close. The caller holds the real connections under the ids that the pool gives out.

mod action;
mod checkout;
mod close_reason;
mod counts;
mod failure;
mod id;
mod machine;
mod pool_config;
mod spread;

pub use action::Action;
pub use checkout::Checkout;
pub use close_reason::CloseReason;
pub use counts::Counts;
pub use failure::Failure;
pub use id::{ConnectionId, TicketId};
pub use machine::{FixedState, Pool};
pub use pool_config::PoolConfig;
pub use spread::Spread;
