use super::PolicyName;

/// What the policies say about a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It may be.
    Allowed,
    /// This DENY policy matches it.
    Denied(PolicyName),
    /// There are ALLOW policies, and none matches it.
    NotAllowed,
}

impl Verdict {
    /// Whether the connection may be.
    pub fn is_allowed(&self) -> bool {
        *self == Self::Allowed
    }
}
