use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use baggage::istio::PeerAttributes;

use crate::{Attributes, Carrier, Claimed, DirectoryEntry, ExchangeConfig, Method, Place, Target};

/// Finds out who one party is: the methods of its [`Place`] in order, the first hit wins.
///
/// A directory lookup is an action: [`poll_lookup`](Self::poll_lookup) hands it out once, the caller answers with
/// [`handle_lookup`](Self::handle_lookup), late or never; an answer about another address is nobody's; at the deadline every open question counts as a miss. Once
/// settled, nothing changes any more. The whole object of the winning method is taken; fields of two methods are
/// never mixed, since they may be about two different workloads.
///
/// Specification: HBONE-X-002, HBONE-X-003, HBONE-X-005, HBONE-G-008.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// What the directory is asked about, in canonical form.
    address: Option<IpAddr>,
    deadline: Option<Instant>,
    found: Option<(usize, Attributes)>,
    network: Arc<str>,
    order: &'static [Method],
    /// The lookup is still to be handed out.
    unasked: bool,
    /// One bit a method of `order`: it may still give an answer.
    waiting: u8,
}

impl Discovery {
    /// Discovers who connected to us from `address`.
    ///
    /// `origin` is the peer's `x-forwarded-network`. Naming a network other than our own (`network`), it turns the directory
    /// off: the address is then that of a gateway, or of some pod of ours that happens to have the same one.
    pub fn downstream(
        place: Place,
        config: &ExchangeConfig,
        network: Arc<str>,
        address: IpAddr,
        origin: Option<&[u8]>,
        deadline: Option<Instant>,
    ) -> Self {
        let from_here = origin.is_none_or(|origin| !place.is_other_network(origin, &network));
        Self::new(
            place,
            config,
            network,
            from_here.then_some(address),
            deadline,
        )
    }

    /// Discovers whom we call.
    pub fn upstream(
        place: Place,
        config: &ExchangeConfig,
        network: Arc<str>,
        target: Target,
        deadline: Option<Instant>,
    ) -> Self {
        let address = match target {
            Target::Address(address) => Some(address),
            Target::OtherNetwork => None,
        };
        Self::new(place, config, network, address, deadline)
    }

    /// `address` is in our own network; without one, only what the peer says can tell.
    fn new(
        place: Place,
        config: &ExchangeConfig,
        network: Arc<str>,
        address: Option<IpAddr>,
        deadline: Option<Instant>,
    ) -> Self {
        let order = place.methods();
        let mut waiting = 0;
        let mut unasked = false;
        for (at, method) in order.iter().enumerate() {
            let on = match method {
                Method::Claim(Carrier::Baggage) => config.reads_baggage(place),
                Method::Claim(_) => config.exchange(),
                Method::Directory => config.directory() && address.is_some(),
                Method::Endpoint => address.is_some(),
            };
            if on {
                waiting |= 1 << at;
                unasked |= *method == Method::Directory;
            }
        }
        Self {
            address: address.map(|address| address.to_canonical()),
            deadline,
            found: None,
            network,
            order,
            unasked,
            waiting,
        }
    }

    /// What was found, once settled.
    pub fn found(&self) -> Option<(Method, &Attributes)> {
        let (at, attributes) = self.found.as_ref().filter(|_| self.is_settled())?;
        Some((*self.order.get(*at)?, attributes))
    }

    /// Whether the answer is final: a hit before which nothing is open any more, or nothing open at all.
    pub const fn is_settled(&self) -> bool {
        let before = match &self.found {
            Some((at, _)) => (1 << *at) - 1,
            None => u8::MAX,
        };
        self.waiting & before == 0
    }

    /// Whether this method may still give the answer.
    pub fn awaits(&self, method: Method) -> bool {
        !self.is_settled() && self.position(method).is_some()
    }

    /// The directory answered about `address`; `None` is a miss, and so is an entry of another network than our own. Returns
    /// whether the answer was waited for.
    pub fn handle_lookup(&mut self, address: IpAddr, entry: Option<DirectoryEntry>) -> bool {
        if self.address != Some(address.to_canonical()) {
            return false;
        }
        let ours = entry.filter(|entry| *entry.network == *self.network);
        self.unasked = false;
        self.handle(
            Method::Directory,
            ours.map(|entry| Attributes::Directory(entry.attributes)),
        )
    }

    /// The peer told who it is, or turned out to say nothing (`None`). Returns whether that was waited for.
    pub fn handle_claim(
        &mut self,
        carrier: Carrier,
        claim: Option<Claimed<PeerAttributes>>,
    ) -> bool {
        self.handle(Method::Claim(carrier), claim.map(Attributes::Claimed))
    }

    /// The endpoint that was chosen came with its workload, or without (`None`). Returns whether that was waited for.
    pub fn handle_endpoint(&mut self, workload: Option<PeerAttributes>) -> bool {
        self.handle(Method::Endpoint, workload.map(Attributes::Directory))
    }

    /// Nobody will answer any more: settles with what there is.
    pub const fn handle_closed(&mut self) {
        self.waiting = 0;
        self.unasked = false;
    }

    /// Settles with what there is if the deadline has passed; harmless if early or repeated.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.handle_closed();
        }
    }

    /// The address to look up in the directory, in our own network; handed out once.
    pub const fn poll_lookup(&mut self) -> Option<IpAddr> {
        if self.unasked {
            self.unasked = false;
            return self.address;
        }
        None
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), unless settled before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.is_settled())
    }

    /// Whether the directory's answer about this address is waited for. It has come, so nobody is to ask any more.
    pub(crate) fn is_answered(&mut self, address: IpAddr) -> bool {
        let waited = self.address == Some(address.to_canonical()) && self.awaits(Method::Directory);
        self.unasked &= !waited;
        waited
    }

    pub(crate) fn take_found(&mut self) -> Attributes {
        self.found
            .take()
            .map_or(Attributes::Unknown, |(_, attributes)| attributes)
    }

    fn handle(&mut self, method: Method, answer: Option<Attributes>) -> bool {
        let Some(at) = self.position(method) else {
            return false;
        };
        if self.is_settled() {
            return false;
        }
        self.waiting &= !(1 << at);
        if let Some(attributes) = answer
            && self.found.as_ref().is_none_or(|(best, _)| at < *best)
        {
            self.found = Some((at, attributes));
        }
        true
    }

    /// The rank of a method that is still open.
    fn position(&self, method: Method) -> Option<usize> {
        let at = self
            .order
            .iter()
            .position(|candidate| *candidate == method)?;
        (self.waiting & (1 << at) != 0).then_some(at)
    }
}
