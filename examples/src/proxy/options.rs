use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use thiserror::Error;

use super::{Environment, parse_address};
use crate::mesh_file::WorkloadName;

/// The flags that every proxy has.
#[derive(Debug, Clone, Args)]
// Whatever heading was the last before them is not theirs.
#[command(next_help_heading = None::<&'static str>)]
#[non_exhaustive]
pub struct Options {
    /// The mesh: YAML as ztunnel reads it as local configuration. It is read again when it changes
    #[arg(long, value_name = "FILE")]
    pub mesh: PathBuf,

    /// Refuse a mesh file in which something leads nowhere or is said twice, where ztunnel lives with it and a warning is logged
    #[arg(long)]
    pub strict: bool,

    /// Which workload of the mesh this proxy works for, or is
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub workload: WorkloadName,

    /// The workload's certificate chain in PEM, the leaf first. It is read again when it changes
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,

    /// The key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,

    /// The roots of the workload's trust domain in PEM; with DOMAIN=, those of another one. May be repeated
    #[arg(long, value_name = "[DOMAIN=]FILE", required = true)]
    pub ca: Vec<CaFile>,

    /// Where /metrics is served
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:15020", value_parser = parse_address)]
    pub metrics: SocketAddr,

    /// Where /healthz/ready is served
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:15021", value_parser = parse_address)]
    pub ready: SocketAddr,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for those of the flags")]
    pub environment: Environment,
}

/// A file of roots, and the trust domain that they are for: the workload's own unless it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaFile {
    /// The trust domain, if it is named.
    pub trust_domain: Option<String>,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for CaFile {
    type Err = CaFileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (trust_domain, path) = match text.split_once('=') {
            Some((domain, path)) => (Some(domain), path),
            None => (None, text),
        };
        if path.is_empty() || trust_domain == Some("") {
            return Err(CaFileError);
        }
        Ok(Self {
            trust_domain: trust_domain.map(str::to_owned),
            path: path.into(),
        })
    }
}

impl fmt::Display for CaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(domain) = &self.trust_domain {
            write!(f, "{domain}=")?;
        }
        write!(f, "{}", self.path.display())
    }
}

/// A text that names no file of roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not of the form FILE or TRUST-DOMAIN=FILE")]
#[non_exhaustive]
pub struct CaFileError;
