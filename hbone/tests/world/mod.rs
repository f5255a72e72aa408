//! A world in which every machine of the crate lives, with virtual time and scripted peers.
//!
//! Nothing here knows bytes. A [`Client`] does what an adapter does for tunnels that it opens (walks, pool, connections,
//! keepalive), a [`Server`] what it does for tunnels that it serves (policy, resolver, upstream, drain). What the other side does
//! is a script. Events of the same instant come in an order that a seed chooses, so that a test can ask for every order that
//! there is; time moves only when nothing is left to happen at an instant.

pub(crate) mod client;
pub(crate) mod epoch;
pub(crate) mod peer;
pub(crate) mod queue;
pub(crate) mod server;

use std::time::Duration;

pub(crate) use client::{Client, Ending};
pub(crate) use peer::{Frame, Peer};
pub(crate) use server::Server;

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
