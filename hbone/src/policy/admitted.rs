use std::net::SocketAddr;

use super::{Checked, Denied, DestinationPolicy};
use crate::{Authority, Identity};

/// A peer may ask for this destination; whether its address may be dialled is the second question.
///
/// It remembers the policy it was admitted by, so that both questions get answers of one mind even if the server's policy is
/// replaced while a name is being resolved. A clone costs reference counts.
#[derive(Debug, Clone)]
#[must_use = "an admitted destination still needs its address checked"]
pub struct Admitted {
    policy: DestinationPolicy,
    who: Identity,
    authority: Authority,
}

impl Admitted {
    pub(super) const fn new(
        policy: DestinationPolicy,
        who: Identity,
        authority: Authority,
    ) -> Self {
        Self {
            policy,
            who,
            authority,
        }
    }

    /// Where the peer wants to go.
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Who asked.
    pub const fn who(&self) -> &Identity {
        &self.who
    }

    /// The second question: may `addr`, which the authority is or led to, be dialled?
    ///
    /// The port is that of `addr`: a directory may translate a service's port into that of its workload. Every address is checked,
    /// one by one: a name that leads to an allowed and a denied address may be dialled at the former only.
    ///
    /// # Errors
    ///
    /// No; this address is not to be dialled.
    pub fn check(&self, addr: SocketAddr) -> Result<Checked<SocketAddr>, Denied> {
        self.policy.check(&self.who, &self.authority, addr)
    }
}
