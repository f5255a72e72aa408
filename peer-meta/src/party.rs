use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use baggage::Limits;
use baggage::istio::PeerAttributes;
use http::HeaderValue;
use spiffe::SpiffeId;

use crate::{Carrier, Claimed, DirectoryEntry, Discovery, Method, Peer};

/// One side of an exchange: who it is, and how far we are in finding out.
///
/// It is settled when both questions are: what TLS proved, and what discovery found; at the latest at its deadline.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    connected: bool,
    deadline: Option<Instant>,
    /// What the directory says of this address, as long as nobody has proved who is there.
    held: Option<(IpAddr, DirectoryEntry)>,
    peer: Peer,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// The role has this party; nothing has been heard of it yet.
    Awaited,
    Discovering(Discovery),
    Settled,
}

impl Party {
    pub(crate) fn new(exists: bool, deadline: Option<Instant>) -> Self {
        Self {
            connected: false,
            deadline,
            held: None,
            peer: Peer::default(),
            state: if exists {
                State::Awaited
            } else {
                State::Settled
            },
        }
    }

    pub(crate) const fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self.state, State::Settled)
    }

    /// The first beginning counts.
    pub(crate) fn begin(&mut self, discovery: Discovery) {
        if matches!(self.state, State::Awaited) {
            self.state = State::Discovering(discovery);
            self.settle_if_known();
        }
    }

    /// Another attempt, maybe to another peer.
    pub(crate) fn restart(&mut self, discovery: Discovery, deadline: Option<Instant>) {
        *self = Self::new(true, deadline);
        self.begin(discovery);
    }

    /// The connection stands; `identity` is what TLS proved, if there was TLS.
    pub(crate) fn handle_connected(&mut self, identity: Option<Arc<SpiffeId>>) {
        if self.is_settled() || self.connected {
            return;
        }
        self.connected = true;
        if let Some(identity) = identity {
            self.peer.set_identity(identity);
        }
        self.release();
        self.settle_if_known();
    }

    /// What the directory says about `address`. If it names an identity, that waits for the one that is proved.
    pub(crate) fn handle_lookup(&mut self, address: IpAddr, entry: Option<DirectoryEntry>) {
        if self.held.is_some() {
            return; // answered before
        }
        match entry {
            Some(entry) if !self.connected && entry.identity.is_some() => {
                if let State::Discovering(discovery) = &mut self.state
                    && discovery.is_answered(address)
                {
                    self.held = Some((address, entry));
                }
            }
            entry => self.judge(address, entry),
        }
    }

    /// Another identity than the one that was proved is somebody else's with the same address.
    fn judge(&mut self, address: IpAddr, entry: Option<DirectoryEntry>) {
        let proved = self.peer.identity();
        let entry = entry.filter(|entry| match (entry.identity.as_deref(), proved) {
            (Some(expected), Some(proved)) => expected == proved,
            _ => true,
        });
        self.handle(|discovery| discovery.handle_lookup(address, entry));
    }

    fn release(&mut self) {
        if let Some((address, entry)) = self.held.take() {
            self.judge(address, Some(entry));
        }
    }

    pub(crate) fn handle_baggage<'a>(&mut self, lines: impl IntoIterator<Item = &'a HeaderValue>) {
        self.handle(|discovery| {
            // What is not waited for is not parsed.
            discovery.awaits(Method::Claim(Carrier::Baggage))
                && discovery.handle_claim(Carrier::Baggage, read_baggage(lines))
        });
    }

    pub(crate) fn handle(&mut self, event: impl FnOnce(&mut Discovery) -> bool) {
        if let State::Discovering(discovery) = &mut self.state
            && event(discovery)
        {
            self.settle_if_known();
        }
    }

    pub(crate) fn handle_closed(&mut self) {
        self.connected = true;
        self.release();
        if let State::Discovering(discovery) = &mut self.state {
            discovery.handle_closed();
            self.settle_if_known();
        }
        self.state = State::Settled;
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.handle_closed();
        }
    }

    pub(crate) const fn poll_lookup(&mut self) -> Option<IpAddr> {
        match &mut self.state {
            State::Discovering(discovery) => discovery.poll_lookup(),
            State::Awaited | State::Settled => None,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.is_settled())
    }

    fn settle_if_known(&mut self) {
        if let State::Discovering(discovery) = &mut self.state
            && discovery.is_settled()
            && self.connected
        {
            self.peer.set_attributes(discovery.take_found());
            self.state = State::Settled;
        }
    }
}

/// What baggage says of its sender; a header without any attribute of a peer, such as an application's own, says nothing.
pub(crate) fn read_baggage<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
) -> Option<Claimed<PeerAttributes>> {
    PeerAttributes::parse(lines, &Limits::default()).map(Claimed::new)
}
