use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;

use super::{Admitted, AllowEntry, Checked, Denied, DeniedRange, Opening, RESERVED_PORTS};
use crate::authority::canonical;
use crate::net::{canonical_net, contains, mapped_part};
use crate::{Authority, Identity, PORT};

/// What peers may have us connect to. Nothing, by default.
///
/// Under every rule, some destinations stay denied: the [`DeniedRange`]s, the [`RESERVED_PORTS`], our own listeners, and what
/// [`DestinationPolicy::deny`] adds. [`DestinationPolicy::open`] makes an exception by name for a role that needs one. A clone costs a
/// reference count.
///
/// Specification: HBONE-Q-001, HBONE-Q-002, HBONE-S-011, HBONE-X-008.
#[derive(Debug, Clone, Default)]
pub struct DestinationPolicy(Arc<Inner>);

#[derive(Debug, Clone, Default)]
struct Inner {
    rule: Rule,
    openings: Vec<Opening>,
    denied: Vec<IpNet>,
    listeners: Vec<SocketAddr>,
    own_addresses: Vec<IpAddr>,
}

#[derive(Debug, Clone, Default)]
enum Rule {
    AllowAny,
    AllowList(Vec<AllowEntry>),
    #[default]
    DenyAll,
    LocalOnly(IpAddr),
}

impl DestinationPolicy {
    /// Nothing is allowed: the default.
    pub fn deny_all() -> Self {
        Self::default()
    }

    /// ztunnel's rule: only `local`, the address that the peer connected to, and of an authority only its port counts.
    ///
    /// An authority with another address is denied. So is a host name, unless [`Opening::ServiceNames`] is open; what it leads to
    /// must then be the local address.
    pub fn local_only(local: IpAddr) -> Self {
        Self::new(Rule::LocalOnly(local.to_canonical()))
    }

    /// What an entry of the list allows.
    pub fn allow_list(entries: impl IntoIterator<Item = AllowEntry>) -> Self {
        Self::new(Rule::AllowList(entries.into_iter().collect()))
    }

    /// **An open proxy for the whole mesh**: any peer may go anywhere that is not denied to everybody.
    ///
    /// For a role that restricts destinations by other means, such as a waypoint that asks a directory for each, and for tests.
    pub fn allow_any_destination() -> Self {
        Self::new(Rule::AllowAny)
    }

    fn new(rule: Rule) -> Self {
        Self(Arc::new(Inner {
            rule,
            ..Inner::default()
        }))
    }

    /// Makes an exception to what is denied under every rule.
    #[must_use]
    pub fn open(mut self, opening: Opening) -> Self {
        Arc::make_mut(&mut self.0).openings.push(opening);
        self
    }

    /// Denies a range under every rule: the prefix of an own NAT64 translator, a metadata service of an own cloud, the
    /// addresses of the nodes.
    ///
    /// An IPv4-mapped address is its IPv4 address, so a range of IPv6 that has the mapped ones in it, such as `::/0`, denies IPv4 as a
    /// whole too. An [`AllowEntry`] does not: in doubt, no.
    #[must_use]
    pub fn deny(mut self, range: IpNet) -> Self {
        let denied = &mut Arc::make_mut(&mut self.0).denied;
        denied.push(canonical_net(range));
        denied.extend(mapped_part(range));
        self
    }

    /// Denies a listener of this process, whatever is open.
    ///
    /// One that listens on the unspecified address is denied at loopback addresses and at the process's own addresses as given by
    /// [`DestinationPolicy::own_address`]; if none were given, at every address.
    #[must_use]
    pub fn own_listener(mut self, listener: SocketAddr) -> Self {
        let listener = canonical(listener);
        Arc::make_mut(&mut self.0).listeners.push(listener);
        self
    }

    /// Says which address this process has, for its listeners on the unspecified address.
    #[must_use]
    pub fn own_address(mut self, addr: IpAddr) -> Self {
        let addr = addr.to_canonical();
        Arc::make_mut(&mut self.0).own_addresses.push(addr);
        self
    }

