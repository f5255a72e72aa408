use std::net::SocketAddr;

use anyhow::Result;

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
        Chain::start(way, self.secrets.folder(), self.sink)
    }
}
