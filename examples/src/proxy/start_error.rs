use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;
use tokio_hbone::tls::TlsConfigError;

use crate::mesh_file::MeshFileError;

/// Why a proxy does not start. [`exit_code`](Self::exit_code) says what its process ends with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its certificates cannot be used.
    #[error("{0}")]
    Certificates(#[from] TlsConfigError),
    /// The certificate is not that of the workload.
    #[error(
        "the certificate in {path} is for {found}, but the mesh file says that the workload is {expected}; give --cert the workload's, or correct the file"
    )]
    ForeignCertificate {
        /// The file.
        path: String,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// The certificate that clients from outside of the mesh are to be shown, or its key, cannot be used.
    #[error("{}: {reason}; give --https-cert and --https-key a chain and its key in PEM", .path.display())]
    Https {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// It cannot listen.
    #[error("cannot listen on {address} for {purpose}: {}", listening(*.address, .error))]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What for.
        purpose: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// The mesh file cannot be used.
    #[error("{0}")]
    Mesh(#[from] MeshFileError),
    /// The system does not give what every program has.
    #[error("{what}: {error}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// The system's error.
        error: io::Error,
    },
}

impl StartError {
    /// What the process ends with: see [`EXIT_CODES`](super::EXIT_CODES).
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::System { .. } => 1,
            Self::Mesh(_) => 3,
            Self::Certificates(_) | Self::ForeignCertificate { .. } | Self::Https { .. } => 4,
            Self::Listen { .. } => 5,
        }
    }
}

fn listening(address: SocketAddr, error: &io::Error) -> String {
    let next = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "port {} is taken; is another proxy running?",
                address.port()
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("this host has no address {}", address.ip())
        }
        io::ErrorKind::PermissionDenied => "this user may not; choose a port above 1023".to_owned(),
        _ => "choose another address".to_owned(),
    };
    format!("{error}; {next}")
}
