use thiserror::Error;

/// Why a `forwarded` header says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForwardedError {
    /// `host` is not a host with an optional port.
    #[error("forwarded has a malformed host")]
    BadHost,
    /// A parameter's name is not a token, or has no `=`.
    #[error("forwarded has a malformed parameter name")]
    BadName,
    /// `by` or `for` is not a node: an IPv4 address, an IPv6 address in brackets, `unknown`, or `_` and a name.
    #[error("forwarded has a malformed node")]
    BadNode,
    /// `proto` is not a URI scheme.
    #[error("forwarded has a malformed proto")]
    BadProto,
    /// A value is neither a token nor a quoted string. A value with a colon or brackets must be quoted.
    #[error("forwarded has a value that is neither a token nor a quoted string")]
    BadValue,
    /// There is no element.
    #[error("forwarded is empty")]
    Empty,
    /// A byte outside ASCII, or a control character.
    #[error("forwarded has a control character or a byte outside ASCII")]
    NonAscii,
    /// A parameter, known to us or not, stands twice in one element (RFC 7239 section 4). Case makes no other name.
    #[error("forwarded has a parameter twice in one element")]
    Repeated,
    /// More than 8 KiB, or more than 32 elements.
    #[error("forwarded is longer than 8 KiB or 32 elements")]
    TooLong,
}
