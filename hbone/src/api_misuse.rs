use thiserror::Error;

/// A call that the machine's documented order forbids.
///
/// Only the caller's own sequence of calls leads here; no byte and no behaviour of a peer can. The machine is left as it
/// was, so a caller may log it and go on.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "{call} is not allowed {state}; this is a mistake in the calling code, see the machine's call order"
)]
pub struct ApiMisuse {
    call: &'static str,
    state: &'static str,
}

impl ApiMisuse {
    pub(crate) const fn new(call: &'static str, state: &'static str) -> Self {
        Self { call, state }
    }

    /// The method that was called.
    #[must_use]
    pub const fn call(&self) -> &'static str {
        self.call
    }

    /// What the machine was doing then, as a phrase such as `during the TLS handshake`.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        self.state
    }
}
