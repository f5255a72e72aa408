use std::net::SocketAddr;

use hbone::forwarded::{Element, Node};
use hbone::{Authority, Forwarded};
use peer_meta::Exchange;

use super::Meant;
use crate::access_log::Direction;

/// Whoever sends requests on one connection, and what is known of them all.
#[derive(Debug)]
#[non_exhaustive]
pub struct Client {
    /// Where it is.
    pub address: SocketAddr,
    /// Where it connected to.
    pub server: SocketAddr,
    /// Who it is; that of each request is made from it.
    pub exchange: Exchange,
    /// What the tunnel was asked for that it came through.
    pub authority: Option<Authority>,
    /// What that tunnel said of the proxies that it had come through.
    pub forwarded: Option<Forwarded>,
    /// What that means.
    pub meant: Option<Meant>,
    /// How the log tells of its requests.
    pub direction: Direction,
    /// `https`, if its connection to us is encrypted and we are where the mesh begins; else `http`. `None` inside of the mesh, where
    /// the headers about it are not ours to write.
    pub scheme: Option<&'static str>,
}

impl Client {
    /// A client at `address` that connected to `server`.
    #[must_use]
    pub const fn new(address: SocketAddr, server: SocketAddr, exchange: Exchange) -> Self {
        Self {
            address,
            server,
            exchange,
            authority: None,
            forwarded: None,
            meant: None,
            direction: Direction::Inbound,
            scheme: None,
        }
    }

    /// What a tunnel that is for this client alone says of the proxies on the way, this one too: whoever leads it in a circle is
    /// told so in the end.
    pub(super) fn passed_on(&self) -> Forwarded {
        let before = self.forwarded.iter().flat_map(Forwarded::elements);
        let ours = Element::new().with_for(Node::from(self.address));
        // What is too long to be read goes no further, and the count begins anew.
        Forwarded::new(before.cloned().chain([ours]))
            .unwrap_or_else(|_| Forwarded::client(self.address, None))
    }
}
