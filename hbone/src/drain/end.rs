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
                "the drain deadline passed and {}; a longer deadline lets them finish",
                Cut(*streams)
            ),
            Self::Interrupted { streams } => {
                write!(f, "a second signal came and {}", Cut(*streams))
            }
            Self::Lost => f.write_str("the connection was lost or cut before it had drained"),
        }
    }
}

/// So many tunnels, as a person counts them.
struct Cut(usize);

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("no tunnel was open"),
            1 => f.write_str("1 open tunnel was cut"),
            tunnels => write!(f, "{tunnels} open tunnels were cut"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_how_many_tunnels_were_cut() {
        for (streams, told) in [
            (0, "no tunnel was open"),
            (1, "1 open tunnel was cut"),
            (2, "2 open tunnels were cut"),
        ] {
            let end = DrainEnd::Interrupted { streams };
            assert_eq!(end.to_string(), format!("a second signal came and {told}"));
        }
    }
}