    /// The first question, before a name is resolved: may `who` ask for `authority` at all?
    ///
    /// # Errors
    ///
    /// No; nothing is to be resolved or dialled.
    pub fn admit(&self, who: &Identity, authority: &Authority) -> Result<Admitted, Denied> {
        self.check_port(authority.port())?;
        match authority {
            Authority::Addr(addr) => self.check_built_in(canonical(*addr))?,
            Authority::Name { .. } => {}
        }
        self.check_rule(who, authority)?;
        Ok(Admitted::new(self.clone(), who.clone(), authority.clone()))
    }

    fn check_rule(&self, who: &Identity, authority: &Authority) -> Result<(), Denied> {
        match (&self.0.rule, authority) {
            (Rule::DenyAll, _) => Err(Denied::All),
            (Rule::AllowAny, _) => Ok(()),
            (Rule::AllowList(entries), _) => entries
                .iter()
                .any(|entry| entry.admits(who, authority))
                .then_some(())
                .ok_or(Denied::NotListed),
            (Rule::LocalOnly(local), Authority::Addr(addr)) => check_local(*local, addr.ip()),
            (Rule::LocalOnly(_), Authority::Name { .. }) => self
                .is_open(Opening::ServiceNames)
                .then_some(())
                .ok_or(Denied::Name),
        }
    }

    /// The second question, with the address that is about to be dialled.
    pub(super) fn check(
        &self,
        who: &Identity,
        authority: &Authority,
        addr: SocketAddr,
    ) -> Result<Checked<SocketAddr>, Denied> {
        let addr = canonical(addr);
        self.check_port(addr.port())?;
        self.check_built_in(addr)?;
        match &self.0.rule {
            Rule::DenyAll => return Err(Denied::All),
            Rule::AllowAny => {}
            Rule::AllowList(entries) => {
                let allowed = entries
                    .iter()
                    .any(|entry| entry.admits(who, authority) && entry.allows(addr.ip()));
                if !allowed {
                    return Err(Denied::Resolved(addr.ip()));
                }
            }
            Rule::LocalOnly(local) => check_local(*local, addr.ip())?,
        }
        Ok(Checked::new(addr))
    }

    fn check_port(&self, port: u16) -> Result<(), Denied> {
        if port == 0 {
            return Err(Denied::PortZero);
        }
        let open =
            self.is_open(Opening::Port(port)) || port == PORT && self.is_open(Opening::TunnelPort);
        if RESERVED_PORTS.contains(&port) && !open {
            return Err(Denied::ReservedPort(port));
        }
        Ok(())
    }

    /// What is denied under every rule.
    fn check_built_in(&self, addr: SocketAddr) -> Result<(), Denied> {
        let ip = addr.ip();
        if self.is_own_listener(addr) {
            return Err(Denied::OwnListener(addr));
        }
        if contains(&self.0.denied, ip) {
            return Err(Denied::Configured(ip));
        }
        for range in DeniedRange::all_of(ip) {
            if !self.is_open(Opening::Range(range)) {
                return Err(Denied::Range { addr: ip, range });
            }
            // Whoever opens a range of disguises has not opened what is disguised.
            for embedded in range.embedded(ip) {
                self.check_built_in(SocketAddr::new(embedded.into(), addr.port()))?;
            }
        }
        Ok(())
    }

    fn is_own_listener(&self, addr: SocketAddr) -> bool {
        let own = &self.0.own_addresses;
        let ip = addr.ip();
        self.0.listeners.iter().any(|listener| {
            // To dial the unspecified address is to dial oneself.
            let here = if listener.ip().is_unspecified() || ip.is_unspecified() {
                own.is_empty() || ip.is_loopback() || ip.is_unspecified() || own.contains(&ip)
            } else {
                listener.ip() == ip
            };
            here && listener.port() == addr.port()
        })
    }

    fn is_open(&self, opening: Opening) -> bool {
        self.0.openings.contains(&opening)
    }
}

fn check_local(local: IpAddr, asked: IpAddr) -> Result<(), Denied> {
    let asked = asked.to_canonical();
    (asked == local)
        .then_some(())
        .ok_or(Denied::NotLocal { local, asked })
}
