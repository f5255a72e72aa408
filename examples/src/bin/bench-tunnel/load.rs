use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the sending application is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Load {
    /// Moves `bytes` over each of `tunnels` connections at once, half up, half down.
    Bulk {
        to: SocketAddr,
        tunnels: usize,
        bytes: u64,
    },
    /// Sends `size` bytes and waits for as many, `count` times on each of `tunnels` connections at once.
    Exchange {
        to: SocketAddr,
        tunnels: usize,
        size: usize,
        count: usize,
    },
    /// Connects, sends a byte, gets one, closes; `count` times, one after the other.
    Connect { to: SocketAddr, count: usize },
    /// Opens that many connections, has one byte answered on each, and keeps them.
    Hold { to: SocketAddr, tunnels: usize },
    /// Closes what it keeps.
    Release,
    /// Has `count` requests of HTTP answered on each of `connections` at once; in tunnels, if there are keys for them.
    Requests {
        to: SocketAddr,
        host: String,
        connections: usize,
        count: usize,
        secrets: Option<PathBuf>,
    },
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Went {
    /// From the first byte to the last, with all connections open.
    pub(crate) seconds: f64,
    /// Of a round trip, or of a connection.
    pub(crate) p50_nanos: u64,
    pub(crate) p99_nanos: u64,
}

impl Went {
    pub(crate) fn new(seconds: f64, mut nanos: Vec<u64>) -> Self {
        nanos.sort_unstable();
        let at = |percent: usize| {
            let place = nanos.len() * percent / 100;
            nanos.get(place).copied().unwrap_or_default()
        };
        Self {
            seconds,
            p50_nanos: at(50),
            p99_nanos: at(99),
        }
    }
}
