use thiserror::Error;

use crate::HostnameError;

/// Why a text is not an authority that HBONE takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// What stands before the port is neither an address nor a host name.
    #[error(transparent)]
    BadHost(#[from] HostnameError),
    /// What stands between brackets is not an IPv6 address.
    #[error("the text between the authority's brackets is not an IPv6 address")]
    BadIpv6,
    /// A blank or a control character, NUL included.
    #[error("the authority has a blank or a control character")]
    ControlOrBlank,
    /// Nothing at all.
    #[error("the authority is empty; write host:port")]
    Empty,
    /// A `#`.
    #[error("the authority has a fragment; write host:port and nothing after it")]
    Fragment,
    /// No port, or nothing after the colon.
    #[error("the authority has no port; write host:port")]
    MissingPort,
    /// A byte outside ASCII.
    #[error(
        "the authority has a character outside ASCII; write an international name as A-labels (xn--...)"
    )]
    NonAscii,
    /// A slash.
    #[error("the authority has a path; write host:port and nothing after it")]
    Path,
    /// The port is written in hexadecimal.
    #[error("the authority's port is hexadecimal; write it in decimal")]
    PortHex,
    /// The port has a leading zero.
    #[error("the authority's port has a leading zero")]
    PortLeadingZero,
    /// The port is not a number.
    #[error("the authority's port is not a decimal number")]
    PortNotDecimal,
    /// The port is greater than 65535.
    #[error("the authority's port is greater than 65535")]
    PortOutOfRange,
    /// The port has a sign.
    #[error("the authority's port has a sign")]
    PortSign,
    /// Port 0, which nothing can listen on.
    #[error("the authority's port is 0")]
    PortZero,
    /// A `?`.
    #[error("the authority has a query; write host:port and nothing after it")]
    Query,
    /// More bytes than any host name or address and a port have.
    #[error("the authority is longer than any host name with a port")]
    TooLong,
    /// More than one colon, and not an IPv6 address.
    #[error("the authority has more than one port")]
    TooManyColons,
    /// Brackets that are not closed, or not followed by a port, or not at the start.
    #[error(
        "the authority's brackets do not enclose exactly an IPv6 address; write [address]:port"
    )]
    UnbalancedBrackets,
    /// An IPv6 address without brackets, whose last group and port cannot be told apart.
    #[error("the authority is an IPv6 address without brackets; write [address]:port")]
    UnbracketedIpv6,
    /// An `@`: HBONE has no user info, and readers disagree on which side of it the host is.
    #[error("the authority has user info; write host:port without an @")]
    Userinfo,
    /// An IPv6 zone, which means something on one host only.
    #[error("the authority has an IPv6 zone; write the address without it")]
    ZoneId,
}
