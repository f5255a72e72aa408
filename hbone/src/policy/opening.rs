use super::DeniedRange;

/// An exception to what a policy denies whatever its rule says.
///
/// Each is for one role that cannot do without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Opening {
    /// A reserved port may be dialled: for a debugging proxy in front of another proxy's port.
    Port(u16),
    /// Addresses of a denied range may be dialled: [`DeniedRange::Loopback`] for a test on one host. An address that embeds an
    /// IPv4 address is still denied if that address is.
    Range(DeniedRange),
    /// Under the local-only rule, a host name is admitted too, and its address must still be the local one: for a node proxy
    /// at the end of a tunnel from another network, whose authority is a service.
    ServiceNames,
    /// Port 15008 may be dialled: for a gateway, whose upstreams are proxies.
    TunnelPort,
}
