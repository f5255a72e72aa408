use std::fmt;

use hbone::CertificateFault;

use super::TlsConfigError;

/// What a [`PemWatch`](super::PemWatch) has done. Its text is a line for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemEvent {
    /// New files are in force.
    Adopted(PemPart),
    /// What is in force does not fit together: our own trust bundles do not let our own certificate in. Peers that trust the same
    /// roots will refuse it; where they trust others on purpose, nothing is wrong. Told at the start and whenever either changes.
    Doubtful {
        /// What is wrong with our certificate.
        fault: CertificateFault,
    },
    /// New revocation lists are in force.
    Revoked {
        /// How many live connections they have ended.
        ended: usize,
    },
    /// New files cannot be used, so the former stay in force. It is said once, and tried again when they change.
    Kept {
        /// Which of them.
        part: PemPart,
        /// Why.
        error: TlsConfigError,
    },
}

/// Files that are adopted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemPart {
    /// The certificate chain and its key.
    Credentials,
    /// The roots of all trust domains.
    Bundles,
    /// The revocation lists.
    Crls,
}

impl fmt::Display for PemEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adopted(part) => write!(f, "new {part} are in force from the next handshake on"),
            Self::Doubtful { fault } => write!(
                f,
                "our own certificate {fault}, as far as our own trust bundles tell: peers that trust the same roots will refuse us; \
                 check that chain and bundle come from one authority"
            ),
            Self::Revoked { ended } => {
                write!(
                    f,
                    "new revocation lists are in force; live connections ended: {ended}"
                )
            }
            Self::Kept { part, error } => write!(f, "the former {part} stay in force: {error}"),
        }
    }
}

impl fmt::Display for PemPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "credentials",
            Self::Bundles => "trust bundles",
            Self::Crls => "revocation lists",
        })
    }
}
