use std::net::IpAddr;

/// What is known of the destination before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// An address in our own network, which a directory may know.
    Address(IpAddr),
    /// Some endpoint in another network, behind its gateway: an address would be the gateway's, or one that means somebody
    /// else here, so only the destination's own answer can tell.
    OtherNetwork,
}
