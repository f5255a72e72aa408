use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use crate::chain::{Chain, Way};
use crate::process::Process;
use crate::secrets::Secrets;

/// The two applications and the keys: what every way has in common.
pub(crate) struct Stage {
    pub(crate) application: Process,
    sink: SocketAddr,
    _sink: Process,
    secrets: Secrets,
}

impl Stage {
    pub(crate) fn set() -> Result<Self> {
        let mut sink = Process::spawn("sink", [""; 0])?;
        Ok(Self {
            application: Process::spawn("application", [""; 0])?,
            sink: sink.address()?,
            _sink: sink,
            secrets: Secrets::create()?,
        })
    }

    pub(crate) fn chain(&self, way: Way) -> Result<Chain> {
        let program = std::env::current_exe().context("finding this program")?;
        self.chain_of(&program, way)
    }

    /// The relays of a `bench-tunnel` that was built otherwise.
    pub(crate) fn chain_of(&self, program: &Path, way: Way) -> Result<Chain> {
        Chain::start(program, way, self.secrets.folder(), self.sink)
    }
}
