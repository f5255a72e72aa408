//! What the proxies work for: servers that send back what they get, and the clients that check it.

mod called;
mod client;
mod server;

pub(crate) use called::{Called, Timing};
pub(crate) use client::{Call, Entry};
pub(crate) use server::Server;
