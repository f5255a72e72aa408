use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use baggage::istio::PeerAttributes;
use http::{HeaderName, HeaderValue, StatusCode};
use spiffe::SpiffeId;

use crate::party::{Party, read_baggage};
use crate::{
    Attributes, DirectoryEntry, Discovery, ExchangeConfig, Hop, Message, Own, Peer, Place, Role,
    Side, Target, stripped,
};

/// One tunnel, or one request inside a waypoint: what to tell, what was learned, and when that is settled.
///
/// The caller reports what happens (`handle_*`), carries out lookups ([`poll_lookup`](Self::poll_lookup)) and wakes it at
/// [`poll_timeout`](Self::poll_timeout). Every `handle_*` is harmless when it comes twice, late, or for a party that the role
/// does not have. Once a party is settled it stays as it is, so that the metrics of the opening and of the closing of one
/// connection carry the same labels.
///
/// Specification: HBONE-D-006, HBONE-X-001, HBONE-X-004, HBONE-X-005.
#[derive(Clone, Debug)]
pub struct Exchange {
    config: ExchangeConfig,
    downstream: Party,
    gateway: Peer,
    own: Arc<Own>,
    role: Role,
    /// The hop whose answer is the destination's.
    telling: Hop,
    upstream: Party,
}

impl Exchange {
    /// Begins an exchange in which we speak for `own`.
    pub fn new(role: Role, config: &ExchangeConfig, own: Arc<Own>, now: Instant) -> Self {
        let deadline = now.checked_add(config.patience());
        Self {
            config: *config,
            downstream: Party::new(role.has_downstream(), deadline),
            gateway: Peer::default(),
            own,
            role,
            telling: Hop::Single,
            upstream: Party::new(role.has_upstream(), deadline),
        }
    }

    /// Begins the exchange of a request that came through this tunnel: the same downstream, as far as it is known by
    /// now, and an upstream and a deadline of its own.
    #[must_use]
    pub fn for_request(&self, now: Instant) -> Self {
        let mut request = Self::new(self.role, &self.config, Arc::clone(&self.own), now);
        request.downstream = self.downstream.clone();
        request.downstream.handle_closed();
        request
    }

    /// Whom we speak for.
    pub const fn own(&self) -> &Arc<Own> {
        &self.own
    }

    /// Where we stand.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whoever connected to us. The identity is there as soon as TLS proved it, the attributes once settled.
    pub const fn downstream(&self) -> &Peer {
        self.downstream.peer()
    }

    /// Whoever we connect to: the far end, never a gateway on the way.
    pub const fn upstream(&self) -> &Peer {
        self.upstream.peer()
    }

    /// The gateway of the other network, if the way leads through one. It is for logs: it labels nothing.
    pub const fn gateway(&self) -> &Peer {
        &self.gateway
    }

    /// Whether this party is final. A party that the role does not have is final from the beginning.
    pub const fn is_side_settled(&self, side: Side) -> bool {
        match side {
            Side::Downstream => self.downstream.is_settled(),
            Side::Upstream => self.upstream.is_settled(),
        }
    }

    /// Whether every party is final, so that reports need not wait any longer.
    pub const fn is_settled(&self) -> bool {
        self.downstream.is_settled() && self.upstream.is_settled()
    }

    /// The `baggage` to send on a CONNECT request in this position: a reference-count bump.
    pub fn request_baggage(&self, hop: Hop) -> Option<HeaderValue> {
        let tells = self.config.tells_requests(self.role) && self.role.tells_on(hop);
        self.own.baggage().filter(|_| tells).cloned()
    }

    /// The `baggage` to send with the answer to a CONNECT request: a reference-count bump.
    pub fn response_baggage(&self, status: StatusCode) -> Option<HeaderValue> {
        let tells = self.config.tells_responses(self.role)
            && self.role.has_downstream()
            && (status == StatusCode::OK || self.role.tells_on_failure());
        self.own.baggage().filter(|_| tells).cloned()
    }

