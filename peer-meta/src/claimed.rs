use std::fmt;

/// What a peer merely says about itself.
///
/// Any authenticated peer can send any baggage, so a claim steers telemetry and nothing else. The value comes out
/// only through [`Claimed::claim`], a word that a reviewer can search for; there is no `Deref`, no `AsRef` and no
/// conversion, so a function that decides access and asks for a [`SpiffeId`](spiffe::SpiffeId) cannot be handed one
/// by accident:
///
/// ```compile_fail,E0308
/// fn may_enter(who: &spiffe::SpiffeId) -> bool {
///     who.path().starts_with("/ns/prod/")
/// }
/// let said: peer_meta::Claimed<spiffe::SpiffeId> =
///     peer_meta::Claimed::new(spiffe::SpiffeId::new("spiffe://td/ns/prod/sa/x").unwrap());
/// may_enter(&said);
/// ```
///
/// Specification: HBONE-Q-007.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Claimed<T>(T);

impl<T> Claimed<T> {
    /// Marks a value as claimed, not proved.
    pub const fn new(claim: T) -> Self {
        Self(claim)
    }

    /// The claim, for telemetry. Never decide access on it.
    pub const fn claim(&self) -> &T {
        &self.0
    }

    /// The claim by value, for telemetry. Never decide access on it.
    pub fn into_claim(self) -> T {
        self.0
    }

    /// Another view of the same claim; it stays a claim.
    pub fn map<U>(self, view: impl FnOnce(T) -> U) -> Claimed<U> {
        Claimed(view(self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Claimed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claimed").field(&self.0).finish()
    }
}
