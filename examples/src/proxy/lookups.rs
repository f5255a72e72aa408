use hbone::mesh::NetworkAddress;
use peer_meta::Exchange;

use crate::mesh_file::Site;

/// Answers what an exchange wants to know of the directory, in the network of the site.
pub fn answer_lookups(exchange: &mut Exchange, site: &Site) {
    while let Some((side, ip)) = exchange.poll_lookup() {
        let address = NetworkAddress::new(site.workload().network.clone(), ip);
        exchange.handle_lookup(side, ip, site.file().entry(&address));
    }
}
