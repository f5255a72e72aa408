/// How a CONNECT is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Whether headers unknown to this crate are kept.
    pub keep_unknown: bool,
}

impl ConnectOptions {
    /// The defaults: nothing unknown is kept.
    pub const fn new() -> Self {
        Self {
            keep_unknown: false,
        }
    }

    /// The same, with headers unknown to this crate kept or dropped.
    #[must_use]
    pub const fn with_keep_unknown(mut self, keep: bool) -> Self {
        self.keep_unknown = keep;
        self
    }
}
