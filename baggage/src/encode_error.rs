use alloc::string::String;

use crate::sanitized::Sanitized;

/// Why a member cannot be written. The caller is at fault, and the baggage is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The key is not a token (RFC 7230 section 3.2.6), and keys have no escape.
    #[error(
        "baggage key `{}` is not a token: use only letters, digits and !#$%&'*+-.^_`|~, since a key cannot be escaped",
        Sanitized::new(key)
    )]
    InvalidKey {
        /// The key as given.
        key: String,
    },
    /// The key of a property is not a token.
    #[error(
        "property key `{}` of baggage member `{key}` is not a token: use only letters, digits and !#$%&'*+-.^_`|~",
        Sanitized::new(property)
    )]
    InvalidProperty {
        /// The key of the member, a token.
        key: String,
        /// The key of the property as given.
        property: String,
    },
    /// With this member the encoded text would be too long.
    #[error(
        "baggage member `{key}` does not fit: more than {limit} bytes once encoded; shorten it or raise the limit"
    )]
    TooLarge {
        /// The key of the member, a token.
        key: String,
        /// The limit, in bytes over all members and the commas between them.
        limit: usize,
    },
    /// There are already as many members as allowed.
    #[error(
        "baggage member `{key}` does not fit: more than {limit} members; leave some out or raise the limit"
    )]
    TooManyMembers {
        /// The key of the member, a token.
        key: String,
        /// The limit.
        limit: usize,
    },
}

impl EncodeError {
    /// A stable name for reports: `invalid_key`, `invalid_property`, `too_large` or `too_many_members`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::InvalidKey { .. } => "invalid_key",
            Self::InvalidProperty { .. } => "invalid_property",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyMembers { .. } => "too_many_members",
        }
    }

    /// Whether the member is well-formed, and only one too many or too large.
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::TooManyMembers { .. })
    }
}
