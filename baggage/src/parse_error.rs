use core::fmt;

/// Where and why a list element was refused.
///
/// The place is exact: the header line, counted from 0 in the order in which the lines were given, and the
/// offset in that line of the first octet that cannot stand there, counted from 0 in bytes. It is the peer's
/// octets that are at fault, never the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("baggage header line {line}, byte {offset}: {kind}")]
pub struct ParseError {
    kind: ParseErrorKind,
    line: usize,
    offset: usize,
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, line: usize, offset: usize) -> Self {
        Self { kind, line, offset }
    }

    /// What is wrong.
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// The index of the header line, from 0.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The byte offset in that line, from 0.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// What is wrong with a list element, named by [`as_str`](Self::as_str) as in the conformance vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing between two commas, or nothing at all (strict parsing only; RFC 7230 section 7 lets a
    /// recipient ignore it).
    EmptyMember,
    /// The key is empty or is not a token (RFC 7230 section 3.2.6).
    InvalidKey,
    /// A `%` without two hexadecimal digits (strict parsing only; kept literally otherwise).
    InvalidPercent,
    /// A property is empty (strict parsing only), its key is not a token, or its value has an octet outside
    /// baggage-octet.
    InvalidProperty,
    /// The value has an octet outside baggage-octet: white space, control, `"`, `\` or a byte above 7E.
    InvalidValue,
    /// No `=` before the first `;` or the end.
    MissingEquals,
    /// This member, or the octets up to its end, would exceed a limit on size.
    TooLarge,
    /// This member would exceed the limit on the number of members.
    TooManyMembers,
}

impl ParseErrorKind {
    /// A stable name for reports: `empty_member`, `invalid_key`, ...
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyMember => "empty_member",
            Self::InvalidKey => "invalid_key",
            Self::InvalidPercent => "invalid_percent",
            Self::InvalidProperty => "invalid_property",
            Self::InvalidValue => "invalid_value",
            Self::MissingEquals => "missing_equals",
            Self::TooLarge => "too_large",
            Self::TooManyMembers => "too_many_members",
        }
    }

    /// Whether the member was well-formed, and only one too many or too large.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::TooLarge | Self::TooManyMembers)
    }
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::EmptyMember => "empty list member; remove the extra comma or the empty header",
            Self::InvalidKey => {
                "the key is not a token; a key cannot be percent-encoded, so rename it"
            }
            Self::InvalidPercent => "`%` without two hexadecimal digits; write it as %25",
            Self::InvalidProperty => {
                "malformed property; it must be `key` or `key=value`, percent-encoded"
            }
            Self::InvalidValue => "octet not allowed in a value; percent-encode it",
            Self::MissingEquals => "list member without `=`",
            Self::TooLarge => "more bytes than the limit allows",
            Self::TooManyMembers => "more members than the limit allows",
        };
        write!(f, "{} ({what})", self.as_str())
    }
}
