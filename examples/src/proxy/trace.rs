use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;

use hbone::Traceparent;
use hbone::mesh::Entropy;
use rustls::crypto::CryptoProvider;

/// What decides by chance, for a proxy: the crypto provider's randomness.
#[derive(Clone)]
pub struct Chance(Arc<CryptoProvider>);

impl Chance {
    /// The chance of this provider.
    #[must_use]
    pub const fn new(provider: Arc<CryptoProvider>) -> Self {
        Self(provider)
    }

    /// For one plan.
    #[must_use]
    pub fn entropy(&self) -> Entropy {
        Entropy::new(self.bits())
    }

    /// A new trace, for one connection of an application.
    #[must_use]
    pub fn traceparent(&self) -> Traceparent {
        let trace = NonZeroU128::new(self.bits()).unwrap_or(NonZeroU128::MIN);
        let span = u64::try_from(self.bits() >> 64).unwrap_or_default();
        Traceparent::new(trace, NonZeroU64::new(span).unwrap_or(NonZeroU64::MIN))
    }

    /// Zeros, if the system has no randomness: then every choice is the first one, and nothing is secret about any of them.
    fn bits(&self) -> u128 {
        let mut bytes = [0; 16];
        let _ = self.0.secure_random.fill(&mut bytes);
        u128::from_le_bytes(bytes)
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}
