use std::fmt;

/// How a drain ended; its `Display` is a sentence for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrainEnd {
    /// Every stream came to its own end.
    Clean,
    /// The deadline passed before every stream had ended.
    TimedOut {
        /// How many were open then: one at least.
        streams: usize,
    },
    /// A second signal came.
    Interrupted {
        /// How many were open then.
        streams: usize,
    },
    /// The connection was lost before, or ended for another reason: its peer is revoked, abuses it, or does not answer.
    Lost,
}

impl fmt::Display for DrainEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("every tunnel came to its own end"),
            Self::TimedOut { streams } => write!(
                f,
                "the drain deadline passed and {streams} open tunnels were cut; a longer deadline lets them finish"
            ),
            Self::Interrupted { streams } => {
                write!(
                    f,
                    "a second signal came and {streams} open tunnels were cut"
                )
            }
            Self::Lost => f.write_str("the connection was lost or cut before it had drained"),
        }
    }
}
