//! Who is at the other end: Istio's peer metadata exchange as a state machine without IO.

mod claimed;
mod destination_service;
mod discovery;
mod exchange;
mod exchange_config;
mod own;
mod party;
mod peer;
mod place;
mod role;
mod strip;

pub mod labels;

pub use claimed::Claimed;
pub use destination_service::DestinationService;
pub use discovery::{DirectoryEntry, Discovery, Target};
pub use exchange::Exchange;
pub use exchange_config::ExchangeConfig;
pub use own::Own;
pub use peer::{Attributes, Origin, Peer, Provenance};
pub use place::{Carrier, Method, Place};
pub use role::{Hop, Role, Side};
pub use strip::{Message, stripped};
