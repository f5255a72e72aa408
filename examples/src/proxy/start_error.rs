use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustix::io::Errno;
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
    /// Flags that make no sense together.
    #[error("{0}")]
    Flags(&'static str),
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
    /// A host is given to two services.
    #[error("--route {host} leads to {first} and to {second}; leave one of the two out")]
    Routes {
        /// The host.
        host: String,
        /// Where it leads.
        first: String,
        /// Where else.
        second: String,
    },
    /// It was told to end before it had started.
    #[error("told to end while the files were being read")]
    Stopped,
    /// The system does not give what every program has.
    #[error("{what}: {}", lacking(.error))]
    System {
        /// What was wanted.
        what: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// An environment variable is not what it should be.
    #[error("{variable} is {value:?}, which cannot be used: {reason}; {next}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What it is.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        next: &'static str,
    },
}

impl StartError {
    /// What the process ends with: see [`EXIT_CODES`](super::EXIT_CODES).
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::System { .. } => 1,
            Self::Flags(_) | Self::Routes { .. } | Self::Variable { .. } => 2,
            Self::Mesh(_) => 3,
            Self::Certificates(_) | Self::Https { .. } => 4,
            Self::Listen { .. } => 5,
        }
    }
}

/// What the system does not give, and where that is its limit, what to do.
fn lacking(error: &io::Error) -> String {
    match is_out_of_files(error) {
        true => format!("{error}; raise the limit on open files (ulimit -n)"),
        false => error.to_string(),
    }
}

fn listening(address: SocketAddr, error: &io::Error) -> String {
    let next = match error.kind() {
        _ if is_out_of_files(error) => {
            "the limit on open files is too low for a proxy; raise it (ulimit -n)".to_owned()
        }
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

fn is_out_of_files(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_address_does_not_help_whoever_is_out_of_open_files() {
        let address = SocketAddr::from(([127, 0, 0, 1], 15008));
        for errno in [Errno::MFILE, Errno::NFILE] {
            let told = listening(address, &errno.into());
            assert!(told.contains("limit on open files"), "{told}");
            assert!(!told.contains("another address"), "{told}");
            let what = "no runtime";
            let told = StartError::System {
                what,
                error: errno.into(),
            }
            .to_string();
            assert!(told.contains("limit on open files"), "{told}");
        }
    }
}