    /// The headers to take off a message, since they end here; everything else is kept, an application's own baggage first
    /// of all. See [`stripped`].
    pub const fn stripped(&self, message: Message) -> &'static [HeaderName] {
        stripped(self.role, message)
    }

    /// A connection was accepted whose peer proved `identity` in TLS (`None`: plaintext).
    pub fn handle_accepted(&mut self, identity: Option<Arc<SpiffeId>>) {
        self.downstream.handle_connected(identity);
    }

    /// A CONNECT request arrived from `source`, with this `x-forwarded-network` (`None`: absent, which is not empty) and these
    /// `baggage` lines.
    pub fn handle_request<'a>(
        &mut self,
        source: IpAddr,
        origin_network: Option<&[u8]>,
        baggage: impl IntoIterator<Item = &'a HeaderValue>,
    ) {
        let Some(place) = Place::of(self.role, Side::Downstream) else {
            return;
        };
        let discovery = Discovery::downstream(
            place,
            &self.config,
            Arc::clone(self.own.network()),
            source,
            origin_network,
            None, // the party has it
        );
        self.downstream.handle_connected(None); // in case nobody said how it was accepted
        self.downstream.begin(discovery);
        self.downstream.handle_baggage(baggage);
    }

    /// We are about to connect to `target`; everything learned of an earlier attempt is forgotten, and the patience for
    /// upstream begins anew.
    pub fn dial(&mut self, target: Target, now: Instant) {
        let Some(place) = Place::of(self.role, Side::Upstream) else {
            return;
        };
        self.telling = match target {
            Target::Address(_) => Hop::Single,
            Target::OtherNetwork => Hop::Inner,
        };
        self.gateway = Peer::default();
        let network = Arc::clone(self.own.network());
        let discovery = Discovery::upstream(place, &self.config, network, target, None); // the party has the deadline
        self.upstream
            .restart(discovery, now.checked_add(self.config.patience()));
        if place == Place::GatewayUpstream {
            self.upstream.handle_connected(None); // its bytes are relayed, and the TLS inside them is not ours to see
        }
    }

    /// The connection of this hop stands; its far end proved `identity` in TLS (`None`: plaintext).
    pub fn handle_connected(&mut self, hop: Hop, identity: Option<Arc<SpiffeId>>) {
        if hop == self.telling {
            self.upstream.handle_connected(identity);
        } else if self.is_gateway(hop)
            && self.gateway.identity().is_none()
            && let Some(identity) = identity
        {
            self.gateway.set_identity(identity);
        }
    }

    /// The far end of this hop answered our CONNECT request, with these `baggage` lines. Only the answer of the last hop is
    /// the destination's; the gateway's is its own, and labels only [`gateway`](Self::gateway).
    pub fn handle_response<'a>(
        &mut self,
        hop: Hop,
        baggage: impl IntoIterator<Item = &'a HeaderValue>,
    ) {
        if hop == self.telling {
            self.upstream.handle_connected(None); // in case nobody said how it was connected
            self.upstream.handle_baggage(baggage);
        } else if self.is_gateway(hop)
            && self.config.reads_responses(self.role)
            && self.gateway.for_telemetry().is_none()
        {
            let claim = read_baggage(baggage);
            self.gateway
                .set_attributes(claim.map_or(Attributes::Unknown, Attributes::Claimed));
        }
    }

    /// The endpoint that was chosen came with its workload from the control plane, or without (`None`).
    pub fn handle_endpoint(&mut self, workload: Option<PeerAttributes>) {
        self.upstream
            .handle(|discovery| discovery.handle_endpoint(workload));
    }

    /// The directory answered the lookup of this address for this side; an answer about an address that is no longer the
    /// question, such as that of an earlier attempt, is nobody's. An entry whose identity is not the one that this side proved is
    /// about somebody else with the same address, and so is a miss: one that comes before the handshake waits for it.
    pub fn handle_lookup(&mut self, side: Side, address: IpAddr, entry: Option<DirectoryEntry>) {
        self.party(side).handle_lookup(address, entry);
    }

    /// This side ended or failed: it will not tell anything any more.
    pub fn handle_closed(&mut self, side: Side) {
        self.party(side).handle_closed();
    }

    /// Settles every party whose deadline has passed with what is known; harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.downstream.handle_timeout(now);
        self.upstream.handle_timeout(now);
    }

    /// An address to look up in the directory of our own network, each handed out once.
    pub fn poll_lookup(&mut self) -> Option<(Side, IpAddr)> {
        if let Some(address) = self.downstream.poll_lookup() {
            return Some((Side::Downstream, address));
        }
        self.upstream
            .poll_lookup()
            .map(|address| (Side::Upstream, address))
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), unless settled before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [self.downstream.poll_timeout(), self.upstream.poll_timeout()];
        deadlines.into_iter().flatten().min()
    }

    /// Whether the far end of this hop is the gateway on our way.
    fn is_gateway(&self, hop: Hop) -> bool {
        hop == Hop::Outer && self.telling == Hop::Inner && self.role.opens_tunnels()
    }

    const fn party(&mut self, side: Side) -> &mut Party {
        match side {
            Side::Downstream => &mut self.downstream,
            Side::Upstream => &mut self.upstream,
        }
    }
}
