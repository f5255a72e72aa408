//! HTTP/2 by hand, over TLS that shows what it is told to: a peer that can say anything, also what is wrong.

mod carry;
mod frame;
mod hpack;
mod link;
mod seen;
mod tls;

pub(crate) use carry::carry;
pub(crate) use frame::{Flags, Frame, Kind, Setting};
pub(crate) use hpack::{block, field};
pub(crate) use link::{Link, PREFACE, RemoteSettings};
pub(crate) use seen::{Head, Seen};
pub(crate) use tls::{
    ClientHello, Handshaken, Offered, Shown, TLS12, TLS13, accept, connect, offers_early_data,
};
