use std::sync::Arc;
use std::time::Instant;

use hbone::EstablishError;
use peer_meta::{Exchange, ExchangeConfig, Role};
use tokio_hbone::Addresses;

use super::{answer_lookups, flag_of_handshake};
use crate::access_log::{self, Direction};
use crate::mesh_file::Site;
use crate::metrics::Metrics;

/// Counts and logs a client that did not get through its handshake with a proxy of this role. Who it was can only be told by where it
/// came from.
pub fn handshake_failed(
    role: Role,
    config: &ExchangeConfig,
    site: &Site,
    metrics: &Metrics,
    addresses: Addresses,
    error: &EstablishError,
) {
    let mut exchange = Exchange::new(role, config, Arc::clone(site.own()), Instant::now());
    exchange.handle_accepted(None);
    exchange.handle_request(addresses.client.ip().to_canonical(), None, []);
    answer_lookups(&mut exchange, site);
    // Whoever reads of it in the log finds it counted.
    metrics.failed(&exchange, None, flag_of_handshake(error));
    access_log::refused(
        Direction::Inbound,
        addresses.client,
        addresses.server,
        error,
    );
}
