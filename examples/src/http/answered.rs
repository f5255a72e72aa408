use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hbone::{HeaderValues, SpiffeId};
use peer_meta::{Exchange, Hop, Target};
use tokio_hbone::Tunnel;

use crate::mesh_file::Site;
use crate::proxy::answer_lookups;

/// Who answered at the other end of a connection, and what it said: what the exchange of each request on it is told.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    /// The next hop.
    pub(super) address: SocketAddr,
    target: Target,
    identity: Option<Arc<SpiffeId>>,
    baggage: HeaderValues,
}

impl Answered {
    /// A plain connection.
    pub(super) fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            target: Target::Address(address.ip()),
            identity: None,
            baggage: HeaderValues::new(),
        }
    }

    /// A tunnel to `target` by way of `address`. Its last answer is the destination's.
    pub(super) fn tunnel(address: SocketAddr, target: Target, tunnel: &Tunnel) -> Self {
        let last = tunnel.answers().last();
        Self {
            address,
            target,
            identity: Some(Arc::new(tunnel.peer().spiffe_id().clone())),
            baggage: last.map_or_else(HeaderValues::new, |answer| answer.accept.baggage.clone()),
        }
    }

    pub(super) fn tell(&self, exchange: &mut Exchange, site: &Site) {
        let hop = match self.target {
            Target::OtherNetwork => Hop::Inner,
            _ => Hop::Single,
        };
        exchange.dial(self.target, Instant::now());
        answer_lookups(exchange, site);
        exchange.handle_connected(hop, self.identity.clone());
        exchange.handle_response(hop, &self.baggage);
    }
}
