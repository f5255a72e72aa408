//! HTTP/2 by hand, over TLS that shows what it is told to: a peer that can say anything, also what is wrong.
//!
//! The conformance suite is made of it, and what breaks peers on purpose to try that suite.
#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "cases say in full what is on the wire"
)]

mod carry;
mod frame;
mod hpack;
mod link;
mod seen;
mod tls;

pub use carry::carry;
pub use frame::{Flags, Frame, Kind, Setting};
pub use hpack::{block, field};
pub use link::{Link, PREFACE, RemoteSettings};
pub use seen::{Head, Seen};
pub use tls::{
    ClientHello, Handshaken, Offered, Shown, Stream, TLS12, TLS13, accept, connect,
    offers_early_data,
};
