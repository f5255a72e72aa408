/// What to accept of a peer's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadConfig {
    labels: Vec<Box<str>>,
    max_bytes: usize,
}

impl ReadConfig {
    /// At most 64 KiB of encoded metadata, and no labels beside those that every workload has.
    pub const fn new() -> Self {
        Self {
            labels: Vec::new(),
            max_bytes: 64 * 1024,
        }
    }

    /// Accepts at most this many bytes of encoded metadata; more is refused before any of it is kept or decoded. Decoded, it
    /// may take up to some 50 times that for a moment.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Keeps the label with this key, too. Others are dropped.
    #[must_use]
    pub fn with_label(mut self, key: &str) -> Self {
        self.labels.push(key.into());
        self
    }

    /// See [`Self::with_max_bytes`].
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Whether the label with this key is kept.
    pub fn keeps(&self, key: &str) -> bool {
        self.labels.iter().any(|kept| **kept == *key)
    }
}

impl Default for ReadConfig {
    fn default() -> Self {
        Self::new()
    }
}
