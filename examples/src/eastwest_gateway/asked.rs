use std::sync::Arc;
use std::time::Instant;

use crate::access_log::{Access, Direction, Passed};
use crate::mesh_file::Site;
use crate::proxy::answer_lookups;
use hbone::authorization::Connection;
use hbone::{Authority, Identity, IstioSource};
use peer_meta::{DestinationService, Exchange, ExchangeConfig, Role, Target};
use tokio_hbone::{Addresses, Incoming};

use crate::eastwest_gateway::endpoints::Chosen;

/// A CONNECT, and the mesh as it was when it came.
pub(crate) struct Asked {
    pub(crate) site: Arc<Site>,
    pub(crate) authority: Authority,
    /// What its sender is, if it is to be believed.
    pub(crate) source: Option<IstioSource>,
    pub(crate) began: Instant,
    addresses: Addresses,
    peer: Identity,
}

impl Asked {
    pub(crate) fn new(
        site: Arc<Site>,
        incoming: &Incoming,
        addresses: Addresses,
        source: Option<IstioSource>,
    ) -> Self {
        Self {
            site,
            authority: incoming.connect().authority.clone(),
            source,
            began: Instant::now(),
            addresses,
            peer: incoming.peer().clone(),
        }
    }

    /// Whether the mesh's policies let the peer use the gateway.
    pub(crate) fn is_allowed_by(&self, site: &Site) -> bool {
        let mut connection = Connection::new(self.addresses.client, self.addresses.server);
        connection.source = Some(&self.peer);
        site.judge(&connection).is_allowed()
    }

    /// Who the parties are, as far as a gateway can know. Nobody will tell it more.
    pub(crate) fn exchange(&self, incoming: &Incoming, config: &ExchangeConfig) -> Exchange {
        let own = Arc::clone(self.site.own());
        let mut exchange = Exchange::new(Role::EastWestGateway, config, own, self.began);
        exchange.handle_accepted(Some(Arc::new(self.peer.spiffe_id().clone())));
        let connect = incoming.connect();
        let network = connect.origin_network.as_ref();
        let network = network.map(|network| network.as_str().as_bytes());
        exchange.handle_request(self.addresses.client.ip(), network, &connect.baggage);
        answer_lookups(&mut exchange, &self.site);
        exchange
    }

    /// The same, now that somebody is chosen.
    pub(crate) fn dialling(&self, exchange: &mut Exchange, chosen: &Chosen) {
        exchange.dial(Target::Address(chosen.address.ip()), Instant::now());
        let attributes = self.site.file().attributes(&chosen.receiver.uid);
        exchange.handle_endpoint(attributes.cloned());
        answer_lookups(exchange, &self.site);
    }

    /// How metrics and logs name the service.
    pub(crate) fn service(&self, chosen: &Chosen) -> Option<Arc<DestinationService>> {
        self.site.file().destination_service(&chosen.service)
    }

    /// Tells how it went.
    pub(crate) fn log(
        &self,
        exchange: &Exchange,
        chosen: Option<&Chosen>,
        (sent, received): (u64, u64),
        error: Option<&dyn std::error::Error>,
    ) {
        let destination = chosen.map_or(self.addresses.server, |chosen| chosen.address);
        let service = chosen.and_then(|chosen| self.service(chosen));
        let mut access = Access::new(
            Direction::Inbound,
            self.addresses.client,
            destination,
            exchange,
        );
        access.authority = Some(&self.authority);
        access.service = service.as_deref();
        access.complete(Passed::new(sent, received, self.began.elapsed()), error);
    }
}
