use std::fmt;
use std::net::SocketAddr;

/// An address that a policy has allowed a peer to have dialled.
///
/// There is no way to make one but to ask a policy: [`Admitted::check`](super::Admitted::check). What is dialled for a peer takes
/// this type, so that the question cannot be forgotten. The address is canonical, and exactly it is to be dialled: to resolve a
/// name once more would undo the check.
///
/// ```compile_fail,E0624
/// let unasked = hbone::policy::Checked::new("127.0.0.1:80");
/// ```
///
/// Specification: HBONE-S-003.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checked<T>(T);

impl<T> Checked<T> {
    /// Only a policy that has just answered yes calls this.
    pub(super) const fn new(value: T) -> Self {
        Self(value)
    }

    /// What was checked.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Checked<SocketAddr> {
    /// The address to dial.
    pub const fn addr(&self) -> SocketAddr {
        self.0
    }
}

impl<T: fmt::Display> fmt::Display for Checked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
